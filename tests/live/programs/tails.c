/* tails.c: flexible arrays. `fill` makes objects, `tell` prints what is in them. NEW is the version whose types differ. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct client {
    struct client *next;
#ifdef NEW
    long more[8];
#endif
    int number;
};

/* Does not change, and leads to what does. */
struct group {
    int count;
    struct client *members[];
};

/* Changes, and ends with bytes that do not. */
struct item {
    struct item *next;
#ifdef NEW
    long used;
#endif
    unsigned short size;
    char text[];
};

struct point {
#ifdef NEW
    long x, y, z;
#else
    int x, y;
#endif
};

/* Changes because its elements do. */
struct path {
    size_t length;
    struct point points[];
};

/* As large as its block. */
struct blob {
#ifdef NEW
    double weight;
#endif
    int kind;
    unsigned char bytes[];
};

static struct client *clients;
static struct group *group;
static struct item *items;
static struct path *path;
static struct point *middle, *end;
static struct blob *blob;

__attribute__((noinline)) static void fill(void) {
    group = malloc(sizeof *group + 5 * sizeof group->members[0]);
    group->count = 5;
    for (int i = 0; i < 5; i++) {
        struct client *client = calloc(1, sizeof *client);
        client->number = i + 1;
        client->next = clients;
        clients = group->members[i] = client;
    }
    for (int i = 0; i < 3; i++) {
        char text[64];
        int size = sprintf(text, "item %d %.*s", i, 10 * i, "abcdefghijklmnopqrstuvwxyz") + 1;
        struct item *item = calloc(1, sizeof *item + (size_t)size);
        item->size = (unsigned short)size;
        memcpy(item->text, text, (size_t)size);
        item->next = items;
        items = item;
    }
    path = malloc(sizeof *path + 7 * sizeof path->points[0]);
    path->length = 7;
    for (int i = 0; i < 7; i++) {
        memset(&path->points[i], 0, sizeof path->points[i]);
        path->points[i].x = i;
        path->points[i].y = 100 * i;
    }
    middle = &path->points[3];
    end = path->points + path->length;
    blob = malloc(sizeof *blob + 100);
    blob->kind = 4;
    memset(blob->bytes, 7, 100);
}

__attribute__((noinline)) static void tell(void) {
    int listed = 0, grouped = 0, sum = 0;
    for (struct client *client = clients; client; client = client->next)
        listed += client->number;
    for (int i = 0; group && i < group->count; i++)
        grouped += group->members[i]->number;
    dprintf(1, "VERSION clients %d %d items", listed, grouped);
    for (struct item *item = items; item; item = item->next)
        dprintf(1, " [%s]", item->text);
    for (size_t i = 0; path && i < path->length; i++)
        sum += (int)(path->points[i].x + path->points[i].y);
    if (path)
        dprintf(1, " points %d middle %d at %d end %d", sum, (int)middle->y, (int)(middle - path->points),
                (int)(end - path->points));
    sum = 0;
    for (int i = 0; blob && i < 100; i++)
        sum += blob->bytes[i];
    dprintf(1, " blob %d %d\n", blob ? blob->kind : 0, sum);
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
