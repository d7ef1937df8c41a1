/* Measurements in the widest type there is; -mlong-double-64 makes it half as wide. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct measurement {
    long double value;
    int times;
    struct measurement *next;
};

static struct measurement *measurements;

static void command(const char *line)
{
    struct measurement *measurement = calloc(1, sizeof *measurement);
    double value;

    if (measurement != NULL && sscanf(line, "measure %lf %d", &value, &measurement->times) == 2) {
        measurement->value = value;
        measurement->next = measurements;
        measurements = measurement;
    } else {
        free(measurement);
    }
}

static void dump(void)
{
    for (const struct measurement *at = measurements; at != NULL; at = at->next) {
        printf("%.3f %d\n", (double)at->value, at->times);
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
