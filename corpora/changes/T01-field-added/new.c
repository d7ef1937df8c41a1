/* A queue of jobs, one allocation each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    char name[16];
    int priority;
    int size;
    struct job *next;
};

static struct job *jobs;

static void add(const char *name, int size)
{
    struct job *job = calloc(1, sizeof *job);
    struct job **place = &jobs;

    if (job == NULL) {
        exit(1);
    }
    snprintf(job->name, sizeof job->name, "%s", name);
    job->size = size;
    job->priority = size > 100 ? 1 : 5;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    *place = job;
}

static void command(const char *line)
{
    char name[16];
    int size;

    if (sscanf(line, "add %15s %d", name, &size) == 2) {
        add(name, size);
    }
}

static void dump(void)
{
    for (const struct job *job = jobs; job != NULL; job = job->next) {
        printf("%s %d %d\n", job->name, job->size, job->priority);
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
