/* What threads count, each in a place of its own, and the reports about it. */
#include "cached.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLOTS (WORKERS_MAX + 2) /* the main thread, the workers, the maintenance thread */

static uint64_t counts[SLOTS][COUNTS];
static _Thread_local uint64_t *own = counts[0];
static int connections;

static const char *const names[COUNTS] = {
    [COUNT_CONNECTIONS] = "total_connections",
    [COUNT_REFUSED] = "refused_connections",
    [COUNT_GET_HITS] = "get_hits",
    [COUNT_GET_MISSES] = "get_misses",
    [COUNT_SETS] = "cmd_set",
    [COUNT_CAS_HITS] = "cas_hits",
    [COUNT_CAS_BAD] = "cas_badval",
    [COUNT_CAS_MISSES] = "cas_misses",
    [COUNT_DELETE_HITS] = "delete_hits",
    [COUNT_DELETE_MISSES] = "delete_misses",
    [COUNT_NUMBER_HITS] = "incr_decr_hits",
    [COUNT_NUMBER_MISSES] = "incr_decr_misses",
    [COUNT_TOUCH_HITS] = "touch_hits",
    [COUNT_TOUCH_MISSES] = "touch_misses",
    [COUNT_FLUSHES] = "cmd_flush",
    [COUNT_BYTES_READ] = "bytes_read",
    [COUNT_BYTES_WRITTEN] = "bytes_written",
    [COUNT_COMMANDS] = "commands",
};

/* Says which place is the calling thread's. */
void stats_thread(int slot)
{
    own = counts[slot];
}

void stats_count(enum count what, uint64_t by)
{
    __atomic_fetch_add(&own[what], by, __ATOMIC_RELAXED);
}

void stats_connections(int by)
{
    __atomic_fetch_add(&connections, by, __ATOMIC_RELAXED);
}

int stats_open_connections(void)
{
    return __atomic_load_n(&connections, __ATOMIC_RELAXED);
}

static uint64_t total(enum count what)
{
    uint64_t sum = 0;

    for (int slot = 0; slot < SLOTS; slot++) {
        sum += __atomic_load_n(&counts[slot][what], __ATOMIC_RELAXED);
    }
    return sum;
}

static void line(struct conn *conn, const char *name, uint64_t value)
{
    conn_printf(conn, "STAT %s %llu", name, (unsigned long long)value);
}

static void report_general(struct conn *conn)
{
    struct store_totals totals;

    store_count(&totals);
    line(conn, "pid", (uint64_t)getpid());
    line(conn, "uptime", clock_seconds() - 2);
    line(conn, "time", (uint64_t)time(NULL));
    conn_printf(conn, "STAT version %s", cached_version);
    line(conn, "pointer_size", sizeof(void *) * 8);
    line(conn, "threads", (uint64_t)options.workers);
    line(conn, "curr_connections", (uint64_t)stats_open_connections());
    line(conn, "cmd_get", total(COUNT_GET_HITS) + total(COUNT_GET_MISSES));
    for (int at = 0; at < COUNTS; at++) {
        line(conn, names[at], total((enum count)at));
    }
    line(conn, "bytes", totals.bytes);
    line(conn, "limit_maxbytes", options.memory);
    line(conn, "curr_items", totals.items);
    line(conn, "evictions", totals.evictions);
    line(conn, "reclaimed", totals.expired);
    line(conn, "hash_buckets", totals.buckets);
}

static void report_settings(struct conn *conn)
{
    line(conn, "maxbytes", options.memory);
    line(conn, "maxconns", (uint64_t)options.connections_max);
    line(conn, "tcpport", (uint64_t)options.port);
    line(conn, "num_threads", (uint64_t)options.workers);
    line(conn, "item_size_max", VALUE_LENGTH_MAX);
}

static void report_maintenance(struct conn *conn)
{
    struct sweep_totals totals;

    sweep_count(&totals);
    line(conn, "passes", totals.passes);
    line(conn, "removed", totals.removed);
    line(conn, "trimmed", totals.trimmed);
    line(conn, "tables_grown", totals.grown);
}

static void report_shards(struct conn *conn)
{
    for (int at = 0; at < SHARDS; at++) {
        struct store_totals totals = {0};
        store_count_shard(at, &totals);
        conn_printf(conn, "STAT %d:items %llu", at, (unsigned long long)totals.items);
        conn_printf(conn, "STAT %d:bytes %llu", at, (unsigned long long)totals.bytes);
        conn_printf(conn, "STAT %d:evictions %llu", at, (unsigned long long)totals.evictions);
    }
}

/* How evenly the workers are used. */
static void report_threads(struct conn *conn)
{
    for (int slot = 1; slot <= options.workers; slot++) {
        uint64_t gets = __atomic_load_n(&counts[slot][COUNT_GET_HITS], __ATOMIC_RELAXED)
                        + __atomic_load_n(&counts[slot][COUNT_GET_MISSES], __ATOMIC_RELAXED);
        conn_printf(conn, "STAT %d:cmd_get %llu", slot - 1, (unsigned long long)gets);
    }
}

static void report_reset(struct conn *conn)
{
    (void)conn;
    for (int slot = 0; slot < SLOTS; slot++) {
        for (int at = 0; at < COUNTS; at++) {
            __atomic_store_n(&counts[slot][at], 0, __ATOMIC_RELAXED);
        }
    }
}

static const struct report {
    const char *name;
    void (*write)(struct conn *conn);
} reports[] = {
    {"", report_general},
    {"settings", report_settings},
    {"maintenance", report_maintenance},
    {"shards", report_shards},
    {"threads", report_threads},
    {"reset", report_reset},
};

/* Writes the report of that name, without its end; returns whether there is one. */
bool stats_report(struct conn *conn, const char *what)
{
    for (size_t at = 0; at < sizeof reports / sizeof *reports; at++) {
        if (strcmp(reports[at].name, what) == 0) {
            reports[at].write(conn);
            return true;
        }
    }
    return false;
}
