/* migration.h: the state of one migration, shared by migrate.c, discover.c, objects.c, order.c, journal.c and references.c.
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
/* The first of so many. */
PK_STOPPED void *pk__push_rows(struct pk_vector *vector, size_t count);
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

enum { PK_KEPT = 8 };

/* A stretch of memory that is written. */
struct pk_change {
    uint8_t *place;
    size_t size;
};

/* An object that the update's code made or has no use for any more, and what frees it. */
struct pk_noted {
    void *object;
    void (*release)(void *object);
    int made;
};

enum { PK_BLOCK = 4096, PK_LEAF = 256 };

/* A block of memory where objects were: its number is its place / PK_BLOCK. */
struct pk_block {
    uintptr_t number;
    uint32_t leaf; /* index + 1, 0 is free */
    uint32_t used; /* words of the leaf, until the objects are put in order */
};

/* A place and what is there, as they are sorted. */
struct pk_placed {
    uintptr_t place;
    size_t index;
};

struct pk_moving {
    struct pk_migration shared; /* comes first: what the update's code sees */
    const struct pk_plan *plan;
    int reverting;            /* back to the version before: its storage is still there, and is kept before it is written */
    struct pk_vector objects; /* variables come first, sorted by place */
    size_t variables;
    struct pk_vector again;   /* uint32_t: objects that turned out to be longer than was known */
    struct pk_vector noted;
    struct pk_vector changes; /* struct pk_change */
    size_t written;           /* of them were; `bytes` holds what is to be written of the others */
    struct pk_vector bytes;
    struct pk_vector rows;    /* int32_t: where elements of variables went, see first_row */
    uint32_t *first_row;      /* by root: index into `rows` + 1, 0: elements stay in order */
    struct pk_vector leaves;  /* uint32_t[PK_LEAF]: index + 1 of the object at a place, 0 is free, see places.c */
    struct pk_block *map;     /* open addressing by number */
    size_t map_size;
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
PK_STOPPED static inline struct pk_object *pk__object(const struct pk_moving *moving, size_t index) {
    return (struct pk_object *)moving->objects.rows + index;
}
PK_STOPPED const struct pk_error *pk__add_object(struct pk_moving *moving, uintptr_t place, int32_t shape, uint64_t count, uint32_t root);
/* The variable of the migration that `place` is inside of, NULL where it is in none. */
PK_STOPPED const struct pk_object *pk__variable_around(const struct pk_moving *moving, uintptr_t place);
/* Bytes of the object where it was, and in the new version; its tail's included once it was followed. */
PK_STOPPED uint64_t pk__old_size(const struct pk_moving *moving, const struct pk_object *object);
PK_STOPPED uint64_t pk__new_size(const struct pk_moving *moving, const struct pk_object *object);
PK_STOPPED static inline int pk__is_changed(const struct pk_moving *moving, const struct pk_object *object) {
    if (object->root == PK_PART)
        return 0;
    return moving->plan->shapes[object->shape].convert || (object->root && moving->plan->roots[object->root - 1].moved);
}
PK_STOPPED const struct pk_error *pk__no_room(void);
/* Where `place` is now; `*known` tells whether it is in a changed object. 0: what was there is gone. `type` is that of what
 * a pointer leads to, as in pk_forward_as; NULL: the object as a whole. */
PK_STOPPED uintptr_t pk__new_place(struct pk_moving *moving, uintptr_t place, const char *type, int *known);

/* Whether the place lies in a variable that moves, and is as far behind its start in the new version. */
PK_STOPPED int pk__keeps_offset(const struct pk_image *image, uintptr_t place, int reverting);

/* places.c */
PK_STOPPED struct pk_object *pk__object_at(const struct pk_moving *moving, uintptr_t place);
/* Notes that the object of that index is at `place`; 0: there is no memory. */
PK_STOPPED int pk__enter(struct pk_moving *moving, uintptr_t place, uint32_t index);
PK_STOPPED uint32_t *pk__leaf(const struct pk_moving *moving, size_t index);
/* The leaves of a block hold these from now on, which are all that it has. */
PK_STOPPED void pk__refill(struct pk_moving *moving, const struct pk_placed *leaves, size_t leaf_count, const struct pk_placed *rows, size_t count);
/* A pass over millions of objects waits for memory most of its time, unless what it needs next is asked for before: that
 * of a later row, the word of a leaf where a place is looked for, and the row that this word leads to. */
enum { PK_AHEAD = 8 };
PK_STOPPED void pk__fetch(const void *place);
PK_STOPPED void pk__expect_object(const struct pk_moving *moving, size_t index);
PK_STOPPED void pk__expect_word(const struct pk_moving *moving, uintptr_t place);
PK_STOPPED void pk__expect_row(const struct pk_moving *moving, uintptr_t place);
/* The same for the object at `index`, of which the pass has come to no more than the first, and for what it points at: where
 * that is looked for, and the row that will be found there where one is expected. */
PK_STOPPED void pk__expect_objects(const struct pk_moving *moving, size_t index, int row);
/* The same in a row of pointers, for what those that come next lead to; `left` elements stand behind the holder. */
PK_STOPPED void pk__expect_elements(const struct pk_moving *moving, const struct pk_shape *shape, const uint8_t *holder, uint32_t left, int row);

/* order.c */
/* Sorts the objects by place, so that later passes go through memory in its own order, and marks what is a part of another. */
PK_STOPPED const struct pk_error *pk__put_in_order(struct pk_moving *moving);
/* The changed object that holds `place`, NULL where none does. */
PK_STOPPED const struct pk_object *pk__changed_around(struct pk_moving *moving, uintptr_t place);

/* discover.c */
PK_STOPPED const struct pk_error *pk__discover(struct pk_moving *moving);
/* Whether the slot's pointer is there: what stands in its place may be something else. */
PK_STOPPED int pk__tests_hold(const struct pk_slot *slot, const uint8_t *holder);
PK_STOPPED static inline int pk__is_there(const struct pk_slot *slot, const uint8_t *holder) {
    return !(slot->when[0].width | slot->when[1].width) || pk__tests_hold(slot, holder);
}

/* journal.c: whatever is written in the program's memory is kept first. */
PK_STOPPED const struct pk_error *pk__keep(struct pk_moving *moving, void *place, size_t size);
/* Copies what is at `place` to the row `*kept` of `bytes`. What is made of it there comes to `place` by pk__exchange, to
 * which all of these lead before the next pk__keep. */
PK_STOPPED const struct pk_error *pk__set_aside(struct pk_moving *moving, void *place, size_t size, size_t *kept);
PK_STOPPED void pk__exchange(struct pk_moving *moving);
PK_STOPPED void pk__restore(struct pk_moving *moving);

/* references.c: words that nobody typed, and that look as if they led to what moved. */
PK_STOPPED const struct pk_error *pk__check_references(struct pk_moving *moving);

/* migrate.c */
/* The tables that take state to the image's version, or back from it; NULL where there are none. */
PK_STOPPED const struct pk_plan *pk__plan_of(const struct pk_image *image, int reverting);
PK_STOPPED const struct pk_error *pk__migrate(struct pk_image *image, int reverting);
/* The programmer's code for when all is converted and switched. What it writes is not kept. */
int pk__has_hook(const struct pk_image *image);
PK_STOPPED const struct pk_error *pk__run_hook(struct pk_image *image);
PK_STOPPED void pk__unmigrate(struct pk_image *image);
/* The objects that moved are given back where they were; only while all threads stand still outside the allocator. */
PK_STOPPED void pk__forget_old(struct pk_image *image);
void pk__free_migration(struct pk_image *image);

#endif
