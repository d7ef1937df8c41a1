/* Slots of a rack: more of them, and each with more in it. */
#include <stdio.h>
#include <string.h>

struct slot {
    int card;
};

static struct slot rack[2];

static void command(const char *line)
{
    int slot, card;

    if (sscanf(line, "card %d %d", &slot, &card) == 2 && slot >= 0 && slot < (int)(sizeof rack / sizeof *rack)) {
        rack[slot].card = card;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        printf("%d %d\n", at, rack[at].card);
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
