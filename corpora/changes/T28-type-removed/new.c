/* Alarms beside a counter; the new version knows no alarms. */
#include <stdio.h>
#include <string.h>

static int commands;

static void command(const char *line)
{
    (void)line;
    commands++;
}

static void dump(void)
{
    printf("%d commands\n", commands);
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
