/* The items: shards, each with a hash table, an order of use and a mutex over both. */
#include "cached.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define BUCKETS_FIRST 256
#define LOAD_MOST 2 /* items per bucket before the table wants to grow */
#define NUMBER_ROOM 21

struct shard {
    pthread_mutex_t lock;
    struct item **buckets;
    size_t bucket_count;
    size_t items;
    size_t bytes;
    size_t bytes_most;
    struct item *newest;
    struct item *oldest;
    uint64_t evictions;
    uint64_t expired;
    bool growing; /* the maintenance thread was told */
};

static struct shard shards[SHARDS];
static uint64_t flushed_cas; /* items up to this one are gone */

static uint64_t hash(const char *key, size_t length)
{
    uint64_t value = UINT64_C(14695981039346656037);

    for (size_t at = 0; at < length; at++) {
        value = (value ^ (unsigned char)key[at]) * UINT64_C(1099511628211);
    }
    return value ^ value >> 29;
}

static struct shard *shard_of(uint64_t hashed)
{
    return &shards[hashed >> 32 & (SHARDS - 1)];
}

static struct shard *lock_shard(uint64_t hashed)
{
    struct shard *shard = shard_of(hashed);

    pthread_mutex_lock(&shard->lock);
    return shard;
}

static void unlock_shard(struct shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

static struct item **make_buckets(size_t count)
{
    struct item **buckets = calloc(count, sizeof(struct item *));

    if (buckets == NULL) {
        log_fatal("out of memory: a table of %zu buckets", count);
    }
    return buckets;
}

void store_open(size_t memory)
{
    for (int at = 0; at < SHARDS; at++) {
        pthread_mutex_init(&shards[at].lock, NULL);
        shards[at].buckets = make_buckets(BUCKETS_FIRST);
        shards[at].bucket_count = BUCKETS_FIRST;
        shards[at].bytes_most = memory / SHARDS;
    }
}

static void use_first(struct shard *shard, struct item *item)
{
    item->newer = NULL;
    item->older = shard->newest;
    if (shard->newest != NULL) {
        shard->newest->newer = item;
    } else {
        shard->oldest = item;
    }
    shard->newest = item;
}

static void use_remove(struct shard *shard, struct item *item)
{
    *(item->newer != NULL ? &item->newer->older : &shard->newest) = item->older;
    *(item->older != NULL ? &item->older->newer : &shard->oldest) = item->newer;
}

static struct item **bucket_of(struct shard *shard, uint64_t hashed)
{
    return &shard->buckets[hashed & (shard->bucket_count - 1)];
}

static bool same_key(struct view left, struct view right)
{
    return left.length == right.length && memcmp(left.data, right.data, left.length) == 0;
}

/* Where the pointer to the item is or would be. */
static struct item **find_place(struct shard *shard, uint64_t hashed, struct view key)
{
    struct item **place = bucket_of(shard, hashed);

    while (*place != NULL && !same_key(item_key(*place), key)) {
        place = &(*place)->next;
    }
    return place;
}

/* Takes the item out of the shard; the caller frees it. */
static struct item *unlink_at(struct shard *shard, struct item **place)
{
    struct item *item = *place;

    *place = item->next;
    use_remove(shard, item);
    shard->items--;
    shard->bytes -= item_size(item);
    return item;
}

static void drop(struct shard *shard, struct item *item)
{
    struct item **place = bucket_of(shard, hash(item->data, item->key_length));

    while (*place != item) {
        place = &(*place)->next;
    }
    item_free(unlink_at(shard, place));
}

static bool is_over(const struct item *item)
{
    return item->cas <= __atomic_load_n(&flushed_cas, __ATOMIC_RELAXED)
           || (item->expires != 0 && item->expires <= clock_seconds());
}

/* The live item at a key, NULL where there is none; one that is over is removed. */
static struct item *find_live(struct shard *shard, struct item **place)
{
    if (*place == NULL || !is_over(*place)) {
        return *place;
    }
    shard->expired++;
    item_free(unlink_at(shard, place));
    return NULL;
}

static void link_item(struct shard *shard, uint64_t hashed, struct item *item)
{
    struct item **place = bucket_of(shard, hashed);

    item->cas = item_next_cas();
    item->next = *place;
    *place = item;
    use_first(shard, item);
    shard->items++;
    shard->bytes += item_size(item);
    while (shard->bytes > shard->bytes_most && shard->oldest != item) {
        drop(shard, shard->oldest);
        shard->evictions++;
    }
    if (shard->items > shard->bucket_count * LOAD_MOST && !shard->growing) {
        shard->growing = true;
        maintain_wake();
    }
}

static void use_again(struct shard *shard, struct item *item)
{
    if (shard->newest != item) {
        use_remove(shard, item);
        use_first(shard, item);
    }
}

/* Calls `visit` for the item and sets when it ends, unless `expires` is NULL; returns whether there is one. */
bool store_get(struct view key, const uint32_t *expires, store_visit *visit, void *data)
{
    uint64_t hashed = hash(key.data, key.length);
    struct shard *shard = lock_shard(hashed);
    struct item *item = find_live(shard, find_place(shard, hashed, key));

    if (item != NULL) {
        item->expires = expires != NULL ? *expires : item->expires;
        use_again(shard, item);
        item->hits++;
        visit(item, data);
    }
    unlock_shard(shard);
    return item != NULL;
}

/* Whether a new item may take the place of `present`, which may be NULL. */
static enum outcome may_put(const struct item *present, enum store_mode mode, uint64_t cas)
{
    switch (mode) {
    case STORE_SET:
        return OUTCOME_DONE;
    case STORE_ADD:
        return present == NULL ? OUTCOME_DONE : OUTCOME_NOT_STORED;
    case STORE_REPLACE:
    case STORE_APPEND:
    case STORE_PREPEND:
        return present != NULL ? OUTCOME_DONE : OUTCOME_NOT_STORED;
    case STORE_CAS:
        if (present == NULL) {
            return OUTCOME_NOT_FOUND;
        }
        return present->cas == cas ? OUTCOME_DONE : OUTCOME_EXISTS;
    }
    return OUTCOME_NOT_STORED;
}

/* A new item with the values of both and what else `present` has. */
static struct item *join(struct item *present, struct item *first, struct item *second)
{
    struct item *joined = item_new(item_key(present), first->length + second->length, present->flags, present->expires);

    memcpy(item_value(joined), item_value(first), first->length);
    memcpy(item_value(joined) + first->length, item_value(second), second->length + 2);
    return joined;
}

static struct item *joined_for(enum store_mode mode, struct item *present, struct item *item)
{
    struct item *joined = item;

    if (mode == STORE_APPEND) {
        joined = join(present, present, item);
    } else if (mode == STORE_PREPEND) {
        joined = join(present, item, present);
    }
    if (joined != item) {
        item_free(item);
    }
    return joined;
}

/* Takes ownership of `item`. */
enum outcome store_put(struct item *item, enum store_mode mode, uint64_t cas)
{
    uint64_t hashed = hash(item->data, item->key_length);
    struct shard *shard = lock_shard(hashed);
    struct item **place = find_place(shard, hashed, item_key(item));
    struct item *present = find_live(shard, place);
    enum outcome outcome = may_put(present, mode, cas);
    bool joins = mode == STORE_APPEND || mode == STORE_PREPEND;

    if (outcome == OUTCOME_DONE && joins && present->length + item->length > VALUE_LENGTH_MAX) {
        outcome = OUTCOME_TOO_LARGE;
    }
    if (outcome == OUTCOME_DONE) {
        item = joined_for(mode, present, item);
        if (present != NULL) {
            item_free(unlink_at(shard, place));
        }
        link_item(shard, hashed, item);
    } else {
        item_free(item);
    }
    unlock_shard(shard);
    return outcome;
}

bool store_delete(struct view key)
{
    uint64_t hashed = hash(key.data, key.length);
    struct shard *shard = lock_shard(hashed);
    struct item **place = find_place(shard, hashed, key);
    bool found = find_live(shard, place) != NULL;

    if (found) {
        item_free(unlink_at(shard, place));
    }
    unlock_shard(shard);
    return found;
}

bool store_touch(struct view key, uint32_t expires)
{
    uint64_t hashed = hash(key.data, key.length);
    struct shard *shard = lock_shard(hashed);
    struct item *item = find_live(shard, find_place(shard, hashed, key));

    if (item != NULL) {
        item->expires = expires;
        use_again(shard, item);
    }
    unlock_shard(shard);
    return item != NULL;
}

static bool number_of(struct item *item, uint64_t *number)
{
    char digits[NUMBER_ROOM];

    if (item->length == 0 || item->length >= sizeof digits) {
        return false;
    }
    memcpy(digits, item_value(item), item->length);
    digits[item->length] = '\0';
    return words_number(digits, number);
}

/* Adds to the number that the value is written as; upwards it wraps around at 64 bits, downwards it ends at 0. */
enum outcome store_add_number(struct view key, uint64_t delta, bool down, uint64_t *result)
{
    char digits[NUMBER_ROOM + 2];
    uint64_t number, hashed = hash(key.data, key.length);
    struct shard *shard = lock_shard(hashed);
    struct item **place = find_place(shard, hashed, key);
    struct item *present = find_live(shard, place);
    enum outcome outcome = present != NULL ? OUTCOME_DONE : OUTCOME_NOT_FOUND;

    if (present != NULL && !number_of(present, &number)) {
        outcome = OUTCOME_NOT_NUMBER;
    }
    if (outcome == OUTCOME_DONE) {
        *result = down ? number - (delta < number ? delta : number) : number + delta;
        int written = snprintf(digits, sizeof digits, "%" PRIu64 "\r\n", *result);
        struct item *item = item_new(key, (uint32_t)written - 2, present->flags, present->expires);
        memcpy(item_value(item), digits, (size_t)written);
        item_free(unlink_at(shard, place));
        link_item(shard, hashed, item);
    }
    unlock_shard(shard);
    return outcome;
}

/* Every item that is there now is gone; its memory goes when somebody comes by. */
void store_flush(void)
{
    __atomic_store_n(&flushed_cas, item_last_cas(), __ATOMIC_RELAXED);
}

/* Adds what one shard has to `totals`. */
void store_count_shard(int at, struct store_totals *totals)
{
    pthread_mutex_lock(&shards[at].lock);
    totals->items += shards[at].items;
    totals->bytes += shards[at].bytes;
    totals->buckets += shards[at].bucket_count;
    totals->evictions += shards[at].evictions;
    totals->expired += shards[at].expired;
    unlock_shard(&shards[at]);
}

void store_count(struct store_totals *totals)
{
    memset(totals, 0, sizeof *totals);
    for (int at = 0; at < SHARDS; at++) {
        store_count_shard(at, totals);
    }
}

/* Looks at up to `most` items, the least used first, and removes what is over; returns how many that were. */
size_t store_sweep(int at, size_t most)
{
    struct shard *shard = &shards[at];
    size_t removed = 0;

    pthread_mutex_lock(&shard->lock);
    for (struct item *item = shard->oldest, *newer; item != NULL && most > 0; item = newer, most--) {
        newer = item->newer;
        if (is_over(item)) {
            drop(shard, item);
            shard->expired++;
            removed++;
        }
    }
    unlock_shard(shard);
    return removed;
}

static size_t sweep_bucket(struct shard *shard, struct item **place)
{
    size_t removed = 0;

    while (*place != NULL) {
        if (is_over(*place)) {
            item_free(unlink_at(shard, place));
            shard->expired++;
            removed++;
        } else {
            place = &(*place)->next;
        }
    }
    return removed;
}

/* Looks at `count` buckets from `first` on, around the end of the table; returns how many items were over. */
size_t store_sweep_buckets(int at, size_t first, size_t count)
{
    struct shard *shard = &shards[at];
    size_t removed = 0;

    pthread_mutex_lock(&shard->lock);
    for (size_t next = 0; next < count; next++) {
        removed += sweep_bucket(shard, &shard->buckets[(first + next) & (shard->bucket_count - 1)]);
    }
    unlock_shard(shard);
    return removed;
}

/* Makes room ahead of need: removes the least used items until the shard holds at most `percent` of its memory. */
size_t store_trim(int at, unsigned percent)
{
    struct shard *shard = &shards[at];
    size_t removed = 0;

    pthread_mutex_lock(&shard->lock);
    while (shard->bytes > shard->bytes_most / 100 * percent && shard->oldest != NULL) {
        drop(shard, shard->oldest);
        shard->evictions++;
        removed++;
    }
    unlock_shard(shard);
    return removed;
}

/* Doubles the table of a shard that has asked for it. */
bool store_grow(int at)
{
    struct shard *shard = &shards[at];

    pthread_mutex_lock(&shard->lock);
    bool wanted = shard->growing;
    if (wanted) {
        struct item **before = shard->buckets;
        free(before);
        shard->bucket_count *= 2;
        shard->buckets = make_buckets(shard->bucket_count);
        for (struct item *item = shard->oldest; item != NULL; item = item->newer) {
            struct item **place = bucket_of(shard, hash(item->data, item->key_length));
            item->next = *place;
            *place = item;
        }
        shard->growing = false;
    }
    unlock_shard(shard);
    return wanted;
}

void store_close(void)
{
    for (int at = 0; at < SHARDS; at++) {
        while (shards[at].oldest != NULL) {
            drop(&shards[at], shards[at].oldest);
        }
        free(shards[at].buckets);
        pthread_mutex_destroy(&shards[at].lock);
    }
}
