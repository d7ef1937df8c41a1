/* Keys that end: their times, the cycle that removes them, and the commands. */
#include "kvd.h"

#include "log.h"

#define CYCLE_SAMPLES 20
#define CYCLE_ROUNDS 16

/* `key` may be a copy; the table holds the key that the keyspace owns. */
void expire_set(const struct bytes *key, int64_t when)
{
    struct dict_entry *owner = dict_find(server.keys, key);
    struct dict_entry *entry = dict_find(server.expires, key);

    if (entry == NULL) {
        entry = dict_insert(server.expires, owner->key);
    }
    entry->value.number = when;
    server.dirty++;
}

/* Milliseconds since the epoch, 0 for a key without an end. */
int64_t expire_get(const struct bytes *key)
{
    struct dict_entry *entry = dict_find(server.expires, key);
    return entry != NULL ? entry->value.number : 0;
}

bool expire_due(const struct bytes *key)
{
    int64_t when = expire_get(key);
    return when != 0 && when <= server.now;
}

/* Looks at a few keys at random, and at more while many of them were over. */
void expire_cycle(void)
{
    static uint64_t cycles, removed_in_all;

    cycles++;
    for (int round = 0; round < CYCLE_ROUNDS; round++) {
        int removed = 0;
        for (int sample = 0; sample < CYCLE_SAMPLES; sample++) {
            struct dict_entry *entry = dict_random(server.expires);
            if (entry == NULL) {
                return;
            }
            if (entry->value.number <= server.now) {
                delete_key(entry->key);
                removed++;
            }
        }
        server.stats.expired += (uint64_t)removed;
        removed_in_all += (uint64_t)removed;
        if (removed <= CYCLE_SAMPLES / 4) {
            break;
        }
    }
    if (cycles % 10000 == 0) {
        log_write(LOG_DEBUG, "%llu expiry cycles removed %llu keys", (unsigned long long)cycles,
                  (unsigned long long)removed_in_all);
    }
}

void command_expire(struct client *client)
{
    int64_t seconds;

    if (!bytes_number(client->argv[2], &seconds)) {
        reply_shared(client, REPLY_NOT_NUMBER);
        return;
    }
    if (seconds > EXPIRE_LARGEST) {
        reply_error(client, "ERR invalid expire time in 'expire' command");
        return;
    }
    if (lookup_key(client->argv[1]) == NULL) {
        reply_number(client, 0);
        return;
    }
    if (seconds <= 0) {
        delete_key(client->argv[1]);
    } else {
        expire_set(client->argv[1], server.now + seconds * 1000);
    }
    reply_number(client, 1);
}

void command_ttl(struct client *client)
{
    if (lookup_key(client->argv[1]) == NULL) {
        reply_number(client, -2);
        return;
    }
    int64_t when = expire_get(client->argv[1]);
    reply_number(client, when == 0 ? -1 : (when - server.now + 500) / 1000);
}

void command_persist(struct client *client)
{
    bool removed = lookup_key(client->argv[1]) != NULL && dict_remove(server.expires, client->argv[1]);

    server.dirty += removed;
    reply_number(client, removed);
}
