/* cached: a cache that speaks memcached's text protocol, with a thread per core. The types that several files share.
 *
 * The main thread accepts connections and hands each to a worker through the worker's pipe. A worker serves its
 * connections alone. Items are in shards, each under a mutex of its own. A maintenance thread sweeps the shards.
 *
 * Order of locks: a shard's, then the maintenance thread's. Nothing takes two shards at once.
 */
#ifndef CACHED_H
#define CACHED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#define KEY_LENGTH_MAX 250
#define VALUE_LENGTH_MAX (1024 * 1024)
#define LINE_LENGTH_MAX 8192
#define WORDS_MAX 160
#define WORKERS_MAX 64
#define SHARDS 16

/* Bytes that belong to somebody else. */
struct view {
    const char *data;
    size_t length;
};

/* version.c */
extern const char cached_version[];

/* Options, fixed after the start. */
struct options {
    int port; /* 0: any that is free */
    const char *port_file;
    int workers;
    int connections_max;
    size_t memory; /* bytes of items */
};

extern struct options options;

void options_read(int argc, char **argv);

/* A key with its value. Belongs to one shard, or to the connection that is still receiving it. */
struct item {
    struct item *next;  /* in its bucket */
    struct item *newer; /* in the order of use */
    struct item *older;
    uint64_t cas; /* grows with every change of any item */
    uint32_t flags;
    uint32_t expires; /* second of clock_seconds(), 0: never */
    uint32_t length;
    uint32_t hits; /* how often it was read */
    uint8_t key_length;
    char data[]; /* the key, the value, a line end */
};

static inline char *item_value(struct item *item)
{
    return item->data + item->key_length;
}

static inline size_t item_size(const struct item *item)
{
    return sizeof *item + item->key_length + item->length + 2;
}

/* item.c */
uint32_t clock_seconds(void);
uint32_t clock_expiry(int64_t wanted);
uint64_t item_next_cas(void);
uint64_t item_last_cas(void);
struct item *item_new(struct view key, uint32_t length, uint32_t flags, uint32_t expires);
struct view item_key(const struct item *item);
void item_free(struct item *item);

enum store_mode { STORE_SET, STORE_ADD, STORE_REPLACE, STORE_APPEND, STORE_PREPEND, STORE_CAS };
enum outcome {
    OUTCOME_DONE,
    OUTCOME_NOT_STORED,
    OUTCOME_EXISTS,
    OUTCOME_NOT_FOUND,
    OUTCOME_NOT_NUMBER,
    OUTCOME_TOO_LARGE,
};

/* Called with the item's shard locked; must not call the store. */
typedef void store_visit(struct item *item, void *data);

struct store_totals {
    uint64_t items;
    uint64_t bytes;
    uint64_t buckets;
    uint64_t evictions;
    uint64_t expired;
};

/* store.c */
void store_open(size_t memory);
void store_close(void);
bool store_get(struct view key, const uint32_t *expires, store_visit *visit, void *data);
enum outcome store_put(struct item *item, enum store_mode mode, uint64_t cas);
bool store_delete(struct view key);
bool store_touch(struct view key, uint32_t expires);
enum outcome store_add_number(struct view key, uint64_t delta, bool down, uint64_t *result);
void store_flush(void);
void store_count(struct store_totals *totals);
size_t store_sweep(int shard, size_t most);
size_t store_sweep_buckets(int shard, size_t first, size_t count);
size_t store_trim(int shard, unsigned percent);
void store_count_shard(int shard, struct store_totals *totals);
bool store_grow(int shard);

/* sweep.c: what the maintenance thread does. maintain.c: when. */
void sweep_flush_at(uint32_t when);
void sweep_pass(void);
int sweep_interval(void);

/* What the maintenance thread has done. */
struct sweep_totals {
    uint64_t passes;
    uint64_t removed;
    uint64_t trimmed;
    uint64_t grown;
};

void sweep_count(struct sweep_totals *totals);
void maintain_start(void);
void maintain_stop(void);
void maintain_wake(void);

/* What a thread counts; names are in stats.c. */
enum count {
    COUNT_CONNECTIONS,
    COUNT_REFUSED,
    COUNT_GET_HITS,
    COUNT_GET_MISSES,
    COUNT_SETS,
    COUNT_CAS_HITS,
    COUNT_CAS_BAD,
    COUNT_CAS_MISSES,
    COUNT_DELETE_HITS,
    COUNT_DELETE_MISSES,
    COUNT_NUMBER_HITS,
    COUNT_NUMBER_MISSES,
    COUNT_TOUCH_HITS,
    COUNT_TOUCH_MISSES,
    COUNT_FLUSHES,
    COUNT_BYTES_READ,
    COUNT_BYTES_WRITTEN,
    COUNT_COMMANDS,
    COUNTS,
};

#define BAD_FORMAT "CLIENT_ERROR bad command line format"

struct conn;

/* stats.c */
void stats_thread(int slot);
void stats_count(enum count what, uint64_t by);
void stats_connections(int by);
int stats_open_connections(void);
bool stats_report(struct conn *conn, const char *what);

/* One connection; only its worker touches it. */
enum conn_state { CONN_COMMAND, CONN_VALUE, CONN_SWALLOW, CONN_CLOSING };

struct worker;

struct conn {
    int fd;
    enum conn_state state;
    uint32_t events; /* that epoll was asked for */
    struct worker *worker;
    struct conn *prev;
    struct conn *next;
    struct buffer in;
    struct buffer out;
    size_t swallow; /* bytes to drop in CONN_SWALLOW */
    /* the value that is being received in CONN_VALUE */
    struct item *item;
    size_t filled;
    enum store_mode mode;
    uint64_t cas;
    bool quiet; /* the request wants no reply */
    uint32_t commands; /* that it sent */
};

/* conn.c */
void conn_open(struct worker *worker, int fd);
void conn_ready(struct conn *conn, uint32_t events);
void conn_close(struct conn *conn);
void conn_write(struct conn *conn, struct view bytes);
void conn_reply(struct conn *conn, const char *text);
void conn_printf(struct conn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line cut into words, each ended by a zero byte. */
struct words {
    int count;
    char *at[WORDS_MAX];
    size_t length[WORDS_MAX];
};

static inline struct view word(const struct words *words, int at)
{
    return (struct view){words->at[at], words->length[at]};
}

typedef void command_handler(struct conn *conn, const struct words *words);

/* protocol.c */
void protocol_line(struct conn *conn, struct view line);
void protocol_value(struct conn *conn);

/* words.c */
bool words_split(char *line, struct words *words);
bool words_quiet(struct conn *conn, const struct words *words, int at);
bool words_number(const char *text, uint64_t *number);
bool words_signed(const char *text, int64_t *number);

/* retrieval.c */
command_handler command_get, command_gets, command_gat, command_gats, command_touch, command_inspect;

/* storage.c */
command_handler command_set, command_add, command_replace, command_append, command_prepend;
command_handler command_cas, command_delete, command_incr, command_decr;

/* commands.c */
bool keys_fit(struct conn *conn, const struct words *words, int first, int end);
command_handler command_flush_all, command_stats, command_version, command_verbosity, command_quit;
command_handler command_whoami;

struct worker {
    pthread_t thread;
    int number;
    int epoll;
    int pipe[2]; /* descriptors of connections, -1 to stop */
    bool stopping;
    struct conn *conns;
};

/* worker.c */
void workers_start(void);
void workers_stop(void);
void workers_hand_over(int fd);

/* listener.c */
void listener_open(void);
void listener_serve(void);
void listener_close(void);

#endif
