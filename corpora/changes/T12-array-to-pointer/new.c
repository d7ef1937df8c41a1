/* Rows of a sheet with their cells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 3

struct row {
    int *cells;
    struct row *next;
};

static struct row *sheet;

static struct row *row_new(void)
{
    struct row *row = calloc(1, sizeof(struct row));

    if (row != NULL) {
        row->cells = calloc(CELLS, sizeof *row->cells);
    }
    return row;
}

static void command(const char *line)
{
    int cells[CELLS];

    if (sscanf(line, "row %d %d %d", &cells[0], &cells[1], &cells[2]) == CELLS) {
        struct row *row = row_new();
        if (row == NULL) {
            exit(1);
        }
        for (int at = 0; at < CELLS; at++) {
            row->cells[at] = cells[at];
        }
        row->next = sheet;
        sheet = row;
    }
}

static void dump(void)
{
    for (const struct row *row = sheet; row != NULL; row = row->next) {
        printf("%d %d %d\n", row->cells[0], row->cells[1], row->cells[2]);
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
