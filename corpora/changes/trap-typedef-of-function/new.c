/* Handlers through a typedef of a function type, which gets a parameter. */
#include <stdio.h>
#include <string.h>

typedef void handler_t(int value, int factor);

struct route {
    const char *word;
    handler_t *handler;
};

static int sum;

static handler_t add, subtract;

static const struct route routes[] = {{"add", add}, {"subtract", subtract}};

static void add(int value, int factor)
{
    sum += value * factor;
}

static void subtract(int value, int factor)
{
    sum -= value * factor;
}

static void command(const char *line)
{
    char word[12];
    int value;

    if (sscanf(line, "%11s %d", word, &value) == 2) {
        for (size_t at = 0; at < sizeof routes / sizeof *routes; at++) {
            if (strcmp(routes[at].word, word) == 0) {
                routes[at].handler(value, 1);
            }
        }
    }
}

static void dump(void)
{
    printf("%d\n", sum);
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
