/* A table of units that nothing writes, made by a generator that wrote to a pipe. */
#line 2 "<stdout>"
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

static const struct unit units[] = {
    {"m", 1.0},
    {"km", 1000.0},
};

static double metres;

static void command(const char *line)
{
    char name[4];
    double amount;

    if (sscanf(line, "walk %lf %3s", &amount, name) == 2) {
        for (size_t at = 0; at < sizeof units / sizeof *units; at++) {
            if (strcmp(units[at].name, name) == 0) {
                metres += amount * units[at].factor;
            }
        }
    }
}

static void dump(void)
{
    printf("%.0f m\n", metres);
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
