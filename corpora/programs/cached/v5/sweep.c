/* What the maintenance thread does: growing tables, delayed flushes, removing items that are over. */
#include "cached.h"

#include "log.h"

#define SWEEP_ITEMS 500
#define SWEEP_BUCKETS 64
#define INTERVAL_MOST 1000
#define INTERVAL_LEAST 50
#define BUSY_REMOVED 100 /* a pass that removed as many is followed by one soon */
#define ROOM_PERCENT 98

static uint32_t flush_at; /* second of a flush that is still to come, 0: none */
static struct sweep_totals done;
static int interval = INTERVAL_MOST; /* milliseconds; only the maintenance thread has it */
static size_t cursors[SHARDS];       /* the next buckets to look at */

static void count(uint64_t *total, uint64_t by)
{
    __atomic_fetch_add(total, by, __ATOMIC_RELAXED);
}

void sweep_count(struct sweep_totals *totals)
{
    totals->passes = __atomic_load_n(&done.passes, __ATOMIC_RELAXED);
    totals->removed = __atomic_load_n(&done.removed, __ATOMIC_RELAXED);
    totals->trimmed = __atomic_load_n(&done.trimmed, __ATOMIC_RELAXED);
    totals->grown = __atomic_load_n(&done.grown, __ATOMIC_RELAXED);
}

void sweep_flush_at(uint32_t when)
{
    __atomic_store_n(&flush_at, when, __ATOMIC_RELAXED);
    maintain_wake();
}

static void flush_if_due(uint32_t now)
{
    uint32_t when = __atomic_load_n(&flush_at, __ATOMIC_RELAXED);

    if (when != 0 && when <= now) {
        store_flush();
        __atomic_compare_exchange_n(&flush_at, &when, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

static size_t sweep_shard(int shard)
{
    size_t removed = store_sweep(shard, SWEEP_ITEMS) + store_sweep_buckets(shard, cursors[shard], SWEEP_BUCKETS);

    cursors[shard] += SWEEP_BUCKETS;
    count(&done.removed, removed);
    count(&done.trimmed, store_trim(shard, ROOM_PERCENT));
    if (store_grow(shard)) {
        count(&done.grown, 1);
        log_write(2, "shard %d has a larger table", shard);
    }
    return removed;
}

/* More often while there is much to remove, less and less often while there is little. */
static void adapt(size_t removed)
{
    interval = removed >= BUSY_REMOVED ? INTERVAL_LEAST : interval * 2;
    if (interval > INTERVAL_MOST) {
        interval = INTERVAL_MOST;
    }
}

void sweep_pass(void)
{
    static uint64_t passes;
    static size_t most_removed = 1;
    size_t removed = 0;

    flush_if_due(clock_seconds());
    for (int at = 0; at < SHARDS; at++) {
        removed += sweep_shard(at);
    }
    adapt(removed);
    count(&done.passes, 1);
    passes++;
    if (removed > most_removed) {
        most_removed = removed;
        log_write(1, "pass %llu removed %zu items, more than any before", (unsigned long long)passes, removed);
    }
}

/* Milliseconds to the next pass, where nothing asks for one before. */
int sweep_interval(void)
{
    return interval;
}
