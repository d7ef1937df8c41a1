/* The commands. */
#include "cached.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define BAD_FORMAT "CLIENT_ERROR bad command line format"

/* Where a found item is written. */
struct retrieval {
    struct conn *conn;
    bool with_cas;
};

static void write_item(struct item *item, void *data)
{
    const struct retrieval *retrieval = data;
    char header[64];
    int length = snprintf(header, sizeof header, " %" PRIu32 " %" PRIu32, item->flags, item->length);

    if (retrieval->with_cas) {
        length += snprintf(header + length, sizeof header - (size_t)length, " %" PRIu64, item->cas);
    }
    conn_write(retrieval->conn, "VALUE ", 6);
    conn_write(retrieval->conn, item->data, item->key_length);
    conn_write(retrieval->conn, header, (size_t)length);
    conn_write(retrieval->conn, "\r\n", 2);
    conn_write(retrieval->conn, item_value(item), item->length + 2);
}

static void retrieve(struct conn *conn, const struct words *words, bool with_cas)
{
    struct retrieval retrieval = {conn, with_cas};

    for (int at = 1; at < words->count; at++) {
        bool found = store_get(words->at[at], words->length[at], write_item, &retrieval);
        stats_count(found ? COUNT_GET_HITS : COUNT_GET_MISSES, 1);
    }
    conn_reply(conn, "END");
}

void command_get(struct conn *conn, const struct words *words)
{
    retrieve(conn, words, false);
}

void command_gets(struct conn *conn, const struct words *words)
{
    retrieve(conn, words, true);
}

static void refuse_value(struct conn *conn, size_t length, const char *why)
{
    conn_reply(conn, why);
    conn->swallow = length + 2;
    conn->state = CONN_SWALLOW;
}

/* NAME key flags expiry length [cas] [noreply], with the value in the lines that follow. */
static void receive_value(struct conn *conn, const struct words *words, enum store_mode mode)
{
    uint64_t flags, length, cas = 0;
    int64_t expiry;

    protocol_quiet(conn, words, mode == STORE_CAS ? 6 : 5);
    if (!protocol_number(words->at[2], &flags) || !protocol_signed(words->at[3], &expiry)
        || !protocol_number(words->at[4], &length) || flags > UINT32_MAX || length > INT32_MAX
        || (mode == STORE_CAS && !protocol_number(words->at[5], &cas))) {
        conn_reply(conn, BAD_FORMAT);
        return;
    }
    if (length > VALUE_LENGTH_MAX) {
        refuse_value(conn, length, "SERVER_ERROR object too large for cache");
        return;
    }
    conn->item = item_new(words->at[1], words->length[1], (uint32_t)length);
    conn->item->flags = (uint32_t)flags;
    conn->item->expires = clock_expiry(expiry);
    conn->filled = 0;
    conn->mode = mode;
    conn->cas = cas;
    conn->state = CONN_VALUE;
}

void command_set(struct conn *conn, const struct words *words)
{
    receive_value(conn, words, STORE_SET);
}

void command_add(struct conn *conn, const struct words *words)
{
    receive_value(conn, words, STORE_ADD);
}

void command_replace(struct conn *conn, const struct words *words)
{
    receive_value(conn, words, STORE_REPLACE);
}

void command_append(struct conn *conn, const struct words *words)
{
    receive_value(conn, words, STORE_APPEND);
}

void command_prepend(struct conn *conn, const struct words *words)
{
    receive_value(conn, words, STORE_PREPEND);
}

void command_cas(struct conn *conn, const struct words *words)
{
    receive_value(conn, words, STORE_CAS);
}

void command_delete(struct conn *conn, const struct words *words)
{
    protocol_quiet(conn, words, 2);
    bool found = store_delete(words->at[1], words->length[1]);
    stats_count(found ? COUNT_DELETE_HITS : COUNT_DELETE_MISSES, 1);
    conn_reply(conn, found ? "DELETED" : "NOT_FOUND");
}

static void add_number(struct conn *conn, const struct words *words, bool down)
{
    uint64_t delta, result;

    protocol_quiet(conn, words, 3);
    if (!protocol_number(words->at[2], &delta)) {
        conn_reply(conn, "CLIENT_ERROR invalid numeric delta argument");
        return;
    }
    enum outcome outcome = store_add_number(words->at[1], words->length[1], delta, down, &result);
    stats_count(outcome == OUTCOME_NOT_FOUND ? COUNT_NUMBER_MISSES : COUNT_NUMBER_HITS, 1);
    if (outcome == OUTCOME_DONE) {
        conn_printf(conn, "%" PRIu64, result);
    } else if (outcome == OUTCOME_NOT_FOUND) {
        conn_reply(conn, "NOT_FOUND");
    } else {
        conn_reply(conn, "CLIENT_ERROR cannot increment or decrement non-numeric value");
    }
}

void command_incr(struct conn *conn, const struct words *words)
{
    add_number(conn, words, false);
}

void command_decr(struct conn *conn, const struct words *words)
{
    add_number(conn, words, true);
}

void command_touch(struct conn *conn, const struct words *words)
{
    int64_t expiry;

    protocol_quiet(conn, words, 3);
    if (!protocol_signed(words->at[2], &expiry)) {
        conn_reply(conn, "CLIENT_ERROR invalid exptime argument");
        return;
    }
    bool found = store_touch(words->at[1], words->length[1], clock_expiry(expiry));
    stats_count(found ? COUNT_TOUCH_HITS : COUNT_TOUCH_MISSES, 1);
    conn_reply(conn, found ? "TOUCHED" : "NOT_FOUND");
}

/* flush_all [seconds] [noreply] */
void command_flush_all(struct conn *conn, const struct words *words)
{
    int64_t delay = 0;

    bool quiet = protocol_quiet(conn, words, words->count - 1);
    if (words->count - quiet > 1 && !protocol_signed(words->at[1], &delay)) {
        conn_reply(conn, BAD_FORMAT);
        return;
    }
    stats_count(COUNT_FLUSHES, 1);
    if (delay > 0) {
        sweep_flush_at(clock_expiry(delay));
    } else {
        store_flush();
    }
    conn_reply(conn, "OK");
}

void command_stats(struct conn *conn, const struct words *words)
{
    if (stats_report(conn, words->count > 1 ? words->at[1] : "")) {
        conn_reply(conn, "END");
    } else {
        conn_reply(conn, "ERROR");
    }
}

void command_version(struct conn *conn, const struct words *words)
{
    (void)words;
    conn_printf(conn, "VERSION %s", cached_version);
}

void command_verbosity(struct conn *conn, const struct words *words)
{
    uint64_t level = 0;

    protocol_quiet(conn, words, words->count - 1);
    if (words->count > 1 && protocol_number(words->at[1], &level)) {
        log_set_verbosity(level < 9 ? (int)level : 9);
    }
    conn_reply(conn, "OK");
}

void command_quit(struct conn *conn, const struct words *words)
{
    (void)words;
    conn->state = CONN_CLOSING;
}
