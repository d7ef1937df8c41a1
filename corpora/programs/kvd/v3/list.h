/* The list that a key may hold: chunks of values, linked. */
#ifndef LIST_H
#define LIST_H

#include <stddef.h>
#include <stdint.h>

#define LIST_CHUNK 32

struct bytes;

/* Values stand at `items[first]` up to `items[first + count - 1]`; a chunk is never empty. */
struct list_chunk {
    struct list_chunk *prev;
    struct list_chunk *next;
    uint16_t first;
    uint16_t count;
    struct bytes *items[LIST_CHUNK];
};

struct list {
    struct list_chunk *head;
    struct list_chunk *tail;
    size_t length;
    size_t chunks;
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
