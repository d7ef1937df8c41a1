/* Wires that only a member leads to which goes, and one which comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wire {
    long length;
    int gauge;
    struct wire *next;
};

struct hub {
    struct wire *cabling;
    int ports[4];
    int id;
};

static struct hub *hub;

static void setup(void)
{
    hub = calloc(1, sizeof *hub);
    if (hub == NULL) {
        exit(1);
    }
}

static void command(const char *line)
{
    int gauge;

    if (sscanf(line, "wire %d", &gauge) == 1) {
        struct wire *wire = calloc(1, sizeof *wire);
        if (wire == NULL) {
            exit(1);
        }
        wire->gauge = gauge;
        wire->next = hub->cabling;
        hub->cabling = wire;
    }
}

static void dump(void)
{
    for (const struct wire *wire = hub->cabling; wire != NULL; wire = wire->next) {
        printf("%d\n", wire->gauge);
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
