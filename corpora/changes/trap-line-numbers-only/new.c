/* Code that carries its own line numbers. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* How often something was looked at:
 *
 * one for each value.
 */
static int checks;

static void check(int value)
{
    assert(value > 0);

    checks++;
}

static void command(const char *line)
{
    int value;

    if (sscanf(line, "check %d", &value) == 1 && value > 0) {
        check(value);
    }
}

static void dump(void)
{
    printf("%d\n", checks);
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
