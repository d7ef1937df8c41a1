/* A stack whose room is a constant, allocated once: no type shows it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_SIZE 16

static long *stack;
static size_t depth;

static void setup(void)
{
    stack = malloc(STACK_SIZE * sizeof *stack);
    if (stack == NULL) {
        exit(1);
    }
}

static void command(const char *line)
{
    long value;

    if (sscanf(line, "push %ld", &value) == 1 && depth < STACK_SIZE) {
        stack[depth++] = value;
    } else if (strcmp(line, "pop\n") == 0 && depth > 0) {
        depth--;
    }
}

static void dump(void)
{
    for (size_t at = 0; at < depth; at++) {
        printf("%ld\n", stack[at]);
    }
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
