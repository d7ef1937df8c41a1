/* Sides of a coin, in another order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum side { HEADS, TAILS };

struct toss {
    enum side side;
    struct toss *next;
};

static struct toss *tosses;

static void command(const char *line)
{
    struct toss *toss = calloc(1, sizeof *toss);

    if (toss == NULL) {
        exit(1);
    }
    toss->side = line[0] == 'h' ? HEADS : TAILS;
    toss->next = tosses;
    tosses = toss;
}

static void dump(void)
{
    for (const struct toss *toss = tosses; toss != NULL; toss = toss->next) {
        printf("%s\n", toss->side == HEADS ? "heads" : "tails");
    }
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
