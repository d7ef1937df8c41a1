/* A point inside a shape, in an unnamed struct. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    int id;
    struct {
        int x;
        int y;
        int z;
    };
    struct shape *next;
};

static struct shape *shapes;

static void command(const char *line)
{
    struct shape *shape = calloc(1, sizeof *shape);

    if (shape != NULL && sscanf(line, "shape %d %d %d", &shape->id, &shape->x, &shape->y) == 3) {
        shape->next = shapes;
        shapes = shape;
    } else {
        free(shape);
    }
}

static void dump(void)
{
    for (const struct shape *shape = shapes; shape != NULL; shape = shape->next) {
        printf("%d %d %d\n", shape->id, shape->x, shape->y);
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
