/* Sends numbers. */
#include <stdio.h>
#include <string.h>

#include "count.h"

static void command(const char *line)
{
    unsigned amount;

    if (sscanf(line, "send %u", &amount) == 1) {
        count_sent(amount);
    }
}

static void dump(void)
{
    printf("%u\n", count_total());
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
