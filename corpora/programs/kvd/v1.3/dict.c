#include "dict.h"

#include <ctype.h>
#include <string.h>

#include "mem.h"

#define DICT_FIRST_SIZE 4
#define DICT_EMPTY_VISITS 10

static uint64_t hash_seed = 0x9e3779b97f4a7c15ULL;

void dict_seed(uint64_t seed)
{
    hash_seed ^= seed;
}

static uint64_t finish(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93ULL;
    hash ^= hash >> 32;
    return hash;
}

uint64_t dict_hash_bytes(const void *data, size_t length)
{
    const unsigned char *byte = data;
    uint64_t hash = hash_seed;

    while (length-- > 0) {
        hash = (hash ^ *byte++) * 0x100000001b3ULL;
    }
    return finish(hash);
}

/* Like dict_hash_bytes, but upper and lower case are the same. */
uint64_t dict_hash_folded(const void *data, size_t length)
{
    const unsigned char *byte = data;
    uint64_t hash = hash_seed;

    while (length-- > 0) {
        hash = (hash ^ (unsigned char)tolower(*byte++)) * 0x100000001b3ULL;
    }
    return finish(hash);
}

struct dict *dict_new(const struct dict_type *type)
{
    struct dict *dict = mem_zero(1, sizeof *dict);

    dict->type = type;
    dict->moving = -1;
    return dict;
}

static void entry_free(const struct dict *dict, struct dict_entry *entry)
{
    if (dict->type->value_release != NULL) {
        dict->type->value_release(entry->value.pointer);
    }
    if (dict->type->key_release != NULL) {
        dict->type->key_release(entry->key);
    }
    mem_free(entry);
}

static void table_free(const struct dict *dict, struct dict_table *table)
{
    for (size_t at = 0; at < table->size && table->used > 0; at++) {
        struct dict_entry *entry = table->buckets[at];
        while (entry != NULL) {
            struct dict_entry *next = entry->next;
            entry_free(dict, entry);
            table->used--;
            entry = next;
        }
    }
    mem_free(table->buckets);
    memset(table, 0, sizeof *table);
}

void dict_free(struct dict *dict)
{
    table_free(dict, &dict->tables[0]);
    table_free(dict, &dict->tables[1]);
    mem_free(dict);
}

static void move_bucket(struct dict *dict, size_t bucket)
{
    struct dict_table *from = &dict->tables[0], *to = &dict->tables[1];
    struct dict_entry *entry = from->buckets[bucket];

    while (entry != NULL) {
        struct dict_entry *next = entry->next;
        size_t place = dict->type->hash(entry->key) & (to->size - 1);
        entry->next = to->buckets[place];
        to->buckets[place] = entry;
        from->used--;
        to->used++;
        entry = next;
    }
    from->buckets[bucket] = NULL;
}

/* Moves up to `buckets` buckets to the new table; returns whether some are left. */
bool dict_rehash(struct dict *dict, int buckets)
{
    int empty = buckets * DICT_EMPTY_VISITS;

    if (dict->moving < 0 || dict->walkers > 0) {
        return false;
    }
    while (buckets-- > 0 && dict->tables[0].used > 0) {
        while (dict->tables[0].buckets[dict->moving] == NULL) {
            dict->moving++;
            if (--empty == 0) {
                return true;
            }
        }
        move_bucket(dict, (size_t)dict->moving++);
    }
    if (dict->tables[0].used > 0) {
        return true;
    }
    mem_free(dict->tables[0].buckets);
    dict->tables[0] = dict->tables[1];
    memset(&dict->tables[1], 0, sizeof dict->tables[1]);
    dict->moving = -1;
    return false;
}

static void table_init(struct dict_table *table, size_t size)
{
    table->buckets = mem_zero(size, sizeof *table->buckets);
    table->size = size;
    table->used = 0;
}

static void grow_if_full(struct dict *dict)
{
    struct dict_table *table = &dict->tables[0];

    if (dict->moving >= 0) {
        return;
    }
    if (table->size == 0) {
        table_init(table, DICT_FIRST_SIZE);
    } else if (table->used >= table->size) {
        table_init(&dict->tables[1], table->size * 2);
        dict->moving = 0;
    }
}

/* The place of `key` in its chain: points at the entry's pointer, or NULL where the key is absent. */
static struct dict_entry **locate(struct dict *dict, const void *key, struct dict_table **table)
{
    uint64_t hash = dict->type->hash(key);

    for (int at = 0; at < 2; at++) {
        *table = &dict->tables[at];
        if ((*table)->size == 0) {
            continue;
        }
        struct dict_entry **place = &(*table)->buckets[hash & ((*table)->size - 1)];
        for (; *place != NULL; place = &(*place)->next) {
            if (dict->type->equal((*place)->key, key)) {
                return place;
            }
        }
    }
    return NULL;
}

struct dict_entry *dict_find(struct dict *dict, const void *key)
{
    struct dict_table *table;

    dict_rehash(dict, 1);
    struct dict_entry **place = locate(dict, key, &table);
    return place != NULL ? *place : NULL;
}

/* Adds an entry for `key` with an empty value; NULL if there is one. The key then belongs to the table. */
struct dict_entry *dict_insert(struct dict *dict, void *key)
{
    struct dict_table *table;

    dict_rehash(dict, 1);
    if (locate(dict, key, &table) != NULL) {
        return NULL;
    }
    grow_if_full(dict);
    table = &dict->tables[dict->moving >= 0];
    struct dict_entry *entry = mem_zero(1, sizeof *entry);
    size_t bucket = dict->type->hash(key) & (table->size - 1);
    entry->key = key;
    entry->next = table->buckets[bucket];
    table->buckets[bucket] = entry;
    table->used++;
    return entry;
}

bool dict_remove(struct dict *dict, const void *key)
{
    struct dict_table *table;

    dict_rehash(dict, 1);
    struct dict_entry **place = locate(dict, key, &table);
    if (place == NULL) {
        return false;
    }
    struct dict_entry *entry = *place;
    *place = entry->next;
    table->used--;
    entry_free(dict, entry);
    return true;
}

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252ULL;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct dict_entry *random_of_chain(struct dict_entry *entry)
{
    struct dict_entry *chosen = NULL;

    for (uint64_t seen = 1; entry != NULL; entry = entry->next, seen++) {
        if (random_next() % seen == 0) {
            chosen = entry;
        }
    }
    return chosen;
}

struct dict_entry *dict_random(struct dict *dict)
{
    if (dict_size(dict) == 0) {
        return NULL;
    }
    dict_rehash(dict, 1);
    for (;;) {
        size_t at = random_next() % dict_buckets(dict);
        bool second = at >= dict->tables[0].size;
        struct dict_table *table = &dict->tables[second];
        struct dict_entry *chosen = random_of_chain(table->buckets[at - (second ? dict->tables[0].size : 0)]);
        if (chosen != NULL) {
            return chosen;
        }
    }
}

/* Calls `visit` for every entry; the table may be read but not changed meanwhile. */
void dict_walk(struct dict *dict, dict_visit *visit, void *data)
{
    dict->walkers++;
    for (int at = 0; at < 2; at++) {
        for (size_t bucket = 0; bucket < dict->tables[at].size; bucket++) {
            for (struct dict_entry *entry = dict->tables[at].buckets[bucket]; entry != NULL; entry = entry->next) {
                visit(entry, data);
            }
        }
    }
    dict->walkers--;
}
