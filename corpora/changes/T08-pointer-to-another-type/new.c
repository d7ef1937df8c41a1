/* Lamps share colours, which are allocated apart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gradient {
    double hue;
    int stops[2];
};

struct lamp {
    int number;
    struct gradient *colour;
    struct lamp *next;
};

static struct lamp *lamps;

static void command(const char *line)
{
    int number, first, second, third;

    if (sscanf(line, "lamp %d %d %d %d", &number, &first, &second, &third) == 4) {
        struct lamp *lamp = calloc(1, sizeof *lamp);
        struct gradient *colour = calloc(1, sizeof *colour);
        if (lamp == NULL || colour == NULL) {
            exit(1);
        }
        colour->hue = first;
        colour->stops[0] = second;
        colour->stops[1] = third;
        lamp->number = number;
        lamp->colour = colour;
        lamp->next = lamps;
        lamps = lamp;
    }
}

static void dump(void)
{
    for (const struct lamp *lamp = lamps; lamp != NULL; lamp = lamp->next) {
        printf("%d %.1f %d %d\n", lamp->number, lamp->colour->hue, lamp->colour->stops[0], lamp->colour->stops[1]);
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
