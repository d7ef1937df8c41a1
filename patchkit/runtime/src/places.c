/* places.c: which object was at a place.
 *
 * Memory is looked at in regions of blocks. An open-addressing map leads to the directory of a region, and that to the leaf of
 * each block where an object begins, which has one mark for every place where an allocator would put one. So objects that are
 * near each other are found near each other, which a map of single objects would not give, and the leaves in order are the
 * objects in order. Most objects are nothing but their mark, which also says where they are now; the others have rows.
 */
#include "migration.h"

enum { FIRST = 64, FEW = 4 };

/* Room for one more region; the map is at most half full. */
int pk__grow_map(struct pk_moving *moving) {
    size_t before = moving->map_size, size = before ? 2 * before : FIRST;
    if (2 * (moving->directories.count + 1) <= before)
        return 1;
    struct pk_region *old = moving->map, *map = pk__map(size * sizeof *map);
    if (!map)
        return 0;
    moving->map = map;
    moving->map_size = size;
    for (size_t i = 0; i < before; i++)
        if (old[i].directory)
            *pk__region(moving, old[i].number) = old[i];
    pk__unmap(old, before * sizeof *old);
    return 1;
}

uint64_t *pk__make_mark(struct pk_moving *moving, uintptr_t place) {
    struct pk_region *region = pk__region(moving, place / PK_REGION);
    if (!region->directory) {
        if (!pk__push(&moving->directories))
            return NULL;
        *region = (struct pk_region){place / PK_REGION, moving->directories.count};
        if (!pk__grow_map(moving))
            return NULL;
        region = pk__region(moving, place / PK_REGION);
    }
    if (moving->leaves.count >= UINT32_MAX || !pk__push(&moving->leaves))
        return NULL;
    pk__directory(moving, region->directory - 1)[place / PK_BLOCK % PK_BLOCKS] = (uint32_t)moving->leaves.count;
    return pk__mark_at(moving, place);
}

static uint64_t mark_of_row(size_t row) { return (uint64_t)PK_ROWS << PK_SHAPE_BIT | row; }

/* Behind those rows of the mark that begin before it. */
static void link_row(struct pk_moving *moving, uint64_t *mark, size_t row) {
    struct pk_object *object = pk__object(moving, row), *before = NULL;
    uint32_t next = *mark ? (uint32_t)*mark + 1 : 0;
    for (; next && pk__object(moving, next - 1)->old < object->old; next = before->next)
        before = pk__object(moving, next - 1);
    object->next = next;
    if (before)
        before->next = (uint32_t)row + 1;
    else
        *mark = mark_of_row(row);
}

struct pk_object *pk__add_row(struct pk_moving *moving, uint64_t *mark, uintptr_t place, const struct pk_object *object) {
    if (object && pk__is_single(*mark) && !pk__add_row(moving, mark, place, NULL))
        return NULL;
    struct pk_object *row = pk__push(&moving->objects);
    if (!row)
        return NULL;
    if (object)
        *row = *object;
    else { /* it was followed, or will be, as what it is */
        *row = pk__single_object(*mark, place);
        *mark = 0;
    }
    link_row(moving, mark, moving->objects.count - 1);
    return row;
}

int pk__find_object(const struct pk_moving *moving, uintptr_t place, struct pk_object *object) {
    const uint64_t *mark = pk__mark_at(moving, place);
    if (!mark || !*mark)
        return 0;
    if (pk__is_single(*mark)) {
        *object = pk__single_object(*mark, place);
        return object->old == place;
    }
    for (uint32_t next = (uint32_t)*mark + 1; next; next = pk__object(moving, next - 1)->next)
        if (pk__object(moving, next - 1)->old == place) {
            *object = *pk__object(moving, next - 1);
            return 1;
        }
    return 0;
}

/* Whether one of the objects of a mark covers a place behind its start. */
static int covers(const struct pk_moving *moving, uint64_t mark, uintptr_t grain, uintptr_t place) {
    struct pk_object single = pk__single_object(mark, grain);
    if (pk__is_single(mark))
        return single.old < place && place - single.old < pk__old_size(moving, &single);
    for (uint32_t next = (uint32_t)mark + 1; next; next = pk__object(moving, next - 1)->next) {
        const struct pk_object *object = pk__object(moving, next - 1);
        if (object->old < place && place - object->old < pk__old_size(moving, object))
            return 1;
    }
    return 0;
}

int pk__is_covered(const struct pk_moving *moving, uintptr_t place) {
    enum { FAR = 32 * PK_BLOCK }; /* nobody has the head of a list further behind in an object */
    uintptr_t grain = place & ~(uintptr_t)(PK_GRAIN - 1), first = grain > FAR ? grain - FAR : 0;
    while (grain > first) {
        const uint64_t *mark = pk__mark_at(moving, grain);
        if (mark && *mark)
            return covers(moving, *mark, grain, place);
        grain = mark ? grain - PK_GRAIN : (grain & ~(uintptr_t)(PK_BLOCK - 1)) - PK_GRAIN;
    }
    return 0;
}

static void expect_mark(const struct pk_moving *moving, uintptr_t place) {
    const uint64_t *mark = pk__mark_at(moving, place);
    if (mark)
        pk__fetch(mark);
}

void pk__expect_pointers(const struct pk_moving *moving, uintptr_t place, uint32_t shape) {
    const struct pk_shape *kind = &moving->plan->shapes[shape];
    for (uint32_t i = 0; i < kind->slot_count && i < FEW; i++) {
        uintptr_t word = pk__word((const uint8_t *)place + kind->slots[i].offset);
        if (word)
            expect_mark(moving, word - (uintptr_t)(intptr_t)kind->slots[i].back);
    }
}

void pk__expect_elements(const struct pk_moving *moving, const struct pk_shape *shape, const uint8_t *holder, uint32_t left) {
    if (shape->slot_count != 1 || left < PK_AHEAD)
        return;
    uintptr_t word = pk__word(holder + shape->slots[0].offset + (size_t)PK_AHEAD * shape->size);
    if (word)
        expect_mark(moving, word - (uintptr_t)(intptr_t)shape->slots[0].back);
}
