/* Complaints about unknown commands; the new version makes only so many. */
#include <stdio.h>
#include <string.h>

static void complain(const char *line)
{
    static int complaints;
    static int allowed = 3;

    complaints++;
    if (allowed-- <= 0) {
        return;
    }
    printf("unknown %d: %s", complaints, line);
}

static int sum;

static void command(const char *line)
{
    int value;

    if (sscanf(line, "add %d", &value) == 1) {
        sum += value;
    } else {
        complain(line);
    }
}

static void dump(void)
{
    printf("%d\n", sum);
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
