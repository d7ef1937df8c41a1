/* Nothing that matters changes here,
 * although much looks different. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned number_t;
typedef number_t amount_t;

struct cell {
    amount_t value; /* what it is worth */
    long weight;
    struct cell *next;
};

static struct cell *cells;
static char const greeting[6] =
    "cells"; // the first line

static signed int compare(struct cell const *const left, const struct cell *right)
{
    assert(left != NULL);
    return (left->value > right->value)
         - (left->value < right->value);
}

static void command(const char line[])
{
    struct cell *cell = calloc(1, sizeof *cell);

    assert(cell != NULL);


    if (sscanf(line, "cell %u %ld", &cell->value, /* and */ &cell->weight) == 2) {
        struct cell **place = &cells;
        while (*place != NULL && compare(*place, cell) < 0) {
            place = &(*place)->next;
        }
        cell->next = *place;
        *place = cell;
    } else {
        free(cell);
    }
}

static void dump(void)
{
    printf("%s\n", greeting);
    for (const struct cell *cell = cells; cell != NULL; cell = cell->next) {
        printf("%u %ld\n", cell->value, cell->weight);
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
