/* A limit that a command changes. */
#include <stdio.h>
#include <string.h>

static int limit = 10;
static int sum;

static void command(const char *line)
{
    int value;

    if (sscanf(line, "limit %d", &value) == 1) {
        limit = value;
    } else if (sscanf(line, "add %d", &value) == 1 && sum + value <= limit) {
        sum += value;
    }
}

static void dump(void)
{
    printf("%d of %d\n", sum, limit);
}

int main(void)
{
    char line[128];

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
