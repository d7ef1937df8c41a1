/* A static variable of a header lives once in each unit that includes it. */
#include <stdio.h>
#include <string.h>

#include "limit.h"
#include "other.h"

static int sum;

static void command(const char *line)
{
    int value;

    if (sscanf(line, "add %d", &value) == 1) {
        sum += limited(value);
        other_add(value);
    } else if (sscanf(line, "limit %d", &value) == 1) {
        set_limit(value);
    }
}

static void dump(void)
{
    printf("%d %d\n", sum, other_sum());
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
