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
    struct list_node *node = list->head;

    while (node != NULL) {
        struct list_node *next = node->next;
        mem_free(node->value);
        mem_free(node);
        node = next;
    }
    mem_free(list);
}

size_t list_length(const struct list *list)
{
    return list->length;
}

/* Takes ownership of `value`. */
void list_push(struct list *list, enum list_end end, struct bytes *value)
{
    struct list_node *node = mem_zero(1, sizeof *node);

    node->value = value;
    if (list->length++ == 0) {
        list->head = list->tail = node;
    } else if (end == LIST_HEAD) {
        node->next = list->head;
        list->head->prev = node;
        list->head = node;
    } else {
        node->prev = list->tail;
        list->tail->next = node;
        list->tail = node;
    }
}

/* Takes one value off; NULL where there is none. */
struct bytes *list_pop(struct list *list, enum list_end end)
{
    struct list_node *node = end == LIST_HEAD ? list->head : list->tail;

    if (node == NULL) {
        return NULL;
    }
    if (node->prev != NULL) {
        node->prev->next = node->next;
    } else {
        list->head = node->next;
    }
    if (node->next != NULL) {
        node->next->prev = node->prev;
    } else {
        list->tail = node->prev;
    }
    list->length--;
    struct bytes *value = node->value;
    mem_free(node);
    return value;
}

/* Visits `count` values from index `first` on. */
void list_range(const struct list *list, size_t first, size_t count, list_visit *visit, void *data)
{
    const struct list_node *node;

    if (first < list->length / 2) {
        node = list->head;
        for (size_t at = 0; at < first; at++) {
            node = node->next;
        }
    } else {
        node = list->tail;
        for (size_t at = list->length; node != NULL && at > first + 1; at--) {
            node = node->prev;
        }
    }
    for (; node != NULL && count > 0; node = node->next, count--) {
        visit(node->value, data);
    }
}

static void push_values(struct client *client, enum list_end end)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, OBJECT_LIST, LOOKUP_WRITE, &wrong);

    if (wrong) {
        return;
    }
    if (object == NULL) {
        object = object_list();
        keyspace_store(client->argv[1], object, 0);
    }
    for (int at = 2; at < client->argc; at++) {
        list_push(object->as.list, end, client->argv[at]);
        client->argv[at] = NULL;
    }
    server.dirty += client->argc - 2;
    reply_number(client, (int64_t)list_length(object->as.list));
}

static void pop_value(struct client *client, enum list_end end)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, OBJECT_LIST, LOOKUP_WRITE, &wrong);

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
    push_values(client, LIST_HEAD);
}

void command_rpush(struct client *client)
{
    push_values(client, LIST_TAIL);
}

void command_lpop(struct client *client)
{
    pop_value(client, LIST_HEAD);
}

void command_rpop(struct client *client)
{
    pop_value(client, LIST_TAIL);
}

void command_llen(struct client *client)
{
    bool wrong;
    struct object *object = keyspace_find_typed(client, OBJECT_LIST, LOOKUP_READ, &wrong);

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
    struct object *object = keyspace_find_typed(client, OBJECT_LIST, LOOKUP_READ, &wrong);
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
    struct object *object = keyspace_find_typed(client, OBJECT_LIST, LOOKUP_READ, &wrong);
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
