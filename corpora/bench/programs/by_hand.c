/* by_hand COUNT: the rival. The same table, and the loop that a programmer would write to give its nodes a third word:
 * every node is found, gets a new place, and each reference is looked up in a map from old places to new ones, which is
 * as large from the start as it has to become. It prints milliseconds to convert, those to free the old nodes, processor
 * time of both, and the process's peak during both, in KiB above what it held before.
 */
#include "nodes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct grown {
    struct grown *next;
    uint64_t key;
    uint64_t uses;
};

struct pair {
    const struct node *old;
    struct grown *now;
};

static struct pair *map;
static unsigned shift;
static size_t mask;

static size_t slot_of(const struct node *old) { return (size_t)((uintptr_t)old * 0x9E3779B97F4A7C15u >> shift); }

static void make_map(size_t count) {
    unsigned bits = 4;
    while ((size_t)1 << bits < 2 * count)
        bits++;
    shift = 64 - bits;
    mask = ((size_t)1 << bits) - 1;
    map = calloc(mask + 1, sizeof *map);
    if (!map)
        abort();
}

static struct grown *place_of(const struct node *old) {
    if (!old)
        return NULL;
    size_t slot = slot_of(old);
    while (map[slot].old != old)
        slot = (slot + 1) & mask;
    return map[slot].now;
}

static void place(const struct node *old) {
    struct grown *now = malloc(sizeof *now);
    if (!now)
        abort();
    *now = (struct grown){(struct grown *)(uintptr_t)old->next, old->key, 0};
    size_t slot = slot_of(old);
    while (map[slot].old)
        slot = (slot + 1) & mask;
    map[slot] = (struct pair){old, now};
}

static void convert(void) {
    make_map(table.count);
    for (size_t i = 0; i < table.size; i++)
        for (const struct node *node = table.buckets[i]; node; node = node->next)
            place(node);
    for (size_t i = 0; i < table.size; i++) {
        struct grown *node = place_of(table.buckets[i]);
        table.buckets[i] = (struct node *)node;
        for (; node; node = node->next)
            node->next = place_of((const struct node *)node->next);
    }
}

static void free_old(void) {
    for (size_t slot = 0; slot <= mask; slot++)
        free((void *)(uintptr_t)map[slot].old);
    free(map);
}

static size_t count_grown(void) {
    size_t count = 0;
    for (size_t i = 0; i < table.size; i++)
        for (const struct grown *node = (struct grown *)table.buckets[i]; node; node = node->next)
            count += node->uses == 0 && (node->key & (table.size - 1)) == i;
    return count;
}

static double milliseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A line of /proc/self/status, in KiB. */
static long memory(const char *name) {
    char line[128];
    long value = 0;
    FILE *status = fopen("/proc/self/status", "r");
    if (!status)
        abort();
    while (fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(status);
    return value;
}

static void forget_peak(void) {
    int file = open("/proc/self/clear_refs", O_WRONLY);
    if (file < 0 || write(file, "5", 1) != 1)
        abort();
    close(file);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    fill_table(strtoul(argv[1], NULL, 10));
    forget_peak();
    long before = memory("VmRSS");
    double begun = milliseconds(CLOCK_MONOTONIC), ran = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
    convert();
    double converted = milliseconds(CLOCK_MONOTONIC);
    free_old();
    double freed = milliseconds(CLOCK_MONOTONIC);
    ran = milliseconds(CLOCK_PROCESS_CPUTIME_ID) - ran;
    long peak = memory("VmHWM") - before;
    if (count_grown() != table.count)
        return 1;
    printf("%.3f %.3f %.3f %ld\n", converted - begun, freed - converted, ran, peak);
    return 0;
}
