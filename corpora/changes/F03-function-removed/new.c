/* Jobs that hold the function which does them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    void (*run)(int);
    int argument;
    struct job *next;
};

static struct job *jobs;
static int total;

static void add(int value)
{
    total += value;
}

static void queue(void (*run)(int), int argument)
{
    struct job *job = calloc(1, sizeof *job);

    if (job == NULL) {
        exit(1);
    }
    job->run = run;
    job->argument = argument;
    job->next = jobs;
    jobs = job;
}

static void command(const char *line)
{
    int value;

    if (sscanf(line, "add %d", &value) == 1) {
        queue(add, value);
    } else if (sscanf(line, "take %d", &value) == 1) {
        queue(add, -value);
    } else if (strcmp(line, "run\n") == 0) {
        while (jobs != NULL) {
            struct job *job = jobs;
            jobs = job->next;
            job->run(job->argument);
            free(job);
        }
    }
}

static void dump(void)
{
    for (const struct job *job = jobs; job != NULL; job = job->next) {
        printf("waiting %d\n", job->argument);
    }
    printf("%d\n", total);
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
