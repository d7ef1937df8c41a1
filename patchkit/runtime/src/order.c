/* order.c: the objects that a migration has found, by place.
 *
 * A pass over millions of objects that follows their own order in memory waits for it far less than one that follows the
 * pointers between them. The order also tells what is a part of something else, and what a place is in the middle of.
 */
#include "migration.h"

static int by_number(const void *one, const void *other) {
    uintptr_t a = ((const struct pk_region *)one)->number, b = ((const struct pk_region *)other)->number;
    return a < b ? -1 : a > b;
}

const struct pk_error *pk__put_in_order(struct pk_moving *moving) {
    size_t count = 0;
    moving->order = pk__map((moving->directories.count + 1) * sizeof *moving->order);
    if (!moving->order)
        return pk__no_room();
    for (size_t i = 0; i < moving->map_size; i++)
        if (moving->map[i].directory)
            moving->order[count++] = moving->map[i];
    pk__sort(moving->order, count, sizeof *moving->order, by_number);
    return NULL;
}

static int next_leaf(const struct pk_moving *moving, struct pk_walk *walk) {
    while (walk->block < moving->directories.count * PK_BLOCKS) {
        const struct pk_region *region = &moving->order[walk->block / PK_BLOCKS];
        size_t block = walk->block++ % PK_BLOCKS;
        uint32_t leaf = pk__directory(moving, region->directory - 1)[block];
        if (!leaf)
            continue;
        walk->leaf = pk__leaf(moving, leaf - 1);
        walk->start = region->number * PK_REGION + block * PK_BLOCK;
        return 1;
    }
    walk->leaf = NULL;
    return 0;
}

/* The mark that comes after all that were met, and the grain that it is of; NULL where none does. */
static uint64_t *meet(const struct pk_moving *moving, struct pk_walk *walk, uintptr_t *grain) {
    size_t word = walk->leaf ? walk->word : PK_LEAF;
    for (;;) {
        while (word < PK_LEAF && !walk->leaf[word])
            word++;
        if (word < PK_LEAF)
            break;
        if (!next_leaf(moving, walk))
            return NULL;
        word = 0;
    }
    walk->word = word + 1;
    *grain = walk->start + word * PK_GRAIN;
    return &walk->leaf[word];
}

/* The same, with what the pointers of the next PK_AHEAD objects lead to asked for. */
static uint64_t *meet_expecting(const struct pk_moving *moving, struct pk_walk *walk, uintptr_t *grain) {
    uint64_t *mark = NULL;
    do {
        unsigned at = walk->met++ % PK_AHEAD;
        mark = walk->ahead[at].mark;
        *grain = walk->ahead[at].grain;
        walk->ahead[at].mark = meet(moving, walk, &walk->ahead[at].grain);
        const uint64_t *far = walk->ahead[at].mark;
        if (far && pk__is_single(*far))
            pk__expect_pointers(moving, pk__single_old(*far, walk->ahead[at].grain), pk__single_shape(*far));
    } while (walk->met <= PK_AHEAD); /* at first the ring is filled */
    return mark;
}

static int take_row(const struct pk_moving *moving, struct pk_walk *walk, size_t row) {
    walk->row = row;
    walk->object = *pk__object(moving, row);
    walk->link = walk->object.next;
    return 1;
}

int pk__next(const struct pk_moving *moving, struct pk_walk *walk) {
    uintptr_t grain;
    if (walk->link)
        return take_row(moving, walk, walk->link - 1);
    walk->mark = walk->expects ? meet_expecting(moving, walk, &grain) : meet(moving, walk, &grain);
    if (!walk->mark)
        return 0;
    uint64_t mark = *walk->mark;
    if (!pk__is_single(mark))
        return take_row(moving, walk, (uint32_t)mark);
    walk->object = pk__single_object(mark, grain);
    return 1;
}

/* The shape of what stands in a row in the object; PK_NO_SHAPE where nothing does. */
static int32_t in_a_row(const struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_tail *tail = moving->plan->shapes[object->shape].tail;
    return tail ? tail->shape : object->count > 1 ? (int32_t)object->shape : PK_NO_SHAPE;
}

int pk__is_part(const struct pk_moving *moving, struct pk_walk *walk, uint64_t size) {
    const struct pk_object *object = &walk->object;
    uintptr_t own = object->old + size;
    int is_behind = object->old == walk->end && walk->in_row == (int32_t)object->shape; /* a pointer one past the end led here */
    if ((own <= walk->end || is_behind) && !object->root)
        return 1;
    if (own > walk->end) {
        walk->end = own;
        walk->in_row = in_a_row(moving, object);
    }
    return 0;
}

void pk__leave_out(struct pk_moving *moving, struct pk_walk *walk) {
    if (pk__is_single(*walk->mark))
        *walk->mark = 0;
    else
        pk__object(moving, walk->row)->root = PK_PART;
}

const struct pk_error *pk__put_at(struct pk_moving *moving, struct pk_walk *walk, uintptr_t now) {
    walk->object.now = now;
    if (!pk__is_single(*walk->mark))
        pk__object(moving, walk->row)->now = now;
    else if (pk__fits_single(now, walk->object.shape))
        *walk->mark = pk__single(walk->object.old, now, walk->object.shape);
    else {
        struct pk_object *row = pk__add_row(moving, walk->mark, walk->object.old, NULL);
        if (!row)
            return pk__no_room();
        row->now = now;
    }
    return NULL;
}

/* Made when the first pointer into the middle of something is met: most programs have few, some none. */
static int sort_changed(struct pk_moving *moving) {
    struct pk_walk walk = {0};
    size_t count = 0;
    moving->sorted = pk__map(moving->changed * sizeof *moving->sorted);
    while (moving->sorted && pk__next(moving, &walk))
        if (pk__is_changed(moving, &walk.object))
            moving->sorted[count++] = walk.object.old;
    return moving->sorted != NULL;
}

int pk__changed_around(struct pk_moving *moving, uintptr_t place, struct pk_object *object) {
    if (!moving->sorted && !sort_changed(moving)) {
        moving->failed = pk__no_room();
        return 0;
    }
    size_t low = 0, high = moving->changed;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (moving->sorted[middle] <= place)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || !pk__find_object(moving, moving->sorted[low - 1], object))
        return 0;
    uint64_t size = pk__old_size(moving, object);
    int is_array = object->count > 1 || moving->plan->shapes[object->shape].tail;
    /* One past the end of an array belongs to it, unless something else begins there. */
    return place - object->old < size || (is_array && place - object->old == size);
}
