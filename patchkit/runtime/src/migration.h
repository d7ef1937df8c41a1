/* migration.h: the state of one migration, shared by migrate.c, placing.c, discover.c, objects.c, order.c, journal.c and references.c.
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
/* The first of so many new rows, NULL where there is no memory. They are zeroed unless the vector was ever shortened. */
PK_STOPPED void *pk__push_rows(struct pk_vector *vector, size_t count);
PK_STOPPED static inline void *pk__push(struct pk_vector *vector) {
    return vector->count < vector->room ? vector->rows + vector->count++ * vector->size : pk__push_rows(vector, 1);
}
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
    uint32_t next; /* index + 1 of the row that begins in the same grain and behind it, see places.c */
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

enum { PK_GRAIN = 32, PK_LEAF = 64, PK_BLOCK = PK_GRAIN * PK_LEAF, PK_BLOCKS = 1024, PK_REGION = PK_BLOCK * PK_BLOCKS };

/* Memory around objects: its number is its place / PK_REGION. */
struct pk_region {
    uintptr_t number;
    size_t directory; /* index + 1, 0 is free */
};

/* A leaf has a mark for each grain of its block, which is as large as the least block of malloc. 0: no object begins there. A
 * single object, on the heap, of which shape and place are all that is to be known: 1 + its shape in 11 bits, where in the
 * grain it was in 5, where it is now in 48. Else PK_ROWS and the index of the first of the rows that begin there, by place. */
enum { PK_ROWS = 0x7ff, PK_SHAPE_BIT = 53, PK_PLACE_BIT = 48 };
PK_STOPPED static inline int pk__is_single(uint64_t mark) { return mark && mark >> PK_SHAPE_BIT != PK_ROWS; }
PK_STOPPED static inline uint64_t pk__single(uintptr_t old, uintptr_t now, uint32_t shape) {
    return (uint64_t)(shape + 1) << PK_SHAPE_BIT | (uint64_t)(old % PK_GRAIN) << PK_PLACE_BIT | now;
}
PK_STOPPED static inline int pk__fits_single(uintptr_t now, uint32_t shape) {
    return now >> PK_PLACE_BIT == 0 && shape + 1 < PK_ROWS;
}
PK_STOPPED static inline uint32_t pk__single_shape(uint64_t mark) { return (uint32_t)(mark >> PK_SHAPE_BIT) - 1; }
PK_STOPPED static inline uintptr_t pk__single_now(uint64_t mark) { return mark & (((uint64_t)1 << PK_PLACE_BIT) - 1); }
/* Where it was, if its mark is that of the grain around `place`. */
PK_STOPPED static inline uintptr_t pk__single_old(uint64_t mark, uintptr_t place) {
    return (place & ~(uintptr_t)(PK_GRAIN - 1)) + (mark >> PK_PLACE_BIT & (PK_GRAIN - 1));
}

PK_STOPPED static inline struct pk_object pk__single_object(uint64_t mark, uintptr_t place) {
    return (struct pk_object){pk__single_old(mark, place), pk__single_now(mark), pk__single_shape(mark), 1, 1, 0, 0};
}

struct pk_moving {
    struct pk_migration shared; /* comes first: what the update's code sees */
    const struct pk_plan *plan;
    int reverting;            /* back to the version before: its storage is still there, and is kept before it is written */
    struct pk_vector objects; /* rows of those that are not single: variables come first, sorted by place */
    size_t variables;
    uintptr_t variables_end; /* all of them lie before it */
    struct pk_vector found;   /* uint64_t: the marks of single objects as they were found, until they are followed */
    size_t followed;          /* of `found` */
    size_t unchanged;         /* single objects that do not change; counted where places are found */
    struct pk_vector again;   /* uint32_t: objects that turned out to be longer than was known */
    struct pk_vector noted;
    struct pk_vector changes; /* struct pk_change */
    size_t written;           /* of them were; `bytes` holds what is to be written of the others */
    struct pk_vector bytes;
    const uint8_t *kept, *kept_end; /* the stretch that pk__keep_word kept last */
    struct pk_vector opened;  /* struct pk_change: pages that nothing could be written to */
    uintptr_t looked_at;      /* a page that is writable */
    struct pk_vector rows;    /* int32_t: where elements of variables went, see first_row */
    uint32_t *first_row;      /* by root: index into `rows` + 1, 0: elements stay in order */
    struct pk_vector leaves;      /* uint64_t[PK_LEAF], see places.c */
    struct pk_vector directories; /* uint32_t[PK_BLOCKS]: index + 1 of a leaf, 0: none */
    struct pk_region *map;        /* open addressing by number */
    size_t map_size;
    struct pk_region *order; /* the regions by place, once all objects are found */
    uintptr_t *sorted;        /* old places of changed objects, in order */
    size_t changed;           /* how many there are */
    uintptr_t low, high; /* all of them lie between */
    uint64_t moved, forwarded;
    const char *what;    /* is being done, for the report of a crash */
    const struct pk_shape *followed_as; /* which objects are found from now: NULL once all are */
    const uint8_t *followed_at;
    uint8_t *scratch;    /* where one object at a time is converted */
    size_t scratch_size;
    size_t marked; /* bytes of the object that its marks stand around */
    const struct pk_error *result;
    const struct pk_error *failed; /* what the update's code or a forwarding ran into */
};

