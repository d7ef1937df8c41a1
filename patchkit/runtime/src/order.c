/* order.c: the objects that a migration has found, sorted by place.
 *
 * A pass over millions of objects that follows their own order in memory waits for it far less than one that follows the
 * pointers between them. The order also tells what is a part of something else, and what a place is in the middle of.
 */
#include "migration.h"

enum { RADIX = 256 };

/* One pass of a radix sort by byte `byte` of the place; 0 where it is the same in all, and nothing was done. */
static int distribute(const struct pk_placed *from, struct pk_placed *to, size_t count, unsigned byte) {
    size_t starts[RADIX] = {0}, sum = 0;
    for (size_t i = 0; i < count; i++)
        starts[from[i].place >> (8 * byte) & 255]++;
    if (!count || starts[from[0].place >> (8 * byte) & 255] == count)
        return 0;
    for (unsigned digit = 0; digit < RADIX; digit++) {
        size_t own = starts[digit];
        starts[digit] = sum;
        sum += own;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[from[i].place >> (8 * byte) & 255]++] = from[i];
    return 1;
}

/* Sorts by place. `other` has as much room; returns which of the two it is then in. */
static struct pk_placed *sort_by_place(struct pk_placed *rows, struct pk_placed *other, size_t count) {
    for (unsigned byte = 0; byte < 6; byte++) /* user space has 47 bits */
        if (distribute(rows, other, count, byte)) {
            struct pk_placed *sorted = other;
            other = rows;
            rows = sorted;
        }
    return rows;
}

/* What the sorting works with. */
struct ordering {
    struct pk_moving *moving;
    struct pk_placed *leaves; /* by block */
    size_t leaf_count;
    struct pk_object *rows; /* in the new order */
    size_t next;
    uintptr_t end; /* of what came before, by place */
    int32_t row;   /* the shape of what stands in a row there */
};

/* The shape of what stands in a row in the object; PK_NO_SHAPE where nothing does. */
static int32_t in_a_row(const struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_tail *tail = moving->plan->shapes[object->shape].tail;
    return tail ? tail->shape : object->count > 1 ? (int32_t)object->shape : PK_NO_SHAPE;
}

/* Marks what is a part of something before it. */
static void mark_part(struct ordering *order, struct pk_object *object) {
    uintptr_t own = object->old + pk__old_size(order->moving, object);
    int is_behind = object->old == order->end && order->row == (int32_t)object->shape; /* a pointer one past the end led here */
    if ((own <= order->end || is_behind) && !object->root)
        object->root = PK_PART;
    else if (own > order->end) {
        order->end = own;
        order->row = in_a_row(order->moving, object);
    }
}

/* The objects of the block whose leaves begin at `at`, sorted by place; returns where the next block's begin. */
static size_t sort_block(const struct ordering *order, size_t at, struct pk_placed *some, size_t *count) {
    const struct pk_moving *moving = order->moving;
    uintptr_t block = order->leaves[at].place;
    *count = 0;
    for (; at < order->leaf_count && order->leaves[at].place == block; at++)
        for (size_t word = 0; word < PK_LEAF; word++) {
            uint32_t row = pk__leaf(moving, order->leaves[at].index)[word];
            if (!row)
                continue;
            struct pk_placed placed = {pk__object(moving, row - 1)->old, row - 1};
            size_t to = (*count)++;
            for (; to && some[to - 1].place > placed.place; to--) /* they are nearly sorted */
                some[to] = some[to - 1];
            some[to] = placed;
        }
    return at;
}

/* Asks for what the block whose leaves begin at `at` will take. */
static void expect_block(const struct ordering *order, size_t at) {
    if (at >= order->leaf_count)
        return;
    const uint32_t *leaf = pk__leaf(order->moving, order->leaves[at].index);
    for (size_t word = 0; word < PK_LEAF; word++)
        if (leaf[word])
            pk__fetch(pk__object(order->moving, leaf[word] - 1));
}

/* Rows in the order of places, variables still first. `some` has room for what is in one block. */
static void reorder(struct ordering *order, struct pk_placed *some) {
    struct pk_moving *moving = order->moving;
    size_t count;
    for (size_t at = 0, next; at < order->leaf_count; at = next) {
        next = sort_block(order, at, some, &count);
        expect_block(order, next);
        for (size_t i = 0; i < count; i++) {
            struct pk_object object = *pk__object(moving, some[i].index);
            if (moving->plan->nested)
                mark_part(order, &object);
            if (some[i].index >= moving->variables)
                some[i].index = order->next++;
            order->rows[some[i].index] = object;
        }
        pk__refill(moving, &order->leaves[at], next - at, some, count);
    }
}

/* The leaves by the block that they belong to, in one of two rows of memory. */
static struct pk_placed *sort_leaves(const struct pk_moving *moving, struct pk_placed *rows, struct pk_placed *other) {
    size_t count = 0;
    for (size_t i = 0; i < moving->map_size; i++)
        if (moving->map[i].leaf)
            rows[count++] = (struct pk_placed){moving->map[i].number, moving->map[i].leaf - 1};
    return sort_by_place(rows, other, count);
}

const struct pk_error *pk__put_in_order(struct pk_moving *moving) {
    size_t room = moving->objects.room * moving->objects.size, leaves = moving->leaves.count, bytes = leaves * sizeof(struct pk_placed);
    if (!moving->objects.count)
        return NULL;
    struct pk_placed *one = pk__map(bytes), *other = pk__map(bytes), *some = pk__map(PK_BLOCK * sizeof *some);
    struct ordering order = {moving, NULL, leaves, pk__map(room), moving->variables, 0, PK_NO_SHAPE};
    int is_done = one && other && some && order.rows;
    if (is_done) {
        order.leaves = sort_leaves(moving, one, other);
        reorder(&order, some);
        pk__unmap(moving->objects.rows, room);
        moving->objects.rows = (uint8_t *)order.rows;
    } else
        pk__unmap(order.rows, room);
    pk__unmap(one, bytes);
    pk__unmap(other, bytes);
    pk__unmap(some, PK_BLOCK * sizeof *some);
    return is_done ? NULL : pk__no_room();
}

/* Made when the first pointer into the middle of something is met: most programs have few, some none. */
static int sort_changed(struct pk_moving *moving) {
    size_t variable = 0, other = moving->variables, count = 0;
    moving->sorted = pk__map(moving->changed * sizeof *moving->sorted);
    while (moving->sorted && (variable < moving->variables || other < moving->objects.count)) {
        int is_variable = other == moving->objects.count ||
                          (variable < moving->variables && pk__object(moving, variable)->old < pk__object(moving, other)->old);
        size_t index = is_variable ? variable++ : other++;
        if (pk__is_changed(moving, pk__object(moving, index)))
            moving->sorted[count++] = (uint32_t)index;
    }
    return moving->sorted != NULL;
}

const struct pk_object *pk__changed_around(struct pk_moving *moving, uintptr_t place) {
    if (!moving->sorted && !sort_changed(moving)) {
        moving->failed = pk__no_room();
        return NULL;
    }
    const uint32_t *rows = moving->sorted;
    size_t low = 0, high = moving->changed;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (pk__object(moving, rows[middle])->old <= place)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    const struct pk_object *object = pk__object(moving, rows[low - 1]);
    uint64_t size = pk__old_size(moving, object);
    int is_array = object->count > 1 || moving->plan->shapes[object->shape].tail;
    /* One past the end of an array belongs to it, unless something else begins there. */
    return place - object->old < size || (is_array && place - object->old == size) ? object : NULL;
}
