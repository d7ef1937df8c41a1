/* What holds the nodes, how they are made, and what proves afterwards that each is there with its key. */
#include "nodes.h"

#include <stdio.h>
#include <stdlib.h>

struct table table;
struct node *list;

/* Consecutive numbers to keys without any order, each once. */
static uint64_t scramble(uint64_t number) {
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9u;
    number = (number ^ number >> 27) * 0x94D049BB133111EBu;
    return number ^ number >> 31;
}

struct node *new_node(uint64_t key, struct node *next) {
    struct node *node = malloc(sizeof *node);
    if (!node)
        abort();
    node->next = next;
    node->key = key;
#if RELEASE >= 3
    node->uses = 0;
#endif
    return node;
}

void fill_table(size_t count) {
    table.size = 16;
    while (table.size < count)
        table.size *= 2;
    table.buckets = calloc(table.size, sizeof *table.buckets);
    if (!table.buckets)
        abort();
    for (table.count = 0; table.count < count; table.count++) {
        uint64_t key = scramble(table.count);
        struct node **bucket = &table.buckets[key & (table.size - 1)];
        *bucket = new_node(key, *bucket);
    }
}

void fill_list(size_t count) {
    for (size_t i = 0; i < count; i++)
        list = new_node(i, list);
}

static size_t find_all(void) {
    size_t found = 0;
    for (size_t i = 0; i < table.count; i++) {
        uint64_t key = scramble(i);
        struct node *node = table.buckets[key & (table.size - 1)];
        while (node && node->key != key)
            node = node->next;
        found += node != NULL;
    }
    return found;
}

static size_t count_in_order(void) {
    size_t count = 0;
    for (struct node *node = list; node && (!node->next || node->key == node->next->key + 1); node = node->next)
        count++;
    return count;
}

void say_what_is_there(void) {
    printf("release %d: %zu found, %zu in order, %zu bytes each\n", RELEASE, find_all(), count_in_order(), sizeof(struct node));
    fflush(stdout);
}
