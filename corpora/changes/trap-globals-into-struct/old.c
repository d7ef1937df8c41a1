/* Two counters that become members of one struct. */
#include <stdio.h>
#include <string.h>

static long hits;
static long misses;

static void command(const char *line)
{
    if (strcmp(line, "hit\n") == 0) {
        hits++;
    } else if (strcmp(line, "miss\n") == 0) {
        misses++;
    }
}

static void dump(void)
{
    printf("%ld %ld\n", hits, misses);
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
