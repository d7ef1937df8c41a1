/* Keys that end: their times, the cycle that removes them, and the commands. */
#include "kvd.h"

#include "log.h"

#define CYCLE_SAMPLES 20
#define CYCLE_ROUNDS 16
#define CYCLE_ROUNDS_LEAST 4

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

/* How many rounds a cycle may take: fewer while there was little to remove. */
static int rounds_allowed = CYCLE_ROUNDS;

static void adapt_rounds(int used)
{
    if (used >= rounds_allowed) {
        rounds_allowed = rounds_allowed < CYCLE_ROUNDS ? rounds_allowed + 1 : CYCLE_ROUNDS;
    } else if (rounds_allowed > CYCLE_ROUNDS_LEAST) {
        rounds_allowed--;
    }
}

/* Looks at a few keys at random, and at more while many of them were over. */
void expire_cycle(void)
{
    int round = 0;
    static uint64_t cycles, removed_in_all;

    cycles++;
    while (round++ < rounds_allowed) {
        int removed = 0;
        for (int sample = 0; sample < CYCLE_SAMPLES; sample++) {
            struct dict_entry *entry = dict_random(server.expires);
            if (entry == NULL) {
                return;
            }
            if (entry->value.number <= server.now) {
                keyspace_remove(entry->key);
                removed++;
            }
        }
        server.stats.expired += (uint64_t)removed;
        removed_in_all += (uint64_t)removed;
        if (removed <= CYCLE_SAMPLES / 4) {
            break;
        }
    }
    adapt_rounds(round);
    if (cycles % 10000 == 0) {
        log_write(LOG_DEBUG, "%llu expiry cycles removed %llu keys", (unsigned long long)cycles,
                  (unsigned long long)removed_in_all);
    }
}

/* `unit` is in milliseconds; a time to live that is not positive ends the key at once. */
static void expire_in(struct client *client, int64_t unit)
{
    int64_t amount;

    if (!bytes_number(client->argv[2], &amount)) {
        reply_shared(client, REPLY_NOT_NUMBER);
        return;
    }
    if (amount > EXPIRE_LARGEST) {
        reply_error(client, "ERR invalid expire time in '%s' command", client->command->name);
        return;
    }
    if (keyspace_find(client->argv[1], LOOKUP_WRITE) == NULL) {
        reply_number(client, 0);
        return;
    }
    if (amount <= 0) {
        keyspace_remove(client->argv[1]);
    } else {
        expire_set(client->argv[1], server.now + amount * unit);
    }
    reply_number(client, 1);
}

void command_expire(struct client *client)
{
    expire_in(client, 1000);
}

void command_pexpire(struct client *client)
{
    expire_in(client, 1);
}

static void time_left(struct client *client, int64_t unit)
{
    if (keyspace_find(client->argv[1], LOOKUP_READ) == NULL) {
        reply_number(client, -2);
        return;
    }
    int64_t when = expire_get(client->argv[1]);
    reply_number(client, when == 0 ? -1 : (when - server.now + unit / 2) / unit);
}

void command_ttl(struct client *client)
{
    time_left(client, 1000);
}

void command_pttl(struct client *client)
{
    time_left(client, 1);
}

void command_persist(struct client *client)
{
    bool removed = keyspace_find(client->argv[1], LOOKUP_WRITE) != NULL && dict_remove(server.expires, client->argv[1]);

    server.dirty += removed;
    reply_number(client, removed);
}
