/* The table of commands, how one is run, and the commands about connections. */
#include "kvd.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

static struct command commands[] = {
    {"ping", command_ping, -1, COMMAND_READ, 0, 0},
    {"echo", command_echo, 2, COMMAND_READ, 0, 0},
    {"quit", command_quit, -1, COMMAND_READ, 0, 0},
    {"info", command_info, -1, COMMAND_ADMIN, 0, 0},
    {"client", command_client, -2, COMMAND_ADMIN, 0, 0},
    {"command", command_command, -1, COMMAND_ADMIN, 0, 0},
    {"config", command_config, -2, COMMAND_ADMIN, 0, 0},
    {"save", command_save, 1, COMMAND_ADMIN, 0, 0},
    {"bgsave", command_bgsave, -1, COMMAND_ADMIN, 0, 0},
    {"shutdown", command_shutdown, -1, COMMAND_ADMIN, 0, 0},
    {"get", command_get, 2, COMMAND_READ, 0, 0},
    {"set", command_set, -3, COMMAND_WRITE, 0, 0},
    {"setex", command_setex, 4, COMMAND_WRITE, 0, 0},
    {"append", command_append, 3, COMMAND_WRITE, 0, 0},
    {"strlen", command_strlen, 2, COMMAND_READ, 0, 0},
    {"incr", command_incr, 2, COMMAND_WRITE, 0, 0},
    {"decr", command_decr, 2, COMMAND_WRITE, 0, 0},
    {"mset", command_mset, -3, COMMAND_WRITE, 0, 0},
    {"mget", command_mget, -2, COMMAND_READ, 0, 0},
    {"del", command_del, -2, COMMAND_WRITE, 0, 0},
    {"exists", command_exists, -2, COMMAND_READ, 0, 0},
    {"keys", command_keys, 2, COMMAND_READ, 0, 0},
    {"dbsize", command_dbsize, 1, COMMAND_READ, 0, 0},
    {"flushall", command_flushall, -1, COMMAND_WRITE, 0, 0},
    {"randomkey", command_randomkey, 1, COMMAND_READ, 0, 0},
    {"expire", command_expire, 3, COMMAND_WRITE, 0, 0},
    {"ttl", command_ttl, 2, COMMAND_READ, 0, 0},
    {"persist", command_persist, 2, COMMAND_WRITE, 0, 0},
    {"lpush", command_lpush, -3, COMMAND_WRITE, 0, 0},
    {"rpush", command_rpush, -3, COMMAND_WRITE, 0, 0},
    {"lpop", command_lpop, 2, COMMAND_WRITE, 0, 0},
    {"rpop", command_rpop, 2, COMMAND_WRITE, 0, 0},
    {"lrange", command_lrange, 4, COMMAND_READ, 0, 0},
    {"llen", command_llen, 2, COMMAND_READ, 0, 0},
    {"hset", command_hset, -4, COMMAND_WRITE, 0, 0},
    {"hget", command_hget, 3, COMMAND_READ, 0, 0},
    {"hdel", command_hdel, -3, COMMAND_WRITE, 0, 0},
    {"hgetall", command_hgetall, 2, COMMAND_READ, 0, 0},
    {"hlen", command_hlen, 2, COMMAND_READ, 0, 0},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

/* What came after 1.0. They are few: searched one by one when `server.commands` does not have a name. */
static struct command added_commands[] = {
    {"incrby", command_incrby, 3, COMMAND_WRITE, 0, 0},
    {"decrby", command_decrby, 3, COMMAND_WRITE, 0, 0},
    {"getset", command_getset, 3, COMMAND_WRITE, 0, 0},
    {"setnx", command_setnx, 3, COMMAND_WRITE, 0, 0},
    {"type", command_type, 2, COMMAND_READ, 0, 0},
    {"rename", command_rename, 3, COMMAND_WRITE, 0, 0},
    {"pexpire", command_pexpire, 3, COMMAND_WRITE, 0, 0},
    {"pttl", command_pttl, 2, COMMAND_READ, 0, 0},
    {"lindex", command_lindex, 3, COMMAND_READ, 0, 0},
    {"hexists", command_hexists, 3, COMMAND_READ, 0, 0},
};

#define ADDED_COUNT (sizeof added_commands / sizeof *added_commands)

static uint64_t hash_name(const void *key)
{
    return dict_hash_folded(key, strlen(key));
}

static bool equal_names(const void *left, const void *right)
{
    return strcasecmp(left, right) == 0;
}

/* Names of commands to rows of the table. */
static const struct dict_type dict_of_commands = {hash_name, equal_names, NULL, NULL};

void command_init(void)
{
    server.commands = dict_new(&dict_of_commands);
    for (size_t at = 0; at < COMMAND_COUNT; at++) {
        dict_insert(server.commands, (char *)commands[at].name)->value.pointer = &commands[at];
    }
}

/* The row at `at` of all commands, NULL behind the last. */
const struct command *command_row(size_t at)
{
    if (at < COMMAND_COUNT) {
        return &commands[at];
    }
    return at < COMMAND_COUNT + ADDED_COUNT ? &added_commands[at - COMMAND_COUNT] : NULL;
}

static int64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct command *command_named(const char *name)
{
    struct dict_entry *entry = dict_find(server.commands, name);

    if (entry != NULL) {
        return entry->value.pointer;
    }
    for (size_t at = 0; at < ADDED_COUNT; at++) {
        if (equal_names(added_commands[at].name, name)) {
            return &added_commands[at];
        }
    }
    return NULL;
}

static struct command *find_command(struct client *client)
{
    struct command *command = command_named(client->argv[0]->data);

