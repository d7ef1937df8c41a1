/* A level that leaves its bit-field. */
#include <stdio.h>
#include <string.h>

struct lamp {
    unsigned on : 1;
    unsigned level : 4;
    unsigned short room;
};

static struct lamp lamps[2];

static void command(const char *line)
{
    unsigned lamp, level;

    if (sscanf(line, "lamp %u %u", &lamp, &level) == 2 && lamp < 2) {
        lamps[lamp].on = level != 0;
        lamps[lamp].level = level & 15U;
        lamps[lamp].room = 7;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        printf("%u %u %u\n", lamps[at].on, (unsigned)lamps[at].level, lamps[at].room);
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
