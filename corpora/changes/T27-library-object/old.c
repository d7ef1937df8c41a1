/* Attempts that can be given up with longjmp(). */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct attempt {
    jmp_buf way_out;
    int tried;
    struct attempt *next;
};

static struct attempt *attempts;

static void try_it(struct attempt *attempt, int value)
{
    if (value < 0) {
        longjmp(attempt->way_out, 1);
    }
    attempt->tried += value;
}

static void command(const char *line)
{
    int value;

    if (sscanf(line, "try %d", &value) == 1) {
        struct attempt *attempt = calloc(1, sizeof *attempt);
        if (attempt == NULL) {
            exit(1);
        }
        attempt->next = attempts;
        attempts = attempt;
        if (setjmp(attempt->way_out) == 0) {
            try_it(attempts, value);
        }
    }
}

static void dump(void)
{
    for (const struct attempt *attempt = attempts; attempt != NULL; attempt = attempt->next) {
        printf("%d\n", attempt->tried);
    }
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
