/* Doors and their states. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum door_state { OPEN, CLOSED, LOCKED, BLOCKED };

struct door {
    enum door_state state;
    int uses;
};

static struct door doors[2];

static const char *name_of(enum door_state state)
{
    switch (state) {
    case OPEN:
        return "open";
    case CLOSED:
        return "closed";
    case LOCKED:
        return "locked";
    case BLOCKED:
        return "blocked";
    }
    return "?";
}

static void command(const char *line)
{
    int door, state;

    if (sscanf(line, "door %d %d", &door, &state) == 2 && door >= 0 && door < 2 && state >= OPEN && state <= BLOCKED) {
        doors[door].state = (enum door_state)state;
        doors[door].uses++;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        printf("%s %d\n", name_of(doors[at].state), doors[at].uses);
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
