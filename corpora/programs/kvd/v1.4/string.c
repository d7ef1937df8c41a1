/* Commands on strings. */
#include "kvd.h"

#include <ctype.h>
#include <strings.h>

/* Takes an argument away from the request. */
static struct bytes *take_argument(struct client *client, int at)
{
    struct bytes *taken = client->argv[at];

    client->argv[at] = NULL;
    return taken;
}

void command_get(struct client *client)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, OBJECT_STRING, LOOKUP_READ, &wrong);

    if (!wrong) {
        reply_object(client, object);
    }
}

enum set_condition { SET_ALWAYS, SET_IF_ABSENT, SET_IF_PRESENT };

struct set_options {
    enum set_condition condition;
    bool keep_time;
    int64_t milliseconds; /* 0: for ever */
};

static bool set_time(struct client *client, int at, int64_t unit, int64_t *milliseconds)
{
    int64_t amount;

    if (at >= client->argc) {
        reply_shared(client, REPLY_SYNTAX);
        return false;
    }
    if (!bytes_number(client->argv[at], &amount)) {
        reply_shared(client, REPLY_NOT_NUMBER);
        return false;
    }
    if (amount <= 0 || amount > EXPIRE_LARGEST) {
        reply_error(client, "ERR invalid expire time in 'set' command");
        return false;
    }
    *milliseconds = amount * unit;
    return true;
}

static bool set_parse(struct client *client, struct set_options *options)
{
    for (int at = 3; at < client->argc; at++) {
        const char *word = client->argv[at]->data;
        if (strcasecmp(word, "nx") == 0 && options->condition == SET_ALWAYS) {
            options->condition = SET_IF_ABSENT;
        } else if (strcasecmp(word, "xx") == 0 && options->condition == SET_ALWAYS) {
            options->condition = SET_IF_PRESENT;
        } else if (strcasecmp(word, "keepttl") == 0) {
            options->keep_time = true;
        } else if (strcasecmp(word, "ex") == 0 || strcasecmp(word, "px") == 0) {
            int64_t unit = tolower((unsigned char)*word) == 'e' ? 1000 : 1;
            if (!set_time(client, ++at, unit, &options->milliseconds)) {
                return false;
            }
        } else {
            reply_shared(client, REPLY_SYNTAX);
            return false;
        }
    }
    return true;
}

void command_set(struct client *client)
{
    struct set_options options = {.condition = SET_ALWAYS};
    struct bytes *key = client->argv[1];

    if (!set_parse(client, &options)) {
        return;
    }
    bool present = keyspace_find(key, LOOKUP_WRITE) != NULL;
    if ((options.condition == SET_IF_ABSENT && present) || (options.condition == SET_IF_PRESENT && !present)) {
        reply_shared(client, REPLY_NIL);
        return;
    }
    int64_t when = options.keep_time ? expire_get(key) : 0;
    if (options.milliseconds > 0) {
        when = server.now + options.milliseconds;
    }
    keyspace_store(key, object_string(take_argument(client, 2)), when);
    reply_shared(client, REPLY_OK);
}

void command_setex(struct client *client)
{
    int64_t seconds;

    if (!bytes_number(client->argv[2], &seconds)) {
        reply_shared(client, REPLY_NOT_NUMBER);
        return;
    }
    if (seconds <= 0 || seconds > EXPIRE_LARGEST) {
        reply_error(client, "ERR invalid expire time in 'setex' command");
        return;
    }
    keyspace_store(client->argv[1], object_string(take_argument(client, 3)), server.now + seconds * 1000);
    reply_shared(client, REPLY_OK);
}

void command_append(struct client *client)
{
    bool wrong;
    const struct bytes *key = client->argv[1], *more = client->argv[2];
    struct object *object = keyspace_find_typed(client, OBJECT_STRING, LOOKUP_WRITE, &wrong);

    if (wrong) {
        return;
    }
    if (object == NULL) {
        reply_number(client, more->length);
        keyspace_store(key, object_string(take_argument(client, 2)), 0);
        return;
    }
    if (object->numeric) {
        struct bytes *joined = bytes_append(object_text(object), more->data, more->length);
        reply_number(client, joined->length);
        keyspace_store(key, object_string(joined), expire_get(key));
        return;
    }
    object->as.text = bytes_append(object->as.text, more->data, more->length);
    server.dirty++;
    reply_number(client, object->as.text->length);
}

void command_strlen(struct client *client)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, OBJECT_STRING, LOOKUP_READ, &wrong);

    if (!wrong) {
        reply_number(client, object != NULL ? (int64_t)object_length(object) : 0);
    }
}

static void add_to_number(struct client *client, int64_t by)
{
    bool wrong;
    const struct bytes *key = client->argv[1];
    struct object *object = keyspace_find_typed(client, OBJECT_STRING, LOOKUP_WRITE, &wrong);

    if (wrong) {
        return;
    }
    if (object != NULL && !object->numeric) {
        reply_shared(client, REPLY_NOT_NUMBER);
        return;
    }
    int64_t number;
    if (__builtin_add_overflow(object != NULL ? object->as.number : 0, by, &number)) {
        reply_error(client, "ERR increment or decrement would overflow");
        return;
    }
    keyspace_store(key, object_number(number), object != NULL ? expire_get(key) : 0);
    reply_number(client, number);
}

void command_incr(struct client *client)
{
    add_to_number(client, 1);
}

void command_decr(struct client *client)
{
    add_to_number(client, -1);
}

static void increment_by(struct client *client, int sign)
{
    int64_t by;

    if (!bytes_number(client->argv[2], &by) || by == INT64_MIN) {
        reply_shared(client, REPLY_NOT_NUMBER);
        return;
    }
    add_to_number(client, sign * by);
}

void command_incrby(struct client *client)
{
    increment_by(client, 1);
}

void command_decrby(struct client *client)
{
    increment_by(client, -1);
}

void command_getset(struct client *client)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, OBJECT_STRING, LOOKUP_WRITE, &wrong);

    if (!wrong) {
        reply_object(client, object);
        keyspace_store(client->argv[1], object_string(take_argument(client, 2)), 0);
    }
}

void command_setnx(struct client *client)
{
    bool absent = keyspace_find(client->argv[1], LOOKUP_WRITE) == NULL;

    if (absent) {
        keyspace_store(client->argv[1], object_string(take_argument(client, 2)), 0);
    }
    reply_number(client, absent);
}

void command_mset(struct client *client)
{
    if (client->argc % 2 == 0) {
        reply_error(client, "ERR wrong number of arguments for 'mset' command");
        return;
    }
    for (int at = 1; at < client->argc; at += 2) {
        keyspace_store(client->argv[at], object_string(take_argument(client, at + 1)), 0);
    }
    reply_shared(client, REPLY_OK);
}

void command_mget(struct client *client)
{
    reply_array(client, (size_t)client->argc - 1);
    for (int at = 1; at < client->argc; at++) {
        struct object *object = keyspace_find(client->argv[at], LOOKUP_READ);
        reply_object(client, object != NULL && object->type == OBJECT_STRING ? object : NULL);
    }
}
