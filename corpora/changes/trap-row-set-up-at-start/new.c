/* Counters that start-up code numbers by a table, and requests find by their number. */
#include <stdio.h>
#include <string.h>

struct counter {
    const char *name;
    int index;
};

static struct counter gets = {"get", -1};
static struct counter puts_ = {"put", -1};
static struct counter heads = {"head", -1};

static struct counter *counters[] = {&gets, &puts_, &heads, NULL};

static int seen[8];

static void init_counters(void)
{
    for (int i = 0; counters[i] != NULL; i++) {
        counters[i]->index = i;
    }
}

static void command(const char *line)
{
    if (strcmp(line, "get\n") == 0) {
        seen[gets.index]++;
    } else if (strcmp(line, "put\n") == 0) {
        seen[puts_.index]++;
    } else if (strcmp(line, "head\n") == 0) {
        seen[heads.index]++;
    }
}

static void dump(void)
{
    printf("%d %d\n", seen[0], seen[1]);
}

int main(void)
{
    char line[128];

    init_counters();
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "dump\n") == 0) {
            dump();
            puts(".");
        } else {
            command(line);
        }
    }
    return 0;
}
