/* Counters per interface, in static data and in a heap block for the totals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counter {
    unsigned packets;
    unsigned short errors;
};

static struct counter interfaces[2];
static struct counter *total;

static void setup(void)
{
    total = calloc(1, sizeof *total);
    if (total == NULL) {
        exit(1);
    }
}

static void command(const char *line)
{
    unsigned which, packets;

    if (sscanf(line, "count %u %u", &which, &packets) == 2 && which < 2) {
        interfaces[which].packets += packets;
        total->packets += packets;
    } else if (sscanf(line, "error %u", &which) == 1 && which < 2) {
        interfaces[which].errors++;
        total->errors++;
    }
}

static void dump(void)
{
    for (int at = 0; at < 2; at++) {
        printf("%d %llu %u\n", at, (unsigned long long)interfaces[at].packets, interfaces[at].errors);
    }
    printf("total %llu %u\n", (unsigned long long)total->packets, total->errors);
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
    setup();
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
