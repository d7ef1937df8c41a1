/* Commands that change items. */
#include "cached.h"

#include <inttypes.h>

static void drop_value(struct conn *conn, size_t length, const char *why)
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

    words_quiet(conn, words, mode == STORE_CAS ? 6 : 5);
    if (!words_number(words->at[4], &length) || length > INT32_MAX) {
        conn_reply(conn, BAD_FORMAT);
        return;
    }
    if (!words_number(words->at[2], &flags) || !words_signed(words->at[3], &expiry) || flags > UINT32_MAX
        || words->length[1] > KEY_LENGTH_MAX || (mode == STORE_CAS && !words_number(words->at[5], &cas))) {
        drop_value(conn, length, BAD_FORMAT);
        return;
    }
    if (length > VALUE_LENGTH_MAX) {
        store_delete(word(words, 1)); /* rather nothing than what is out of date */
        drop_value(conn, length, "SERVER_ERROR object too large for cache");
        return;
    }
    conn->item = item_new(word(words, 1), (uint32_t)length, (uint32_t)flags, clock_expiry(expiry));
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
    words_quiet(conn, words, 2);
    if (!keys_fit(conn, words, 1, 2)) {
        return;
    }
    bool found = store_delete(word(words, 1));
    stats_count(found ? COUNT_DELETE_HITS : COUNT_DELETE_MISSES, 1);
    conn_reply(conn, found ? "DELETED" : "NOT_FOUND");
}

static void change_number(struct conn *conn, const struct words *words, bool down)
{
    uint64_t delta, result;

    words_quiet(conn, words, 3);
    if (!keys_fit(conn, words, 1, 2)) {
        return;
    }
    if (!words_number(words->at[2], &delta)) {
        conn_reply(conn, "CLIENT_ERROR invalid numeric delta argument");
        return;
    }
    enum outcome outcome = store_add_number(word(words, 1), delta, down, &result);
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
    change_number(conn, words, false);
}

void command_decr(struct conn *conn, const struct words *words)
{
    change_number(conn, words, true);
}