/* objects.c */
PK_STOPPED static inline struct pk_object *pk__object(const struct pk_moving *moving, size_t index) {
    return (struct pk_object *)moving->objects.rows + index;
}
PK_STOPPED const struct pk_error *pk__add_object(struct pk_moving *moving, uintptr_t place, int32_t shape, uint64_t count, uint32_t root);
PK_STOPPED const struct pk_object *pk__variable_near(const struct pk_moving *moving, uintptr_t place);
/* The variable of the migration that `place` is inside of, NULL where it is in none. */
PK_STOPPED static inline const struct pk_object *pk__variable_around(const struct pk_moving *moving, uintptr_t place) {
    return place < moving->variables_end ? pk__variable_near(moving, place) : NULL;
}
/* Bytes of an object with a tail, where it was, and in the new version; the tail's included once it was followed. */
PK_STOPPED uint64_t pk__old_size_with_tail(const struct pk_shape *shape, const struct pk_object *object);
PK_STOPPED uint64_t pk__new_size_with_tail(const struct pk_shape *shape, const struct pk_object *object);
PK_STOPPED static inline uint64_t pk__old_size(const struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    return shape->tail ? pk__old_size_with_tail(shape, object) : (uint64_t)shape->size * object->count;
}
PK_STOPPED static inline uint64_t pk__new_size(const struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    return shape->tail ? pk__new_size_with_tail(shape, object) : (uint64_t)shape->new_size * object->count;
}
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
/* What was found at just that place, copied; 0: nothing. */
PK_STOPPED int pk__find_object(const struct pk_moving *moving, uintptr_t place, struct pk_object *object);
PK_STOPPED static inline uint64_t *pk__leaf(const struct pk_moving *moving, size_t index) {
    return (uint64_t *)moving->leaves.rows + index * PK_LEAF;
}
PK_STOPPED static inline uint32_t *pk__directory(const struct pk_moving *moving, size_t index) {
    return (uint32_t *)moving->directories.rows + index * PK_BLOCKS;
}
/* The region of that number in the map, or the free slot where it belongs. */
PK_STOPPED static inline struct pk_region *pk__region(const struct pk_moving *moving, uintptr_t number) {
    size_t slot = number & (moving->map_size - 1); /* regions of a heap are neighbours */
    while (moving->map[slot].directory && moving->map[slot].number != number)
        slot = (slot + 1) & (moving->map_size - 1);
    return &moving->map[slot];
}
/* Whether the nearest object that was found so far and begins before `place` covers it. */
PK_STOPPED int pk__is_covered(const struct pk_moving *moving, uintptr_t place);
/* The mark of the grain around a place, NULL where its block has no leaf. */
PK_STOPPED static inline uint64_t *pk__mark_at(const struct pk_moving *moving, uintptr_t place) {
    const struct pk_region *region = pk__region(moving, place / PK_REGION);
    uint32_t leaf = region->directory ? pk__directory(moving, region->directory - 1)[place / PK_BLOCK % PK_BLOCKS] : 0;
    return leaf ? &pk__leaf(moving, leaf - 1)[place / PK_GRAIN % PK_LEAF] : NULL;
}
/* The same, with a leaf made for it; NULL: there is no memory. */
PK_STOPPED uint64_t *pk__make_mark(struct pk_moving *moving, uintptr_t place);
/* Room in the map for one more region; 0: there is no memory. */
PK_STOPPED int pk__grow_map(struct pk_moving *moving);
/* A row for an object that begins in the mark's grain, or, where `object` is NULL, for the single one that the mark is of.
 * NULL: there is no memory. */
