/* Commands that read items. */
#include "cached.h"

#include <inttypes.h>
#include <stdio.h>

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
    conn_write(retrieval->conn, (struct view){"VALUE ", 6});
    conn_write(retrieval->conn, item_key(item));
    conn_write(retrieval->conn, (struct view){header, (size_t)length});
    conn_write(retrieval->conn, (struct view){"\r\n", 2});
    conn_write(retrieval->conn, (struct view){item_value(item), item->length + 2});
}

static void retrieve(struct conn *conn, const struct words *words, int first, const uint32_t *expires, bool with_cas)
{
    struct retrieval retrieval = {conn, with_cas};

    if (!keys_fit(conn, words, first, words->count)) {
        return;
    }
    for (int at = first; at < words->count; at++) {
        bool found = store_get(word(words, at), expires, write_item, &retrieval);
        stats_count(found ? COUNT_GET_HITS : COUNT_GET_MISSES, 1);
        if (expires != NULL) {
            stats_count(found ? COUNT_TOUCH_HITS : COUNT_TOUCH_MISSES, 1);
        }
    }
    conn_reply(conn, "END");
}

/* gat expiry key... */
static void retrieve_and_touch(struct conn *conn, const struct words *words, bool with_cas)
{
    int64_t expiry;

    if (!words_signed(words->at[1], &expiry)) {
        conn_reply(conn, "CLIENT_ERROR invalid exptime argument");
        return;
    }
    uint32_t expires = clock_expiry(expiry);
    retrieve(conn, words, 2, &expires, with_cas);
}

void command_get(struct conn *conn, const struct words *words)
{
    retrieve(conn, words, 1, NULL, false);
}

void command_gets(struct conn *conn, const struct words *words)
{
    retrieve(conn, words, 1, NULL, true);
}

void command_gat(struct conn *conn, const struct words *words)
{
    retrieve_and_touch(conn, words, false);
}

void command_gats(struct conn *conn, const struct words *words)
{
    retrieve_and_touch(conn, words, true);
}

void command_touch(struct conn *conn, const struct words *words)
{
    int64_t expiry;

    words_quiet(conn, words, 3);
    if (!keys_fit(conn, words, 1, 2)) {
        return;
    }
    if (!words_signed(words->at[2], &expiry)) {
        conn_reply(conn, "CLIENT_ERROR invalid exptime argument");
        return;
    }
    bool found = store_touch(word(words, 1), clock_expiry(expiry));
    stats_count(found ? COUNT_TOUCH_HITS : COUNT_TOUCH_MISSES, 1);
    conn_reply(conn, found ? "TOUCHED" : "NOT_FOUND");
}

static void inspect(struct item *item, void *data)
{
    conn_printf(data, "ITEM %u bytes, %u hits, expires %u", item->length, item->hits, item->expires);
}

/* inspect key */
void command_inspect(struct conn *conn, const struct words *words)
{
    if (keys_fit(conn, words, 1, 2) && !store_get(word(words, 1), NULL, inspect, conn)) {
        conn_reply(conn, "NOT_FOUND");
    }
}
