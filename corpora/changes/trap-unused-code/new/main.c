/* A struct and an inline function of a header, which nothing uses: -g leaves both out. */
#include <stdio.h>
#include <string.h>

#include "unused.h"

static int sum;

static void command(const char *line)
{
    int value;

    if (sscanf(line, "add %d", &value) == 1) {
        sum += value;
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
