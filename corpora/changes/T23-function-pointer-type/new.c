/* Steps of a calculation, each with the function that does it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step {
    long (*apply)(long value, int times);
    const char *name;
    struct step *next;
};

static long twice(long value, int times)
{
    return value << times;
}

static long next_one(long value, int times)
{
    return value + times;
}

static struct step steps[] = {{twice, "twice", NULL}, {next_one, "next", NULL}};
static struct step *plan;
static long result;

static void command(const char *line)
{
    for (size_t at = 0; at < sizeof steps / sizeof *steps; at++) {
        if (strncmp(line, steps[at].name, strlen(steps[at].name)) == 0) {
            struct step *step = malloc(sizeof *step);
            if (step == NULL) {
                exit(1);
            }
            *step = steps[at];
            step->next = plan;
            plan = step;
            result = step->apply(result, 1);
        }
    }
}

static void dump(void)
{
    for (const struct step *step = plan; step != NULL; step = step->next) {
        printf("%s\n", step->name);
    }
    printf("= %ld\n", result);
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
