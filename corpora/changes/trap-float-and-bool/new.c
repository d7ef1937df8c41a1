/* A flag that was an int, a share that was a float, and a rate that becomes whole. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct offer {
    bool open;
    double share;
    long rate;
    struct offer *next;
};

static struct offer *offers;

static void command(const char *line)
{
    struct offer *offer = calloc(1, sizeof *offer);
    double share, rate;

    if (offer != NULL && sscanf(line, "offer %lf %lf", &share, &rate) == 2) {
        offer->open = 1;
        offer->share = (float)share;
        offer->rate = rate;
        offer->next = offers;
        offers = offer;
    } else {
        free(offer);
    }
}

static void dump(void)
{
    for (const struct offer *offer = offers; offer != NULL; offer = offer->next) {
        printf("%d %.2f %.2f\n", (int)offer->open, (double)offer->share, (double)offer->rate);
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
