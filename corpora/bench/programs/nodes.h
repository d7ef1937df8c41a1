/* Nodes of 16 bytes that the third release makes 24, in a hash table or in one long list. */
#ifndef NODES_H
#define NODES_H

#include <stddef.h>
#include <stdint.h>

struct node {
    struct node *next;
    uint64_t key;
#if RELEASE >= 3
    uint64_t uses;
#endif
};

struct table {
    struct node **buckets;
    size_t size; /* a power of two */
    size_t count;
};

extern struct table table;
extern struct node *list;

void fill_table(size_t count);
void fill_list(size_t count);
void say_what_is_there(void);
int serve(void);

#endif
