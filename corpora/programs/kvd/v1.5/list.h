/* The list that a key may hold. */
#ifndef LIST_H
#define LIST_H

#include <stddef.h>

struct bytes;

struct list_node {
    struct list_node *prev;
    struct list_node *next;
    struct bytes *value;
};

struct list {
    struct list_node *head;
    struct list_node *tail;
    size_t length;
};

enum list_end { LIST_HEAD, LIST_TAIL };

typedef void list_visit(const struct bytes *value, void *data);

struct list *list_new(void);
void list_free(struct list *list);
size_t list_length(const struct list *list);
void list_push(struct list *list, enum list_end end, struct bytes *value);
struct bytes *list_pop(struct list *list, enum list_end end);
void list_range(const struct list *list, size_t first, size_t count, list_visit *visit, void *data);

#endif
