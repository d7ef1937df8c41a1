/* One name of a type with a definition in each of two files. */
#include <stdio.h>
#include <string.h>

#include "input.h"
#include "output.h"

static void command(const char *line)
{
    int value;

    if (sscanf(line, "input %d", &value) == 1) {
        input_put(value);
    } else if (sscanf(line, "output %d", &value) == 1) {
        output_put(value);
    }
}

static void dump(void)
{
    printf("%d %d\n", input_sum(), output_sum());
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
