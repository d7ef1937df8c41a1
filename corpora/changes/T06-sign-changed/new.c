/* Seats of a hall; -1 means free. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEATS 5

struct seat {
    unsigned guest;
    short row;
};

static struct seat seats[SEATS];

static void setup(void)
{
    for (int at = 0; at < SEATS; at++) {
        seats[at].guest = 0;
        seats[at].row = (short)(at / 2);
    }
}

static void command(const char *line)
{
    int seat, guest;

    if (sscanf(line, "take %d %d", &seat, &guest) == 2 && seat >= 0 && seat < SEATS) {
        seats[seat].guest = guest;
    }
}

static void dump(void)
{
    for (int at = 0; at < SEATS; at++) {
        printf("%d %d: %d\n", seats[at].row, at, (int)seats[at].guest);
    }
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
    setup();
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
