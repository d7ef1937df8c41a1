/* Weights that may be changed in the new version. */
#include <stdio.h>
#include <string.h>

static const int weights[3] = {1, 2, 3};
static int sum;

static void command(const char *line)
{
    int which;

    if (sscanf(line, "add %d", &which) == 1 && which >= 0 && which < 3) {
        sum += weights[which];
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
