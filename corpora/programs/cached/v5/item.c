/* Items and the clock by which they end. */
#include "cached.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define MONTH (60 * 60 * 24 * 30)
#define CLOCK_START 2 /* so that no second of ours is 0, and one before the start is over */

static uint64_t last_cas;

/* Seconds that never go back; the first reading is the start. */
uint32_t clock_seconds(void)
{
    static int64_t start;
    struct timespec now;
    int64_t none = 0;

    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t second = (int64_t)now.tv_sec + 1;
    if (__atomic_compare_exchange_n(&start, &none, second, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        none = second;
    }
    return (uint32_t)(second - none) + CLOCK_START;
}

/* The second at which something ends: 0 for never, in seconds from now up to a month, as seconds of the epoch above
 * that; what is negative or over already ends at once. */
uint32_t clock_expiry(int64_t wanted)
{
    if (wanted == 0) {
        return 0;
    }
    int64_t ahead = wanted > MONTH ? wanted - (int64_t)time(NULL) : wanted;
    if (ahead <= 0) {
        return CLOCK_START - 1;
    }
    int64_t when = (int64_t)clock_seconds() + ahead;
    return when < UINT32_MAX ? (uint32_t)when : UINT32_MAX;
}

uint64_t item_next_cas(void)
{
    return __atomic_add_fetch(&last_cas, 1, __ATOMIC_RELAXED);
}

uint64_t item_last_cas(void)
{
    return __atomic_load_n(&last_cas, __ATOMIC_RELAXED);
}

/* An item with a key and room for a value; it belongs to no shard yet. */
struct item *item_new(struct view key, uint32_t length, uint32_t flags, uint32_t expires)
{
    struct item *item = malloc(sizeof *item + key.length + length + 2);

    if (item == NULL) {
        log_fatal("out of memory: an item of %u bytes", length);
    }
    memset(item, 0, sizeof *item);
    item->flags = flags;
    item->expires = expires;
    item->length = length;
    item->key_length = (uint8_t)key.length;
    memcpy(item->data, key.data, key.length);
    return item;
}

struct view item_key(const struct item *item)
{
    return (struct view){item->data, item->key_length};
}

void item_free(struct item *item)
{
    free(item);
}
