/* A static variable under another name. */
#include <stdio.h>
#include <string.h>

static long arrivals;
static int errors;

static void command(const char *line)
{
    if (strcmp(line, "visit\n") == 0) {
        arrivals++;
    } else {
        errors++;
    }
}

static void dump(void)
{
    printf("%ld %d\n", arrivals, errors);
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
