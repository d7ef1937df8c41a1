/* A running total and the parts it has. */
#include <stdio.h>
#include <string.h>

static long total;
static unsigned parts[3];

static void command(const char *line)
{
    int part, amount;

    if (sscanf(line, "add %d %d", &part, &amount) == 2 && part >= 0 && part < 3) {
        total += amount;
        parts[part]++;
    }
}

static void dump(void)
{
    printf("%ld: %u %u %u\n", (long)total, (unsigned)parts[0], (unsigned)parts[1], (unsigned)parts[2]);
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
