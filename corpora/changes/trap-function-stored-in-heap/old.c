/* Alarms that remember what to do, assigned directly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct alarm {
    int hour;
    void (*ring)(const struct alarm *alarm);
    struct alarm *next;
};

static struct alarm *alarms;

static void bell(const struct alarm *alarm)
{
    printf("bell at %d\n", alarm->hour);
}

static void horn(const struct alarm *alarm)
{
    printf("horn at %d\n", alarm->hour);
}

static void command(const char *line)
{
    struct alarm *alarm = calloc(1, sizeof *alarm);
    char sound[8];

    if (alarm != NULL && sscanf(line, "alarm %d %7s", &alarm->hour, sound) == 2) {
        alarm->ring = strcmp(sound, "horn") == 0 ? horn : bell;
        alarm->next = alarms;
        alarms = alarm;
    } else {
        free(alarm);
    }
}

static void dump(void)
{
    for (const struct alarm *alarm = alarms; alarm != NULL; alarm = alarm->next) {
        alarm->ring(alarm);
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
