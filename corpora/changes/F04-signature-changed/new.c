/* Prices with tax, computed by a function that is called from two places. */
#include <stdio.h>
#include <string.h>

static long net;
static long gross;

static long with_tax(long amount, int percent)
{
    return amount + amount * percent / 100;
}

static void command(const char *line)
{
    long amount;

    if (sscanf(line, "sell %ld", &amount) == 1) {
        net += amount;
        gross += with_tax(amount, 20);
    }
}

static void dump(void)
{
    printf("%ld %ld %ld\n", net, gross, with_tax(100, 20));
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
