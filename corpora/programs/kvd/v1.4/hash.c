/* Commands on hashes. */
#include "kvd.h"

#include "mem.h"

static struct dict *find_hash(struct client *client, enum lookup_purpose purpose, bool *wrong)
{
    struct object *object = keyspace_find_typed(client, OBJECT_HASH, purpose, wrong);
    return object != NULL ? object->as.hash : NULL;
}

static bool put_field(struct dict *hash, struct bytes *field, struct bytes *value)
{
    struct dict_entry *entry = dict_find(hash, field);
    bool added = entry == NULL;

    if (added) {
        entry = dict_insert(hash, field);
    } else {
        mem_free(field);
        mem_free(entry->value.pointer);
    }
    entry->value.pointer = value;
    return added;
}

void command_hset(struct client *client)
{
    bool wrong;
    int64_t added = 0;

    if (client->argc % 2 != 0) {
        reply_error(client, "ERR wrong number of arguments for 'hset' command");
        return;
    }
    struct dict *hash = find_hash(client, LOOKUP_WRITE, &wrong);
    if (wrong) {
        return;
    }
    if (hash == NULL) {
        struct object *object = object_hash();
        keyspace_store(client->argv[1], object, 0);
        hash = object->as.hash;
    }
    for (int at = 2; at < client->argc; at += 2) {
        added += put_field(hash, client->argv[at], client->argv[at + 1]);
        client->argv[at] = client->argv[at + 1] = NULL;
        server.dirty++;
    }
    reply_number(client, added);
}

void command_hget(struct client *client)
{
    bool wrong;
    struct dict *hash = find_hash(client, LOOKUP_READ, &wrong);

    if (wrong) {
        return;
    }
    struct dict_entry *entry = hash != NULL ? dict_find(hash, client->argv[2]) : NULL;
    if (entry == NULL) {
        reply_shared(client, REPLY_NIL);
    } else {
        reply_bytes(client, entry->value.pointer);
    }
}

void command_hexists(struct client *client)
{
    bool wrong;
    struct dict *hash = find_hash(client, LOOKUP_READ, &wrong);

    if (!wrong) {
        reply_number(client, hash != NULL && dict_find(hash, client->argv[2]) != NULL);
    }
}

void command_hdel(struct client *client)
{
    bool wrong;
    int64_t removed = 0;
    struct dict *hash = find_hash(client, LOOKUP_WRITE, &wrong);

    if (wrong) {
        return;
    }
    for (int at = 2; hash != NULL && at < client->argc; at++) {
        removed += dict_remove(hash, client->argv[at]);
    }
    server.dirty += removed;
    if (hash != NULL && dict_size(hash) == 0) {
        keyspace_remove(client->argv[1]);
    }
    reply_number(client, removed);
}

static void reply_field(struct dict_entry *entry, void *data)
{
    reply_bytes(data, entry->key);
    reply_bytes(data, entry->value.pointer);
}

void command_hgetall(struct client *client)
{
    bool wrong;
    struct dict *hash = find_hash(client, LOOKUP_READ, &wrong);

    if (wrong) {
        return;
    }
    if (hash == NULL) {
        reply_shared(client, REPLY_EMPTY);
        return;
    }
    reply_array(client, dict_size(hash) * 2);
    dict_walk(hash, reply_field, client);
}

void command_hlen(struct client *client)
{
    bool wrong;
    struct dict *hash = find_hash(client, LOOKUP_READ, &wrong);

    if (!wrong) {
        reply_number(client, hash != NULL ? (int64_t)dict_size(hash) : 0);
    }
}
