/* A bound under another name. */
#include <stdio.h>
#include <string.h>

#define SLOTS 3

static int slots[SLOTS];

static void command(const char *line)
{
    int slot, value;

    if (sscanf(line, "slot %d %d", &slot, &value) == 2 && slot >= 0 && slot < SLOTS) {
        slots[slot] = value;
    }
}

static void dump(void)
{
    for (int at = 0; at < SLOTS; at++) {
        printf("%d\n", slots[at]);
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
