/* An average over what was said. */
#include <stdio.h>
#include <string.h>

static long sum;
static long count;

static long average(void)
{
    return count != 0 ? (sum + count / 2) / count : 0;
}

static void command(const char *line)
{
    long value;

    if (sscanf(line, "say %ld", &value) == 1) {
        sum += value;
        count++;
    }
}

static void dump(void)
{
    printf("%ld\n", average());
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
