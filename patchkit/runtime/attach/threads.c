/* threads.c: the threads of the process, those first that cost it least: who sleeps is not kept from work. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"

enum { MOST_THREADS = 4096 };

static char state_of(const struct target *target, pid_t tid) {
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", target->pid, tid);
    FILE *file = fopen(path, "re");
    char *got = file ? fgets(line, sizeof line, file) : NULL;
    if (file)
        fclose(file);
    char *name_end = got ? strrchr(line, ')') : NULL;
    return name_end ? name_end[2] : 'X';
}

static void add_in_state(const struct target *target, const pid_t *all, size_t count, char state, struct thread_list *ret) {
    for (size_t i = 0; i < count; i++)
        if (state_of(target, all[i]) == state)
            ret->tids[ret->count++] = all[i];
}

const struct problem *list_threads(const struct target *target, struct thread_list *ret) {
    static pid_t all[MOST_THREADS], found[2 * MOST_THREADS];
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", target->pid);
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && count < MOST_THREADS && (entry = readdir(directory));)
        if (atoi(entry->d_name) > 0)
            all[count++] = atoi(entry->d_name);
    if (directory)
        closedir(directory);
    *ret = (struct thread_list){found, 0};
    add_in_state(target, all, count, 'S', ret);
    add_in_state(target, all, count, 'R', ret);
    return count ? NULL : fail("PKL006", "it has ended");
}

static uint64_t mask_of(const struct target *target, pid_t tid, const char *name, uint64_t otherwise) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", target->pid, tid);
    FILE *file = fopen(path, "re");
    size_t length = strlen(name);
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, length) == 0)
            otherwise = strtoull(line + length, NULL, 16);
    if (file)
        fclose(file);
    return otherwise;
}

uint64_t blocked_by_all(const struct target *target, const struct thread_list *threads) {
    uint64_t mask = ~(uint64_t)0;
    for (size_t i = 0; i < threads->count; i++)
        mask &= mask_of(target, threads->tids[i], "SigBlk:", mask);
    return threads->count ? mask : 0;
}

int has_pending_signal(const struct target *target, pid_t tid, uint64_t mask) {
    return ((mask_of(target, tid, "SigPnd:", 0) | mask_of(target, tid, "ShdPnd:", 0)) & ~mask) != 0;
}
