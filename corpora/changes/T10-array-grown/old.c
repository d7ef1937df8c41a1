/* Hosts on a list, each with a short name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host {
    struct host *next;
    char name[8];
    int samples[2];
    int sum;
};

static struct host *hosts;

static void command(const char *line)
{
    char name[8];
    int sample;

    if (sscanf(line, "host %7s %d", name, &sample) == 2) {
        struct host *host = calloc(1, sizeof *host);
        if (host == NULL) {
            exit(1);
        }
        strcpy(host->name, name);
        host->samples[0] = sample;
        host->samples[1] = sample * 2;
        host->sum = sample * 3;
        host->next = hosts;
        hosts = host;
    }
}

static void dump(void)
{
    for (const struct host *host = hosts; host != NULL; host = host->next) {
        printf("%s %d %d %d\n", host->name, host->samples[0], host->samples[1], host->sum);
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
