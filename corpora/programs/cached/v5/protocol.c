/* The protocol: lines to commands, and what follows a line. */
#include "cached.h"

#include <string.h>

/* `least` and `most` count the name; `most` 0 is any number. */
struct command {
    const char *name;
    command_handler *run;
    int least;
    int most;
};

static const struct command commands[] = {
    {"get", command_get, 2, 0},
    {"gets", command_gets, 2, 0},
    {"set", command_set, 5, 6},
    {"add", command_add, 5, 6},
    {"replace", command_replace, 5, 6},
    {"append", command_append, 5, 6},
    {"prepend", command_prepend, 5, 6},
    {"cas", command_cas, 6, 7},
    {"delete", command_delete, 2, 3},
    {"incr", command_incr, 3, 4},
    {"decr", command_decr, 3, 4},
    {"touch", command_touch, 3, 4},
    {"gat", command_gat, 3, 0},
    {"gats", command_gats, 3, 0},
    {"flush_all", command_flush_all, 1, 3},
    {"stats", command_stats, 1, 2},
    {"version", command_version, 1, 1},
    {"verbosity", command_verbosity, 2, 3},
    {"inspect", command_inspect, 2, 2},
    {"whoami", command_whoami, 1, 1},
    {"quit", command_quit, 1, 1},
};

static const struct command *command_named(const char *name)
{
    for (size_t at = 0; at < sizeof commands / sizeof *commands; at++) {
        if (strcmp(commands[at].name, name) == 0) {
            return &commands[at];
        }
    }
    return NULL;
}

/* Runs one line, which ends with a zero byte and is cut into words in place. */
void protocol_line(struct conn *conn, struct view line)
{
    struct words words;

    conn->quiet = false;
    conn->commands++;
    stats_count(COUNT_COMMANDS, 1);
    if (strlen(line.data) != line.length || !words_split((char *)line.data, &words)) {
        conn_reply(conn, "CLIENT_ERROR bad command line format");
        return;
    }
    const struct command *command = words.count > 0 ? command_named(words.at[0]) : NULL;
    if (command == NULL || words.count < command->least || (command->most > 0 && words.count > command->most)) {
        conn_reply(conn, "ERROR");
        return;
    }
    command->run(conn, &words);
}

static const char *const put_replies[] = {
    [OUTCOME_DONE] = "STORED",
    [OUTCOME_NOT_STORED] = "NOT_STORED",
    [OUTCOME_EXISTS] = "EXISTS",
    [OUTCOME_NOT_FOUND] = "NOT_FOUND",
    [OUTCOME_NOT_NUMBER] = "CLIENT_ERROR bad data chunk",
    [OUTCOME_TOO_LARGE] = "SERVER_ERROR object too large for cache",
};

static void count_comparison(enum outcome outcome)
{
    if (outcome == OUTCOME_NOT_FOUND) {
        stats_count(COUNT_CAS_MISSES, 1);
    } else {
        stats_count(outcome == OUTCOME_DONE ? COUNT_CAS_HITS : COUNT_CAS_BAD, 1);
    }
}

/* The value that a storage command announced is complete. */
void protocol_value(struct conn *conn)
{
    struct item *item = conn->item;

    conn->item = NULL;
    stats_count(COUNT_SETS, 1);
    if (memcmp(item_value(item) + item->length, "\r\n", 2) != 0) {
        item_free(item);
        conn_reply(conn, "CLIENT_ERROR bad data chunk");
        return;
    }
    enum outcome outcome = store_put(item, conn->mode, conn->cas);
    if (conn->mode == STORE_CAS) {
        count_comparison(outcome);
    }
    conn_reply(conn, put_replies[outcome]);
}
