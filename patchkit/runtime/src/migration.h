/* migration.h: the state of one migration, shared by migrate.c, discover.c, objects.c, journal.c and references.c.
 *
 * Everything runs in the worker while all other threads are parked. The program's allocator is called for objects that
 * move, as the thread whose thread pointer the worker has taken on; nothing else of the program is.
 */
#ifndef PK_MIGRATION_H
#define PK_MIGRATION_H

#include "../include/patchkit_migration.h"
#include "runtime.h"

/* Rows of `size` bytes that grow by moving pages, so that a row's address does not last. */
struct pk_vector {
    uint8_t *rows;
    size_t count;
    size_t size;
    size_t room; /* in rows */
};
/* A new zeroed row, NULL where there is no memory. */
PK_STOPPED void *pk__push(struct pk_vector *vector);
PK_STOPPED void pk__empty(struct pk_vector *vector);

#define PK_PART UINT32_MAX

/* An object that was found: `count` of a shape in a row. */
struct pk_object {
    uintptr_t old;
    uintptr_t now; /* the same as `old` until it has a new place */
    uint32_t shape;
    uint32_t count;
    uint32_t seen; /* of them were followed; with a tail: 0, or 1 + the elements of that */
    uint32_t root; /* index + 1 of the variable that it is, 0: on the heap, PK_PART: a part of another object */
};

/* What is kept is aligned as the most demanding C type. */
enum { PK_KEPT = 16 };

/* What a stretch of memory held before it was written. */
struct pk_change {
    uint8_t *place;
    size_t size;
    size_t kept; /* the row of `bytes` where its bytes begin */
};

/* An object that the update's code made or has no use for any more, and what frees it. */
struct pk_noted {
    void *object;
    void (*release)(void *object);
    int made;
};

struct pk_moving {
    struct pk_migration shared; /* comes first: what the update's code sees */
    const struct pk_plan *plan;
    struct pk_vector objects; /* variables come first, sorted by place */
    size_t variables;
    struct pk_vector again;   /* uint32_t: objects that turned out to be longer than was known */
    struct pk_vector noted;
    struct pk_vector changes;
    struct pk_vector bytes;
    struct pk_vector rows;    /* int32_t: where elements of variables went, see first_row */
    uint32_t *first_row;      /* by root: index into `rows` + 1, 0: elements stay in order */
    uint32_t *map;            /* open addressing over objects by old place: index + 1, 0 is free */
    size_t map_size;
    size_t map_bytes;
    uint32_t *sorted;    /* changed objects by old place */
    size_t changed;      /* how many there are */
    uintptr_t low, high; /* all of them lie between */
    uint64_t moved, forwarded;
    const char *what;    /* is being done, for the report of a crash */
    uint8_t *scratch;    /* where one object at a time is converted */
    size_t scratch_size;
    const struct pk_error *result;
    const struct pk_error *failed; /* what the update's code or a forwarding ran into */
};

/* objects.c */
PK_STOPPED struct pk_object *pk__object(const struct pk_moving *moving, size_t index);
PK_STOPPED const struct pk_error *pk__add_object(struct pk_moving *moving, uintptr_t place, int32_t shape, uint64_t count, uint32_t root);
PK_STOPPED struct pk_object *pk__object_at(const struct pk_moving *moving, uintptr_t place);
/* The variable of the migration that `place` is inside of, NULL where it is in none. */
PK_STOPPED const struct pk_object *pk__variable_around(const struct pk_moving *moving, uintptr_t place);
/* Marks what is a part of another object. */
PK_STOPPED const struct pk_error *pk__drop_parts(struct pk_moving *moving);
/* Bytes of the object where it was, and in the new version; its tail's included once it was followed. */
PK_STOPPED uint64_t pk__old_size(const struct pk_moving *moving, const struct pk_object *object);
PK_STOPPED uint64_t pk__new_size(const struct pk_moving *moving, const struct pk_object *object);
PK_STOPPED int pk__is_changed(const struct pk_moving *moving, const struct pk_object *object);
/* The changed object that holds `place`, NULL where none does. */
PK_STOPPED const struct pk_object *pk__changed_around(struct pk_moving *moving, uintptr_t place);
/* Where `place` is now; `*known` tells whether it is in a changed object. 0: what was there is gone. `type` is that of what
 * a pointer leads to, as in pk_forward_as; NULL: the object as a whole. */
PK_STOPPED uintptr_t pk__new_place(struct pk_moving *moving, uintptr_t place, const char *type, int *known);

/* Whether the place lies in a variable that moves, and is as far behind its start in the new version. */
PK_STOPPED int pk__keeps_offset(const struct pk_image *image, uintptr_t place);

/* discover.c */
PK_STOPPED const struct pk_error *pk__discover(struct pk_moving *moving);
/* Whether the slot's pointer is there: what stands in its place may be something else. */
PK_STOPPED int pk__is_there(const struct pk_slot *slot, const uint8_t *holder);

/* journal.c: whatever is written in the program's memory is kept first. */
PK_STOPPED const struct pk_error *pk__keep(struct pk_moving *moving, void *place, size_t size, size_t *kept);
PK_STOPPED void pk__restore(struct pk_moving *moving);

/* references.c: words that nobody typed, and that look as if they led to what moved. */
PK_STOPPED const struct pk_error *pk__check_references(struct pk_moving *moving);

/* migrate.c */
PK_STOPPED const struct pk_error *pk__migrate(struct pk_image *image);
/* The programmer's code for when all is converted and switched. What it writes is not kept. */
int pk__has_hook(const struct pk_image *image);
PK_STOPPED const struct pk_error *pk__run_hook(struct pk_image *image);
PK_STOPPED void pk__unmigrate(struct pk_image *image);
/* The old objects that moved are given back; only while all threads stand still outside the allocator. */
PK_STOPPED void pk__forget_old(struct pk_image *image);
void pk__free_migration(struct pk_image *image);

#endif
