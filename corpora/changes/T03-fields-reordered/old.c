/* Readings of sensors, in static data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    char unit;
    double value;
    short sensor;
    int count;
};

static struct reading readings[3] = {
    {.unit = 'C', .sensor = 1},
    {.unit = 'V', .sensor = 2},
    {.unit = 'A', .sensor = 3},
};

static void command(const char *line)
{
    double value;
    int sensor;

    if (sscanf(line, "read %d %lf", &sensor, &value) == 2 && sensor >= 1 && sensor <= 3) {
        readings[sensor - 1].value = value;
        readings[sensor - 1].count++;
    }
}

static void dump(void)
{
    for (int at = 0; at < 3; at++) {
        printf("%d %.1f%c %d\n", readings[at].sensor, readings[at].value, readings[at].unit, readings[at].count);
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
