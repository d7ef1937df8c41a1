/* Commands about the server, and what all commands use. */
#include "cached.h"

#include "log.h"

/* Whether the words from `first` up to `end` can be keys; answers where one can not. */
bool keys_fit(struct conn *conn, const struct words *words, int first, int end)
{
    for (int at = first; at < end; at++) {
        if (words->length[at] > KEY_LENGTH_MAX) {
            conn_reply(conn, BAD_FORMAT);
            return false;
        }
    }
    return true;
}

/* flush_all [seconds] [noreply] */
void command_flush_all(struct conn *conn, const struct words *words)
{
    static uint64_t asked = 0;
    int64_t delay = 0;

    bool quiet = words_quiet(conn, words, words->count - 1);
    if (words->count - quiet > 1 && !words_signed(words->at[1], &delay)) {
        conn_reply(conn, BAD_FORMAT);
        return;
    }
    stats_count(COUNT_FLUSHES, 1);
    log_write(1, "flush number %llu", (unsigned long long)__atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED));
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

/* whoami: what the server knows of the connection. */
void command_whoami(struct conn *conn, const struct words *words)
{
    (void)words;
    conn_printf(conn, "CONNECTION %u commands", conn->commands);
}

void command_verbosity(struct conn *conn, const struct words *words)
{
    uint64_t level = 0;

    words_quiet(conn, words, words->count - 1);
    if (words->count > 1 && words_number(words->at[1], &level)) {
        log_set_verbosity(level < 9 ? (int)level : 9);
    }
    conn_reply(conn, "OK");
}

void command_quit(struct conn *conn, const struct words *words)
{
    (void)words;
    conn->state = CONN_CLOSING;
}
