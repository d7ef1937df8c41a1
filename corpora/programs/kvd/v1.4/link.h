/* Intrusive circular lists: a link inside each element, a link that stands alone as the head. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev;
    struct link *next;
};

/* The element of `type` whose member `member` is the link that `pointer` points at. */
#define LINK_ENTRY(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

/* Walks over a list; the current element may be removed in the body. */
#define LINK_EACH(at, after, head) \
    for (struct link *at = (head)->next, *after = at->next; at != (head); at = after, after = at->next)

static inline void link_init(struct link *link)
{
    link->prev = link;
    link->next = link;
}

static inline bool link_empty(const struct link *head)
{
    return head->next == head;
}

static inline void link_before(struct link *place, struct link *link)
{
    link->prev = place->prev;
    link->next = place;
    place->prev->next = link;
    place->prev = link;
}

static inline void link_append(struct link *head, struct link *link)
{
    link_before(head, link);
}

static inline void link_remove(struct link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link_init(link);
}

#endif
