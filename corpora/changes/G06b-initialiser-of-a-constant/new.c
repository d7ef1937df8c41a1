/* A fee that is never written. */
#include <stdio.h>
#include <string.h>

static int fee = 4;
static int paid;

static void command(const char *line)
{
    int price;

    if (sscanf(line, "pay %d", &price) == 1) {
        paid += price + fee;
    }
}

static void dump(void)
{
    printf("%d\n", paid);
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
