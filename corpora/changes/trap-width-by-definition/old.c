/* Times of events; -DLARGE_TIMES makes them 64 bits wide. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef LARGE_TIMES
typedef long stamp_t;
#else
typedef int stamp_t;
#endif

struct event {
    stamp_t at;
    char what[12];
    struct event *next;
};

static struct event *events;
static stamp_t latest;

static void command(const char *line)
{
    struct event *event = calloc(1, sizeof *event);
    long at;

    if (event != NULL && sscanf(line, "event %ld %11s", &at, event->what) == 2) {
        event->at = at;
        event->next = events;
        events = event;
        latest = at;
    } else {
        free(event);
    }
}

static void dump(void)
{
    for (const struct event *event = events; event != NULL; event = event->next) {
        printf("%ld %s\n", (long)event->at, event->what);
    }
    printf("latest %ld\n", (long)latest);
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
