/* Limits that only a static variable of a function holds. */
#include <stdio.h>
#include <string.h>

struct limits {
    int least;
    int step;
    int most;
};

static struct limits *limits(void)
{
    static struct limits kept = {.least = 1, .step = 1, .most = 10};
    return &kept;
}

static int sum;

static void command(const char *line)
{
    int value;

    if (sscanf(line, "add %d", &value) == 1 && value >= limits()->least && value <= limits()->most) {
        sum += value * limits()->step;
    } else if (sscanf(line, "most %d", &value) == 1) {
        limits()->most = value;
    }
}

static void dump(void)
{
    printf("%d in %d..%d\n", sum, limits()->least, limits()->most);
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
