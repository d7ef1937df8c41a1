/* Two files with static functions and variables of the same names. */
#include <stdio.h>
#include <string.h>

#include "sides.h"

static void command(const char *line)
{
    int value;

    if (sscanf(line, "left %d", &value) == 1) {
        left_add(value);
    } else if (sscanf(line, "right %d", &value) == 1) {
        right_add(value);
    }
}

static void dump(void)
{
    printf("%d %d\n", left_count(), right_count());
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
