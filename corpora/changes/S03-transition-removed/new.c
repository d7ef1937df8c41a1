/* A crossing light; the new version never shows yellow on the way to green. */
#include <stdio.h>
#include <string.h>

enum light { RED, RED_YELLOW, GREEN, YELLOW };

static enum light light = RED;
static int changes;

static void advance(void)
{
    switch (light) {
    case RED:
        light = GREEN;
        break;
    case RED_YELLOW:
        break;
    case GREEN:
        light = YELLOW;
        break;
    case YELLOW:
        light = RED;
        break;
    }
    changes++;
}

static void command(const char *line)
{
    if (strcmp(line, "next\n") == 0) {
        advance();
    }
}

static void dump(void)
{
    printf("%d after %d\n", (int)light, changes);
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
