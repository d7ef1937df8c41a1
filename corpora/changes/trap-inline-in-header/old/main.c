/* An inline function of a header, with a static variable in each unit. */
#include <stdio.h>
#include <string.h>

#include "helpers.h"
#include "part.h"

static int whole;

static void command(const char *line)
{
    int value;

    if (sscanf(line, "add %d", &value) == 1) {
        whole = limit(whole + value);
        part_add(value / 2);
    }
}

static void dump(void)
{
    printf("%d %d\n", whole, part_value());
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
