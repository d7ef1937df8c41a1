/* Alarms whose level is kept as an int. */
#include <stdio.h>
#include <string.h>

enum level { LOW, MEDIUM, HIGH };

struct alarm {
    int level;
    int count;
};

static struct alarm alarms[2];

static void command(const char *line)
{
    int alarm;

    if (sscanf(line, "high %d", &alarm) == 1 && alarm >= 0 && alarm < 2) {
        alarms[alarm].level = HIGH;
        alarms[alarm].count++;
    } else if (sscanf(line, "low %d", &alarm) == 1 && alarm >= 0 && alarm < 2) {
        alarms[alarm].level = LOW;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        printf("%s %d\n", alarms[at].level == HIGH ? "high" : "not high", alarms[at].count);
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
