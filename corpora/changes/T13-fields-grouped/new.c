/* Ships on a map. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    int x;
    int y;
};

struct ship {
    char name[12];
    struct place at;
    struct ship *next;
};

static struct ship *ships;

static void command(const char *line)
{
    struct ship *ship = calloc(1, sizeof *ship);
    int x, y;

    if (ship == NULL) {
        exit(1);
    }
    if (sscanf(line, "ship %11s %d %d", ship->name, &x, &y) == 3) {
        ship->at.x = x;
        ship->at.y = y;
        ship->next = ships;
        ships = ship;
    } else {
        free(ship);
    }
}

static void dump(void)
{
    for (const struct ship *ship = ships; ship != NULL; ship = ship->next) {
        printf("%s %d %d\n", ship->name, ship->at.x, ship->at.y);
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
