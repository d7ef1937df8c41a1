/* Hash tables with chaining, which grow a few buckets at a time. */
#ifndef DICT_H
#define DICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dict_entry {
    void *key;
    union {
        void *pointer;
        int64_t number;
    } value;
    struct dict_entry *next;
};

/* How a table treats its keys and values; a NULL release leaves them alone. */
struct dict_type {
    uint64_t (*hash)(const void *key);
    bool (*equal)(const void *left, const void *right);
    void (*key_release)(void *key);
    void (*value_release)(void *value);
};

struct dict_table {
    struct dict_entry **buckets;
    size_t size;
    size_t used;
};

/* While `moving` is not negative, buckets below it have gone from tables[0] to tables[1]. */
struct dict {
    const struct dict_type *type;
    struct dict_table tables[2];
    long moving;
    int walkers;
};

typedef void dict_visit(struct dict_entry *entry, void *data);

void dict_seed(uint64_t seed);
uint64_t dict_hash_bytes(const void *data, size_t length);
uint64_t dict_hash_folded(const void *data, size_t length);

struct dict *dict_new(const struct dict_type *type);
void dict_free(struct dict *dict);
struct dict_entry *dict_find(struct dict *dict, const void *key);
struct dict_entry *dict_insert(struct dict *dict, void *key);
bool dict_remove(struct dict *dict, const void *key);
struct dict_entry *dict_random(struct dict *dict);
void dict_walk(struct dict *dict, dict_visit *visit, void *data);
bool dict_rehash(struct dict *dict, int buckets);

static inline size_t dict_size(const struct dict *dict)
{
    return dict->tables[0].used + dict->tables[1].used;
}

static inline size_t dict_buckets(const struct dict *dict)
{
    return dict->tables[0].size + dict->tables[1].size;
}

#endif
