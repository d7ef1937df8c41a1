/* Signals that are registered at the start. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void setup(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
}

static void command(const char *line)
{
    if (strcmp(line, "one\n") == 0) {
        raise(SIGUSR1);
    }
}

static void dump(void)
{
    printf("%d\n", (int)signals);
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
