/* threads.c MODE: what threads do while an update comes. `say` on standard input prints the version; `stop` ends what computes. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static volatile int stopped;
static unsigned long rounds, created;

__attribute__((noinline)) const char *version(void) { return "VERSION"; }

__attribute__((noinline)) void next_round(void) { __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED); }

__attribute__((noinline)) unsigned long stir(unsigned long x) { return (x ^ x >> 7) * 0x9e3779b97f4a7c15u; }

static void *compute(void *unused) {
    unsigned long value = 1;
    pthread_setname_np(pthread_self(), "computer");
    (void)unused;
    while (!stopped)
        for (int i = 0; i < 1000; i++)
            value = stir(value);
    return (void *)value;
}

static void *compute_in_rounds(void *unused) {
    (void)unused;
    unsigned long value = 1;
    while (!stopped) {
        for (int i = 0; i < 1000; i++)
            value = stir(value);
        next_round();
    }
    return (void *)value;
}

static void *allocate(void *unused) {
    void *blocks[64] = {NULL};
    (void)unused;
    for (unsigned i = 0; !stopped; i++) {
        free(blocks[i % 64]);
        blocks[i % 64] = malloc(1 + i * 2654435761u % 300000);
        if (i % 256 == 0)
            usleep(1);
    }
    return NULL;
}

static void *nothing(void *argument) { return argument; }

static void *churn(void *unused) {
    pthread_t threads[8];
    (void)unused;
    while (!stopped) {
        for (int i = 0; i < 8; i++)
            while (pthread_create(&threads[i], NULL, nothing, NULL))
                usleep(1000);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        __atomic_add_fetch(&created, 8, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *start_programs(void *unused) {
    static char *const words[] = {"true", NULL};
    (void)unused;
    while (!stopped) {
        pid_t child;
        int status;
        if (posix_spawnp(&child, "true", NULL, NULL, words, environ) || waitpid(child, &status, 0) != child || status)
            _exit(8);
        child = fork();
        if (child == 0)
            _exit(strcmp(version(), "VERSION") > 1);
        if (waitpid(child, &status, 0) != child || status)
            _exit(9);
        __atomic_add_fetch(&created, 2, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *sleep_for_ever(void *unused) {
    for (;;)
        pause();
    return unused;
}

static int start(const char *mode, int count) {
    static const struct {
        const char *name;
        void *(*run)(void *);
    } modes[] = {{"compute", compute}, {"rounds", compute_in_rounds}, {"allocate", allocate},
                 {"churn", churn},     {"programs", start_programs},  {"sleep", sleep_for_ever},
                 {"leader", sleep_for_ever}};
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (int n = 0; strcmp(mode, modes[i].name) == 0 && n < count; n++)
            if (pthread_create(&thread, &small, modes[i].run, NULL))
                return -1;
    return 0;
}

int main(int count, char **words) {
    char line[64];
    if (count < 3 || start(words[1], atoi(words[2])))
        return 1;
    dprintf(1, "ready\n");
    if (strcmp(words[1], "leader") == 0)
        pthread_exit(NULL);
    while (fgets(line, sizeof line, stdin))
        if (strcmp(line, "say\n") == 0)
            dprintf(1, "%s\n", version());
        else if (strcmp(line, "created\n") == 0)
            dprintf(1, "%lu\n", __atomic_load_n(&created, __ATOMIC_RELAXED));
        else
            stopped = 1;
    return 0;
}
