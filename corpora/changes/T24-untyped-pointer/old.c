/* Timers that carry data of whoever set them, behind a void pointer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reminder {
    char text[16];
};

struct timer {
    int due;
    void (*fire)(void *data);
    void *data;
    struct timer *next;
};

static struct timer *timers;

static void remind(void *data)
{
    const struct reminder *reminder = data;
    printf("remember %s\n", reminder->text);
}

static void command(const char *line)
{
    char text[16];
    int due;

    if (sscanf(line, "remind %d %15s", &due, text) == 2) {
        struct timer *timer = calloc(1, sizeof *timer);
        struct reminder *reminder = calloc(1, sizeof *reminder);
        if (timer == NULL || reminder == NULL) {
            exit(1);
        }
        strcpy(reminder->text, text);
        timer->due = due;
        timer->fire = remind;
        timer->data = reminder;
        timer->next = timers;
        timers = timer;
    }
}

static void dump(void)
{
    for (const struct timer *timer = timers; timer != NULL; timer = timer->next) {
        printf("at %d ", timer->due);
        timer->fire(timer->data);
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