PK_STOPPED struct pk_object *pk__add_row(struct pk_moving *moving, uint64_t *mark, uintptr_t place, const struct pk_object *object);
/* A pass over millions of objects waits for memory most of its time, unless what it needs next is asked for before. */
enum { PK_AHEAD = 8 };
PK_STOPPED static inline void pk__fetch(const void *place) {
    __builtin_prefetch(place);
    __asm__ volatile(""); /* gcc takes a function that only prefetches for one without effects, and drops calls of it */
}
/* Asks for the marks of what a single object's pointers lead to. */
PK_STOPPED void pk__expect_pointers(const struct pk_moving *moving, uintptr_t place, uint32_t shape);
/* The same in a row of pointers, for what those that come next lead to; `left` elements stand behind the holder. */
PK_STOPPED void pk__expect_elements(const struct pk_moving *moving, const struct pk_shape *shape, const uint8_t *holder, uint32_t left);

/* order.c */
PK_STOPPED const struct pk_error *pk__put_in_order(struct pk_moving *moving);
/* A pass over all objects by place, so that memory is read in its own order. Begins as {0}. */
struct pk_walk {
    struct pk_object object; /* where the pass is, a copy */
    uint64_t *mark;
    size_t row; /* of `objects`, unless the mark is of a single one */
    struct {
        uint64_t *mark;
        uintptr_t grain;
    } ahead[PK_AHEAD]; /* marks that come next, in a ring, where the pass expects them */
    size_t met;         /* went through the ring */
    size_t block;       /* the next, counted through all regions in order */
    size_t word;        /* the next of the leaf */
    uint64_t *leaf;
    uintptr_t start; /* of the leaf's block */
    int expects;     /* what pointers of objects ahead lead to is asked for, since the pass will look that up */
    int32_t in_row;  /* the shape of what stands in a row before `end` */
    uintptr_t end;   /* of what came before, by place */
    uint32_t link;   /* the next row of the same grain + 1, 0: none */
};
/* Moves on to the next object; 0 after the last one. */
PK_STOPPED int pk__next(const struct pk_moving *moving, struct pk_walk *walk);
/* Whether the object, of so many bytes, is a part of one before it, which then stands for it. Asked in one pass, of each. */
PK_STOPPED int pk__is_part(const struct pk_moving *moving, struct pk_walk *walk, uint64_t size);
PK_STOPPED void pk__leave_out(struct pk_moving *moving, struct pk_walk *walk);
/* Notes where the object is to be. */
PK_STOPPED const struct pk_error *pk__put_at(struct pk_moving *moving, struct pk_walk *walk, uintptr_t now);
/* The changed object that holds `place`, copied; 0 where none does. */
PK_STOPPED int pk__changed_around(struct pk_moving *moving, uintptr_t place, struct pk_object *object);

/* discover.c */
PK_STOPPED const struct pk_error *pk__discover(struct pk_moving *moving);
/* Whether the slot's pointer is there: what stands in its place may be something else. */
PK_STOPPED int pk__tests_hold(const struct pk_slot *slot, const uint8_t *holder);
PK_STOPPED static inline int pk__is_there(const struct pk_slot *slot, const uint8_t *holder) {
    return !(slot->when[0].width | slot->when[1].width) || pk__tests_hold(slot, holder);
}

/* journal.c: whatever is written in the program's memory is kept first. */
PK_STOPPED const struct pk_error *pk__keep(struct pk_moving *moving, void *place, size_t size);
/* Keeps the word at `place`, and some of what follows it before `end`, since in a row of pointers much of that is written too. */
PK_STOPPED const struct pk_error *pk__keep_some(struct pk_moving *moving, uint8_t *place, const uint8_t *end);
PK_STOPPED static inline const struct pk_error *pk__keep_word(struct pk_moving *moving, uint8_t *place, const uint8_t *end) {
    int is_kept = place >= moving->kept && place + sizeof(uint64_t) <= moving->kept_end;
    return is_kept ? NULL : pk__keep_some(moving, place, end);
}
/* Copies what is at `place` to the row `*kept` of `bytes`. What is made of it there comes to `place` by pk__exchange, to
 * which all of these lead before the next pk__keep. */
PK_STOPPED const struct pk_error *pk__set_aside(struct pk_moving *moving, void *place, size_t size, size_t *kept);
PK_STOPPED void pk__exchange(struct pk_moving *moving);
PK_STOPPED void pk__restore(struct pk_moving *moving);

/* references.c: words that nobody typed, and that look as if they led to what moved. */
PK_STOPPED const struct pk_error *pk__check_references(struct pk_moving *moving);

/* placing.c */
PK_STOPPED const struct pk_error *pk__find_places(struct pk_moving *moving);
/* Makes the pages writable that are not, until the update is over. */
PK_STOPPED const struct pk_error *pk__open_pages(struct pk_moving *moving, uintptr_t place, size_t size);
PK_STOPPED void pk__close_opened(struct pk_moving *moving);

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
