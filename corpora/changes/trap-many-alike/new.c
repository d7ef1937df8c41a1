/* Fees that are never written, and constant tables of rates: as many of each as a report tells in one line. */
#include <stdio.h>
#include <string.h>

static int air_fee = 11;
static int rail_fee = 12;
static int road_fee = 13;
static int sea_fee = 14;
static int foot_fee = 15;
static int pipe_fee = 16;

static const int air_rates[] = {2, 3, 40};
static const int rail_rates[] = {3, 4, 41};
static const int road_rates[] = {4, 5, 42};
static const int sea_rates[] = {5, 6, 43};
static const int foot_rates[] = {6, 7, 44};
static const int pipe_rates[] = {7, 8, 45};

static char sent[8][8];
static int count;

static int cost(const char *way)
{
    if (strcmp(way, "air") == 0) {
        return air_fee + air_rates[sizeof air_rates / sizeof *air_rates - 1];
    }
    if (strcmp(way, "rail") == 0) {
        return rail_fee + rail_rates[sizeof rail_rates / sizeof *rail_rates - 1];
    }
    if (strcmp(way, "road") == 0) {
        return road_fee + road_rates[sizeof road_rates / sizeof *road_rates - 1];
    }
    if (strcmp(way, "sea") == 0) {
        return sea_fee + sea_rates[sizeof sea_rates / sizeof *sea_rates - 1];
    }
    if (strcmp(way, "foot") == 0) {
        return foot_fee + foot_rates[sizeof foot_rates / sizeof *foot_rates - 1];
    }
    if (strcmp(way, "pipe") == 0) {
        return pipe_fee + pipe_rates[sizeof pipe_rates / sizeof *pipe_rates - 1];
    }
    return 0;
}

static void command(const char *line)
{
    if (count < 8 && sscanf(line, "send %7s", sent[count]) == 1) {
        count++;
    }
}

static void dump(void)
{
    for (int i = 0; i < count; i++) {
        printf("%s %d\n", sent[i], cost(sent[i]));
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
