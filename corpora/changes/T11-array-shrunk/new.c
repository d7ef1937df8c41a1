/* Meters that remember their last values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct meter {
    int history[4];
    int filled;
};

static struct meter meters[2];

static void command(const char *line)
{
    int which, value;

    if (sscanf(line, "value %d %d", &which, &value) == 2 && which >= 0 && which < 2) {
        struct meter *meter = &meters[which];
        int room = (int)(sizeof meter->history / sizeof *meter->history);
        meter->history[meter->filled % room] = value;
        meter->filled++;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        int room = (int)(sizeof meters[at].history / sizeof *meters[at].history);
        printf("%d:", at);
        for (int value = 0; value < room && value < meters[at].filled; value++) {
            printf(" %d", meters[at].history[value]);
        }
        printf("\n");
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
