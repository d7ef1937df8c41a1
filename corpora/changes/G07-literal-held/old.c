/* Lamps whose state is the address of a literal. */
#include <stdio.h>
#include <string.h>

static const char *lamps[3];

static const char *state_of(int level)
{
    if (level == 0) {
        return "off";
    }
    return level < 5 ? "dim" : "bright";
}

static void command(const char *line)
{
    int lamp, level;

    if (sscanf(line, "lamp %d %d", &lamp, &level) == 2 && lamp >= 0 && lamp < 3) {
        lamps[lamp] = state_of(level);
    }
}

static void dump(void)
{
    for (int at = 0; at < 3; at++) {
        printf("%d %s\n", at, lamps[at] != NULL ? lamps[at] : "-");
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
