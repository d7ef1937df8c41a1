/* Parcels and where they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum stage { PACKED, SENT, LOST, ARRIVED };

static enum stage parcels[4];
static const char *const stages[] = {"packed", "sent", "lost", "arrived"};

static void command(const char *line)
{
    char word[12];
    int parcel;

    if (sscanf(line, "%11s %d", word, &parcel) != 2 || parcel < 0 || parcel > 3) {
        return;
    }
    for (int at = 0; at < (int)(sizeof stages / sizeof *stages); at++) {
        if (stages[at] != NULL && strcmp(word, stages[at]) == 0) {
            parcels[parcel] = (enum stage)at;
        }
    }
}

static void dump(void)
{
    for (int at = 0; at < 4; at++) {
        printf("%d %s\n", at, stages[parcels[at]]);
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
