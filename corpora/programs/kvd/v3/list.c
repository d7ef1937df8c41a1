/* Lists and the commands on them. */
#include "list.h"

#include "kvd.h"
#include "mem.h"

struct list *list_new(void)
{
    return mem_zero(1, sizeof(struct list));
}

void list_free(struct list *list)
{
    struct list_chunk *chunk = list->head;

    while (chunk != NULL) {
        struct list_chunk *next = chunk->next;
        for (int at = 0; at < chunk->count; at++) {
            mem_free(chunk->items[chunk->first + at]);
        }
        mem_free(chunk);
        chunk = next;
    }
    mem_free(list);
}

size_t list_length(const struct list *list)
{
    return list->length;
}

/* Adds an empty chunk that is going to be filled from its far end. */
static struct list_chunk *chunk_add(struct list *list, enum list_end end)
{
    struct list_chunk *chunk = mem_zero(1, sizeof *chunk);

    chunk->first = end == LIST_HEAD ? LIST_CHUNK : 0;
    if (list->chunks++ == 0) {
        list->head = list->tail = chunk;
    } else if (end == LIST_HEAD) {
        chunk->next = list->head;
        list->head->prev = chunk;
        list->head = chunk;
    } else {
        chunk->prev = list->tail;
        list->tail->next = chunk;
        list->tail = chunk;
    }
    return chunk;
}

static void chunk_remove(struct list *list, struct list_chunk *chunk)
{
    if (chunk->prev != NULL) {
        chunk->prev->next = chunk->next;
    } else {
        list->head = chunk->next;
    }
    if (chunk->next != NULL) {
        chunk->next->prev = chunk->prev;
    } else {
        list->tail = chunk->prev;
    }
    list->chunks--;
    mem_free(chunk);
}

/* Takes ownership of `value`. */
void list_push(struct list *list, enum list_end end, struct bytes *value)
{
    struct list_chunk *chunk = end == LIST_HEAD ? list->head : list->tail;

    if (chunk == NULL || (end == LIST_HEAD ? chunk->first == 0 : chunk->first + chunk->count == LIST_CHUNK)) {
        chunk = chunk_add(list, end);
    }
    if (end == LIST_HEAD) {
        chunk->first--;
        chunk->items[chunk->first] = value;
    } else {
        chunk->items[chunk->first + chunk->count] = value;
    }
    chunk->count++;
    list->length++;
}

/* Takes one value off; NULL where there is none. */
struct bytes *list_pop(struct list *list, enum list_end end)
{
    struct list_chunk *chunk = end == LIST_HEAD ? list->head : list->tail;

    if (chunk == NULL) {
        return NULL;
    }
    struct bytes *value = chunk->items[end == LIST_HEAD ? chunk->first : chunk->first + chunk->count - 1];
    chunk->first += end == LIST_HEAD;
    list->length--;
    if (--chunk->count == 0) {
        chunk_remove(list, chunk);
    }
    return value;
}

/* Visits `count` values from index `first` on. */
void list_range(const struct list *list, size_t first, size_t count, list_visit *visit, void *data)
{
    const struct list_chunk *chunk = list->head;

    while (chunk != NULL && first >= chunk->count) {
        first -= chunk->count;
        chunk = chunk->next;
    }
    for (; chunk != NULL && count > 0; chunk = chunk->next, first = 0) {
        for (size_t at = first; at < chunk->count && count > 0; at++, count--) {
            visit(chunk->items[chunk->first + at], data);
        }
    }
}

static void push(struct client *client, enum list_end end)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, client->argv[1], OBJECT_LIST, FIND_WRITE, &wrong);

    if (wrong) {
        return;
    }
    if (object == NULL) {
        object = object_list();
        keyspace_store(client->argv[1], object);
    }
    for (int at = 2; at < client->argc; at++) {
        list_push(object->as.list, end, client->argv[at]);
        client->argv[at] = NULL;
    }
    server.dirty += client->argc - 2;
    reply_number(client, (int64_t)list_length(object->as.list));
}

static void pop(struct client *client, enum list_end end)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, client->argv[1], OBJECT_LIST, FIND_WRITE, &wrong);

    if (wrong) {
        return;
    }
    if (object == NULL) {
        reply_shared(client, REPLY_NIL);
        return;
    }
    struct bytes *value = list_pop(object->as.list, end);
    reply_bytes(client, value);
    mem_free(value);
    server.dirty++;
    if (list_length(object->as.list) == 0) {
        keyspace_remove(client->argv[1]);
    }
}

void command_lpush(struct client *client)
{
    push(client, LIST_HEAD);
}

void command_rpush(struct client *client)
{
    push(client, LIST_TAIL);
}

void command_lpop(struct client *client)
{
    pop(client, LIST_HEAD);
}

void command_rpop(struct client *client)
{
    pop(client, LIST_TAIL);
}

void command_llen(struct client *client)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, client->argv[1], OBJECT_LIST, FIND_READ, &wrong);

    if (!wrong) {
        reply_number(client, object != NULL ? (int64_t)list_length(object->as.list) : 0);
    }
}

static void reply_element(const struct bytes *value, void *data)
{
    reply_bytes(data, value);
}

void command_lindex(struct client *client)
{
    bool wrong;
    int64_t index;

    if (!bytes_number(client->argv[2], &index)) {
        reply_shared(client, REPLY_NOT_NUMBER);
        return;
    }
    struct object *object = keyspace_find_typed(client, client->argv[1], OBJECT_LIST, FIND_READ, &wrong);
    if (wrong) {
        return;
    }
    int64_t length = object != NULL ? (int64_t)list_length(object->as.list) : 0;
    index = index < 0 ? index + length : index;
    if (index < 0 || index >= length) {
        reply_shared(client, REPLY_NIL);
        return;
    }
    list_range(object->as.list, (size_t)index, 1, reply_element, client);
}

void command_lrange(struct client *client)
{
    bool wrong;
    int64_t first, last;

    if (!bytes_number(client->argv[2], &first) || !bytes_number(client->argv[3], &last)) {
        reply_shared(client, REPLY_NOT_NUMBER);
        return;
    }
    struct object *object = keyspace_find_typed(client, client->argv[1], OBJECT_LIST, FIND_READ, &wrong);
    if (wrong) {
        return;
    }
    int64_t length = object != NULL ? (int64_t)list_length(object->as.list) : 0;
    first = first < 0 ? first + length : first;
    last = last < 0 ? last + length : last;
    first = first < 0 ? 0 : first;
    last = last >= length ? length - 1 : last;
    if (first > last) {
        reply_shared(client, REPLY_EMPTY);
        return;
    }
    reply_array(client, (size_t)(last - first + 1));
    list_range(object->as.list, (size_t)first, (size_t)(last - first + 1), reply_element, client);
}
