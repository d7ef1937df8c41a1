/* Alarms beside a counter; the new version knows no alarms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct alarm {
    int hour;
    char label[12];
    struct alarm *next;
};

static struct alarm *alarms;
static int commands;

static void set_alarm(int hour, const char *label)
{
    struct alarm *alarm = calloc(1, sizeof *alarm);

    if (alarm == NULL) {
        exit(1);
    }
    alarm->hour = hour;
    strcpy(alarm->label, label);
    alarm->next = alarms;
    alarms = alarm;
}

static void command(const char *line)
{
    char label[12];
    int hour;

    commands++;
    if (sscanf(line, "alarm %d %11s", &hour, label) == 2) {
        set_alarm(hour, label);
    }
}

static void dump(void)
{
    printf("%d commands\n", commands);
    for (const struct alarm *alarm = alarms; alarm != NULL; alarm = alarm->next) {
        printf("%d %s\n", alarm->hour, alarm->label);
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