    if (command == NULL) {
        reply_error(client, "ERR unknown command '%.128s'", client->argv[0]->data);
        return NULL;
    }
    if (command->arity > 0 ? client->argc != command->arity : client->argc < -command->arity) {
        reply_error(client, "ERR wrong number of arguments for '%s' command", command->name);
        return NULL;
    }
    return command;
}

/* Runs the request in `client->argv`. */
void command_run(struct client *client)
{
    struct command *command = find_command(client);

    server.stats.commands++;
    if (command == NULL) {
        return;
    }
    int64_t begin = microseconds();
    client->command = command;
    command->handler(client);
    command->calls++;
    command->microseconds += (uint64_t)(microseconds() - begin);
}

void command_ping(struct client *client)
{
    if (client->argc == 2) {
        reply_bytes(client, client->argv[1]);
    } else {
        reply_shared(client, REPLY_PONG);
    }
}

void command_echo(struct client *client)
{
    reply_bytes(client, client->argv[1]);
}

void command_quit(struct client *client)
{
    reply_shared(client, REPLY_OK);
    client->close_after_reply = 1;
}

void command_command(struct client *client)
{
    if (client->argc == 2 && strcasecmp(client->argv[1]->data, "count") == 0) {
        reply_number(client, COMMAND_COUNT + ADDED_COUNT);
    } else {
        reply_shared(client, REPLY_EMPTY);
    }
}

static void client_list(struct client *client)
{
    struct bytes *text = bytes_new(NULL, 0);
    char line[256];

    LINK_EACH(at, after, &server.clients) {
        const struct client *other = LINK_ENTRY(at, struct client, link);
        int length = snprintf(line, sizeof line, "id=%llu fd=%d name=%s age=%lld idle=%lld flags=%s cmd=%s\n",
                              (unsigned long long)other->id, other->fd, other->name,
                              (long long)(server.now - other->created) / 1000,
                              (long long)(server.now - other->active) / 1000, other->local ? "U" : "N",
                              other->command != NULL ? other->command->name : "NULL");
        text = bytes_append(text, line, (size_t)length);
    }
    reply_bytes(client, text);
    mem_free(text);
}

static void client_setname(struct client *client)
{
    const struct bytes *name = client->argv[2];

    if (name->length >= CLIENT_NAME_MAX || strpbrk(name->data, " \r\n") != NULL) {
        reply_error(client, "ERR Client names are at most %d characters, without spaces", CLIENT_NAME_MAX - 1);
        return;
    }
    strcpy(client->name, name->data);
    reply_shared(client, REPLY_OK);
}

void command_client(struct client *client)
{
    const char *action = client->argv[1]->data;

    if (strcasecmp(action, "list") == 0) {
        client_list(client);
    } else if (strcasecmp(action, "setname") == 0 && client->argc == 3) {
        client_setname(client);
    } else if (strcasecmp(action, "getname") == 0) {
        reply_text(client, client->name);
    } else if (strcasecmp(action, "id") == 0) {
        reply_number(client, (int64_t)client->id);
    } else {
        reply_shared(client, REPLY_SYNTAX);
    }
}

void command_shutdown(struct client *client)
{
    bool no_save = client->argc == 2 && strcasecmp(client->argv[1]->data, "nosave") == 0;

    if (!no_save && server.save_seconds > 0 && !persist_save()) {
        reply_error(client, "ERR Errors trying to SHUTDOWN. Check logs.");
        return;
    }
    net_close(client);
    server_stop();
}
