/* Hits that a signal handler counts. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gauge {
    _Atomic int hits;
    long limit;
};

static struct gauge gauge = {.limit = 10};

static void on_signal(int number)
{
    (void)number;
    gauge.hits++;
}

static void setup(void)
{
    signal(SIGUSR1, on_signal);
}

static void command(const char *line)
{
    int times;

    if (sscanf(line, "hit %d", &times) == 1) {
        while (times-- > 0) {
            raise(SIGUSR1);
        }
    }
}

static void dump(void)
{
    printf("%d of %ld\n", gauge.hits, gauge.limit);
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
    setup();
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
