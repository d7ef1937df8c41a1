/* Sums, with a function that the other file wants too. */
#include <stdio.h>
#include <string.h>

#include "parts.h"

static int sum;

int clamp(int value)
{
    return value > 99 ? 99 : value;
}

static void command(const char *line)
{
    int value;

    if (sscanf(line, "add %d", &value) == 1) {
        sum = clamp(sum + value);
        part_add(value);
    }
}

static void dump(void)
{
    printf("%d %d\n", sum, part_sum());
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
