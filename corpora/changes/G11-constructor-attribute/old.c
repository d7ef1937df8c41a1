/* A table of squares, first made by main, then by a constructor. */
#include <stdio.h>
#include <string.h>

static int squares[6];
static int asked;

static void fill(void)
{
    for (int at = 0; at < 6; at++) {
        squares[at] = at * at;
    }
}

static void command(const char *line)
{
    int of;

    if (sscanf(line, "square %d", &of) == 1 && of >= 0 && of < 6) {
        asked += squares[of];
    }
}

static void dump(void)
{
    printf("%d\n", asked);
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
    fill();
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
