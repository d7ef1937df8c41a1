/* Two enumerations without names; one gets a constant at its front. */
#include <stdio.h>
#include <string.h>

enum { RED, GREEN, BLUE };
enum { SMALL, LARGE };

static int colour = GREEN;
static int size = LARGE;

static void command(const char *line)
{
    if (strcmp(line, "red\n") == 0) {
        colour = RED;
    } else if (strcmp(line, "blue\n") == 0) {
        colour = BLUE;
    } else if (strcmp(line, "small\n") == 0) {
        size = SMALL;
    }
}

static void dump(void)
{
    printf("%s %s\n", colour == RED ? "red" : colour == GREEN ? "green" : "blue", size == SMALL ? "small" : "large");
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
