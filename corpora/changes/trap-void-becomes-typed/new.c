/* Tickets whose owner was untyped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct owner {
    char name[12];
};

struct ticket {
    struct owner *owner;
    int seat;
};

static struct owner owners[2] = {{"ada"}, {"bob"}};
static struct ticket tickets[2];

static void command(const char *line)
{
    int ticket, owner;

    if (sscanf(line, "sell %d %d", &ticket, &owner) == 2 && ticket >= 0 && ticket < 2 && owner >= 0 && owner < 2) {
        tickets[ticket].owner = &owners[owner];
        tickets[ticket].seat++;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        const struct owner *owner = tickets[at].owner;
        printf("%s %d\n", owner != NULL ? owner->name : "-", tickets[at].seat);
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
