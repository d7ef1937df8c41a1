/* firsts.c: pointers to the start of objects, which lead to the object or to what it begins with. In the NEW version
 * something else stands in front. `fill` makes objects, `tell` prints what the pointers lead to. */
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct link {
    struct link *next;
};

struct node {
#ifdef NEW
    long stamp;
#endif
    struct link link;
    int value;
};

struct counter {
#ifdef NEW
    long stamp;
#endif
    int count;
    int other;
};

struct base {
    int kind;
};

struct derived {
#ifdef NEW
    long stamp;
#endif
    struct base base;
    int extra;
};

static struct link ring;
static struct counter *counter;
static int *count;
static void *untyped;
static struct derived *derived;
static struct base *base;

__attribute__((noinline)) static void fill(void) {
    for (int i = 1; i <= 4; i++) {
        struct node *node = calloc(1, sizeof *node);
        node->value = i;
        node->link.next = ring.next;
        ring.next = &node->link;
    }
    counter = calloc(1, sizeof *counter);
    counter->count = 40;
    counter->other = 41;
    count = &counter->count;
    untyped = counter;
    derived = calloc(1, sizeof *derived);
    derived->base.kind = 50;
    derived->extra = 51;
    base = &derived->base;
}

__attribute__((noinline)) static void tell(void) {
    int sum = 0, nodes = 0;
    for (struct link *link = ring.next; link; link = link->next, nodes++)
        sum += ((struct node *)((char *)link - offsetof(struct node, link)))->value;
    if (!counter)
        return;
    dprintf(1, "VERSION nodes %d sum %d counter %d %d %d %d derived %d %d %d\n", nodes, sum, counter->count, counter->other,
            *count, ((struct counter *)untyped)->other, derived->base.kind, derived->extra, base->kind);
}

int main(void) {
    char line[64];
    dprintf(1, "ready\n");
    while (read(0, line, sizeof line) > 0) {
        if (line[0] == 'f')
            fill();
        tell();
    }
    return 0;
}
