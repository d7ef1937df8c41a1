/* Settings of a server, with what they are if nobody says otherwise. */
#include <stdio.h>
#include <string.h>

static int config_timeout = 30;
static int config_retries = 3;

static void command(const char *line)
{
    int value;

    if (sscanf(line, "config timeout %d", &value) == 1) {
        config_timeout = value;
    } else if (sscanf(line, "config retries %d", &value) == 1) {
        config_retries = value;
    }
}

static void dump(void)
{
    printf("timeout %d retries %d\n", config_timeout, config_retries);
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
