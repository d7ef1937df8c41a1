/* The keys: finding, storing and removing them, and the commands on keys of any type. */
#include "kvd.h"

#include <string.h>

#include "mem.h"

/* The live object of a key; one whose time is over is removed first. */
struct object *keyspace_find(const struct bytes *key)
{
    if (expire_due(key)) {
        keyspace_remove(key);
        server.stats.expired++;
        return NULL;
    }
    struct dict_entry *entry = dict_find(server.keys, key);
    if (entry == NULL) {
        return NULL;
    }
    struct object *object = entry->value.pointer;
    object->used_at = (uint32_t)(server.now / 1000 - server.started);
    return object;
}

/* As keyspace_find(); where the object has another type, answers with an error and sets `wrong`. */
struct object *keyspace_find_typed(struct client *client, const struct bytes *key, enum object_type type, bool *wrong)
{
    struct object *object = keyspace_find(key);

    *wrong = object != NULL && object->type != type;
    if (*wrong) {
        reply_shared(client, REPLY_WRONG_TYPE);
        return NULL;
    }
    return object;
}

/* Stores `object` under a copy of `key`, in place of what was there, without an expiry. */
void keyspace_store(const struct bytes *key, struct object *object)
{
    struct dict_entry *entry = dict_find(server.keys, key);

    if (entry != NULL) {
        dict_remove(server.expires, key);
        object_release(entry->value.pointer);
    } else {
        entry = dict_insert(server.keys, bytes_new(key->data, key->length));
    }
    entry->value.pointer = object;
    server.dirty++;
}

bool keyspace_remove(const struct bytes *key)
{
    dict_remove(server.expires, key);
    if (!dict_remove(server.keys, key)) {
        return false;
    }
    server.dirty++;
    return true;
}

void command_del(struct client *client)
{
    int64_t removed = 0;

    for (int at = 1; at < client->argc; at++) {
        if (keyspace_find(client->argv[at]) != NULL) {
            removed += keyspace_remove(client->argv[at]);
        }
    }
    reply_number(client, removed);
}

void command_exists(struct client *client)
{
    int64_t found = 0;

    for (int at = 1; at < client->argc; at++) {
        found += keyspace_find(client->argv[at]) != NULL;
    }
    reply_number(client, found);
}

void command_type(struct client *client)
{
    const struct object *object = keyspace_find(client->argv[1]);
    reply_text(client, object != NULL ? object_type_name((enum object_type)object->type) : "none");
}

/* The object and its expiry go to the new name; what was there is gone. */
void command_rename(struct client *client)
{
    const struct bytes *from = client->argv[1], *to = client->argv[2];
    struct object *object = keyspace_find(from);

    if (object == NULL) {
        reply_shared(client, REPLY_NO_KEY);
        return;
    }
    if (!bytes_equal(from, to)) {
        int64_t when = expire_get(from);
        keyspace_store(to, object_retain(object));
        keyspace_remove(from);
        if (when > 0) {
            expire_set(to, when);
        }
    }
    reply_shared(client, REPLY_OK);
}

/* A walk over the keys for KEYS: counts first, then replies. */
struct key_walk {
    const char *pattern;
    struct client *client;
    size_t matched;
};

static bool key_matches(const struct dict_entry *entry, const struct key_walk *walk)
{
    const struct bytes *key = entry->key;
    return glob_match(walk->pattern, key->data) && !expire_due(key);
}

static void count_key(struct dict_entry *entry, void *data)
{
    struct key_walk *walk = data;
    walk->matched += key_matches(entry, walk);
}

static void reply_key(struct dict_entry *entry, void *data)
{
    struct key_walk *walk = data;
    if (key_matches(entry, walk)) {
        reply_bytes(walk->client, entry->key);
    }
}

void command_keys(struct client *client)
{
    struct key_walk walk = {.pattern = client->argv[1]->data, .client = client};

    dict_walk(server.keys, count_key, &walk);
    reply_array(client, walk.matched);
    dict_walk(server.keys, reply_key, &walk);
}

void command_dbsize(struct client *client)
{
    reply_number(client, (int64_t)dict_size(server.keys));
}

void command_flushall(struct client *client)
{
    server.dirty += (long)dict_size(server.keys) + 1;
    dict_free(server.expires);
    dict_free(server.keys);
    server.keys = dict_new(&dict_of_objects);
    server.expires = dict_new(&dict_of_times);
    reply_shared(client, REPLY_OK);
}

void command_randomkey(struct client *client)
{
    struct dict_entry *entry;

    while ((entry = dict_random(server.keys)) != NULL) {
        struct bytes *key = entry->key;
        if (!expire_due(key)) {
            reply_bytes(client, key);
            return;
        }
        keyspace_remove(key);
        server.stats.expired++;
    }
    reply_shared(client, REPLY_NIL);
}
