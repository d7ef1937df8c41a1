/* What the maintenance thread does: growing tables, delayed flushes, removing items that are over. */
#include "cached.h"

#include "log.h"

#define SWEEP_ITEMS 500
#define SWEEP_INTERVAL 1000

static uint32_t flush_at; /* second of a flush that is still to come, 0: none */

void sweep_flush_at(uint32_t when)
{
    __atomic_store_n(&flush_at, when, __ATOMIC_RELAXED);
    maintain_wake();
}

static void flush_if_due(void)
{
    uint32_t when = __atomic_load_n(&flush_at, __ATOMIC_RELAXED);

    if (when != 0 && when <= clock_seconds()) {
        store_flush();
        __atomic_compare_exchange_n(&flush_at, &when, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

void sweep_pass(void)
{
    static uint64_t passes;
    size_t removed = 0;

    flush_if_due();
    for (int at = 0; at < SHARDS; at++) {
        if (store_grow(at)) {
            log_write(2, "shard %d has a larger table", at);
        }
        removed += store_sweep(at, SWEEP_ITEMS);
    }
    log_write(3, "pass %llu removed %zu items", (unsigned long long)++passes, removed);
}

/* Milliseconds to the next pass, where nothing asks for one before. */
int sweep_interval(void)
{
    return SWEEP_INTERVAL;
}
