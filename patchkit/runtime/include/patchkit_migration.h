/* patchkit_migration.h: what an update's C and the runtime that runs it agree on.
 *
 * An update that changes types carries tables and functions in this form: generated/migrate.c holds the tables and the
 * conversions that were decided, transform.c those that a programmer wrote. The runtime follows the tables from the roots
 * through every pointer that may lead to an object of a changed type, finds a place for each, converts it, and lets every
 * pointer lead to where its object is now. All of it happens while the program's threads stand still, and all of it can be
 * undone until the update is committed.
 *
 * Words
 *   shape    what an object of the running version looks like: its size and where pointers are in it
 *   changed  a shape whose objects the new version lays out otherwise
 *   forward  from where something was to where it is now; what did not move stays itself
 *
 * Sizes and offsets are in bytes.
 */
#ifndef PATCHKIT_MIGRATION_H
#define PATCHKIT_MIGRATION_H

#include <stddef.h>
#include <stdint.h>

struct pk_migration; /* the runtime's own state of one migration */

/* What the runtime does for the update's code. */
struct pk_services {
    void *(*forward)(struct pk_migration *migration, const void *old);
    int (*refuse)(struct pk_migration *migration, const char *what, int64_t value);
    int (*note)(struct pk_migration *migration, void *object, void (*release)(void *), int made);
    void *(*forward_as)(struct pk_migration *migration, const void *old, const char *type);
};

struct pk_migration {
    const struct pk_services *services;
    size_t tail; /* elements of the flexible array at the end of the object that is being converted */
};

/* Where the object at `old`, or the part of one, is in the new version; `old` itself where it did not move. */
static inline void *pk_forward(struct pk_migration *migration, const void *old) {
    return old ? migration->services->forward(migration, old) : NULL;
}

/* The same for a pointer to a `type`. It matters at the start of an object: what leads there leads to the object where that
 * is a `type`, and to what the object begins with where it is not. pk_forward takes it to lead to the object. */
static inline void *pk_forward_as(struct pk_migration *migration, const void *old, const char *type) {
    return old ? migration->services->forward_as(migration, old, type) : NULL;
}

/* Ends the update, with the old version unharmed; `what` names the member and the reason, `value` is what was found.
 * Returns 1, so that a conversion can return what this returns. */
static inline int pk_refuse(struct pk_migration *migration, const char *what, int64_t value) {
    return migration->services->refuse(migration, what, value);
}

/* Says that `object` was allocated for the new version: `release` frees it if the update is undone. Returns it. */
static inline void *pk_made(struct pk_migration *migration, void *object, void (*release)(void *object)) {
    return object && migration->services->note(migration, object, release, 1) ? NULL : object;
}

/* Says that the new version has no use for an old object: `release` frees it once the update cannot be undone any more. */
static inline void pk_dropped(struct pk_migration *migration, const void *old, void (*release)(void *object)) {
    if (old)
        migration->services->note(migration, (void *)(uintptr_t)old, release, 0);
}

/* Writes every member of the object at `to`, which holds zeros, from the old one at `from`, whose pointers still lead to
 * old places. Returns 0, or what pk_refuse returned. It calls nothing that waits. */
typedef int pk_conversion(struct pk_migration *migration, const void *from, void *to);

/* A question that is still open: it compiles, and no bundle is made while one is left. */
#define PK_TODO(question) ((void)(question))

/* Whether two texts are equal; two that are NULL are. */
static inline int pk_same_text(const char *one, const char *other) {
    if (!one || !other)
        return one == other;
    while (*one && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

enum { PK_NO_SHAPE = -1 };

/* How many objects stand where a pointer leads. */
enum pk_extent {
    PK_ONE,        /* one */
    PK_ALLOCATION, /* as many as the allocation has room for */
    PK_COUNTED     /* as many as the integer at `count_offset` of the same object says */
};

/* The type of what a pointer leads to is not in its own type but was decided: what is there is looked at first. */
#define PK_UNTYPED 1u

/* Something that must hold of an object: the `width` bits from `bit` on are `value`, or the 64 bits are `address`. */
struct pk_test {
    uint32_t bit;
    uint32_t width; /* 0: it holds always */
    uint64_t value;
    const void *address; /* in place of `value`; NULL: none */
};

/* A pointer in an object, or `repeat` of them `stride` apart. */
struct pk_slot {
    const char *name; /* of the member */
    const char *type; /* of what it leads to, as in pk_forward_as; NULL: it may be anything */
    uint32_t offset;
    uint32_t repeat;
    uint32_t stride;
    int32_t shape;         /* of what it leads to; PK_NO_SHAPE: it is forwarded, but not followed */
    int32_t back;          /* what it leads to begins that many bytes before where it points */
    uint32_t extent;       /* enum pk_extent */
    int32_t count_offset;
    uint32_t count_size;   /* of the integer, 1, 2, 4 or 8 */
    uint32_t flags;
    struct pk_test when[2]; /* the pointer is there only while both hold */
};

/* `size` bytes at `from` of an old object are at `to` of the new one: for pointers into the middle. Sorted by `from`. */
struct pk_run {
    uint32_t from;
    uint32_t to;
    uint32_t size;
};

/* A flexible array at the end of an object. */
struct pk_tail {
    size_t (*count)(const void *object); /* how many elements an object of the running version has */
    uint32_t from;                       /* where the first of them begins, and what each takes */
    uint32_t step;
    uint32_t to; /* in the new version */
    uint32_t new_step;
    int32_t shape; /* of an element; PK_NO_SHAPE: it is not changed, and nothing is followed from it */
};

struct pk_shape {
    const char *name;
    uint32_t size;     /* of one object of the running version, without its tail */
    uint32_t new_size; /* the same as `size` where it is not changed */
    const struct pk_slot *slots;
    uint32_t slot_count;
    uint32_t run_count;
    const struct pk_run *runs;
    pk_conversion *convert;         /* NULL: not changed */
    void *(*allocate)(size_t size); /* what the program has objects of this shape from; NULL where none is on the heap */
    void (*release)(void *object);
    size_t (*room)(void *object); /* bytes that its allocation has; NULL where that cannot be known */
    const struct pk_tail *tail;   /* NULL: none. With one, an object stands alone. */
};

/* The new storage of a variable keeps what the new version's source says; only pointers are led there. */
#define PK_NEW_CONTENT 1u

/* A variable. Where `moved` is not NULL it is its storage in the new version, `moved_count` objects there; what is not
 * converted keeps what the new version's source says. */
struct pk_root {
    const char *name;
    void *place;
    void *moved;
    int32_t shape;
    uint32_t count;
    uint32_t moved_count;
    uint32_t new_size; /* of one of them */
    uint32_t flags;
    pk_conversion *convert; /* of the whole variable, in place of the shape's own; NULL: object by object */
    int32_t (*row)(const void *old); /* of an array: the number that an old element has in the new one, -1: none */
    void *(*own)(void);              /* of a variable that each thread has of its own, whose place this returns; else NULL */
};

/* One for each update, named pk_plan. */
struct pk_plan {
    const struct pk_shape *shapes;
    uint32_t shape_count;
    uint32_t root_count;
    const struct pk_root *roots;
    int (*before)(struct pk_migration *migration); /* hooks of the programmer's, or NULL */
    int (*after)(struct pk_migration *migration);
};

#endif
