/* Commands on sets. */
#include "kvd.h"

static struct dict *find_set(struct client *client, enum find_how how, bool *wrong)
{
    struct object *object = keyspace_find_typed(client, client->argv[1], OBJECT_SET, how, wrong);
    return object != NULL ? object->as.set : NULL;
}

void command_sadd(struct client *client)
{
    bool wrong;
    int64_t added = 0;
    struct dict *set = find_set(client, FIND_WRITE, &wrong);

    if (wrong) {
        return;
    }
    if (set == NULL) {
        struct object *object = object_set();
        keyspace_store(client->argv[1], object);
        set = object->as.set;
    }
    for (int at = 2; at < client->argc; at++) {
        added += dict_insert(set, client->argv[at]) != NULL;
    }
    server.dirty += added;
    reply_number(client, added);
}

void command_srem(struct client *client)
{
    bool wrong;
    int64_t removed = 0;
    struct dict *set = find_set(client, FIND_WRITE, &wrong);

    if (wrong) {
        return;
    }
    for (int at = 2; set != NULL && at < client->argc; at++) {
        removed += dict_remove(set, client->argv[at]);
    }
    server.dirty += removed;
    if (set != NULL && dict_size(set) == 0) {
        keyspace_remove(client->argv[1]);
    }
    reply_number(client, removed);
}

void command_spop(struct client *client)
{
    bool wrong;
    struct dict *set = find_set(client, FIND_WRITE, &wrong);

    if (wrong) {
        return;
    }
    if (set == NULL) {
        reply_shared(client, REPLY_NIL);
        return;
    }
    struct dict_entry *entry = dict_random(set);
    reply_bytes(client, entry->key);
    dict_remove(set, entry->key);
    server.dirty++;
    if (dict_size(set) == 0) {
        keyspace_remove(client->argv[1]);
    }
}

void command_sismember(struct client *client)
{
    bool wrong;
    struct dict *set = find_set(client, FIND_READ, &wrong);

    if (!wrong) {
        reply_number(client, set != NULL && dict_find(set, client->argv[2]) != NULL);
    }
}

void command_scard(struct client *client)
{
    bool wrong;
    struct dict *set = find_set(client, FIND_READ, &wrong);

    if (!wrong) {
        reply_number(client, set != NULL ? (int64_t)dict_size(set) : 0);
    }
}

static void reply_member(struct dict_entry *entry, void *data)
{
    reply_bytes(data, entry->key);
}

void command_smembers(struct client *client)
{
    bool wrong;
    struct dict *set = find_set(client, FIND_READ, &wrong);

    if (wrong) {
        return;
    }
    if (set == NULL) {
        reply_shared(client, REPLY_EMPTY);
        return;
    }
    reply_array(client, dict_size(set));
    dict_walk(set, reply_member, client);
}
