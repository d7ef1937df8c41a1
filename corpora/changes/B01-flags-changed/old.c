/* Cells of a board; -fshort-enums makes their enumeration one byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum piece { NONE, MAN, KING };

struct cell {
    enum piece piece;
    int moves;
};

static struct cell cells[4];

static void command(const char *line)
{
    int cell, piece;

    if (sscanf(line, "put %d %d", &cell, &piece) == 2 && cell >= 0 && cell < 4 && piece >= 0 && piece <= 2) {
        cells[cell].piece = (enum piece)piece;
        cells[cell].moves++;
    }
}

static void dump(void)
{
    for (int at = 0; at < 4; at++) {
        printf("%d %d\n", (int)cells[at].piece, cells[at].moves);
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
