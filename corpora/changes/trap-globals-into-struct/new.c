/* Two counters that become members of one struct. */
#include <stdio.h>
#include <string.h>

struct stats {
    long hits;
    long misses;
};

static struct stats stats;

static void command(const char *line)
{
    if (strcmp(line, "hit\n") == 0) {
        stats.hits++;
    } else if (strcmp(line, "miss\n") == 0) {
        stats.misses++;
    }
}

static void dump(void)
{
    printf("%ld %ld\n", stats.hits, stats.misses);
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
