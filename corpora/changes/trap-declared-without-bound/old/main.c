/* An array whose bound only the file that defines it knows. */
#include <stdio.h>
#include <string.h>

#include "table.h"

static void command(const char *line)
{
    int at, value;

    if (sscanf(line, "set %d %d", &at, &value) == 2 && at >= 0 && at < 4) {
        table[at] = value;
    }
}

static void dump(void)
{
    printf("%d %d %d %d\n", table[0], table[1], table[2], table[3]);
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
