/* discover.c: finds the objects that a migration has to see, from the variables through every pointer that may lead to one.
 *
 * Nothing of the program is written. The list of what was found is the worklist, so that a long chain takes no stack.
 */
#include "migration.h"

static uint64_t integer(const uint8_t *place, uint32_t size) {
    uint64_t value = 0;
    pk__copy(&value, place, size);
    return value;
}

/* How many objects of the slot's shape stand at `place`. */
static uint64_t extent(const struct pk_plan *plan, const struct pk_slot *slot, const uint8_t *holder, uintptr_t place) {
    const struct pk_shape *shape = &plan->shapes[slot->shape];
    switch (slot->extent) {
    case PK_COUNTED: return integer(holder + slot->count_offset, slot->count_size);
    case PK_ALLOCATION: return shape->room ? shape->room((void *)place) / shape->size : 1;
    default: return 1;
    }
}

static int holds(const struct pk_test *test, const uint8_t *holder) {
    uint32_t bit = test->bit & 7;
    const uint8_t *place = holder + test->bit / 8;
    if (!test->width)
        return 1;
    if (test->width == 64)
        return integer(place, 8) == (test->address ? (uintptr_t)test->address : test->value);
    uint64_t word = integer(place, (bit + test->width + 7) / 8) >> bit;
    return (word & (((uint64_t)1 << test->width) - 1)) == test->value;
}

int pk__tests_hold(const struct pk_slot *slot, const uint8_t *holder) {
    return holds(&slot->when[0], holder) && holds(&slot->when[1], holder);
}

/* What an untyped pointer leads to has to be a block of just the size that the decided type takes. */
static const struct pk_error *check_block(const struct pk_moving *moving, const struct pk_slot *slot, uintptr_t place) {
    enum { SLACK = 40 }; /* bytes that the C library's allocator adds at most */
    const struct pk_shape *shape = &moving->plan->shapes[slot->shape];
    struct pk_object known;
    if (!shape->room || pk__variable_around(moving, place) || pk__find_object(moving, place, &known))
        return NULL;
    size_t room = place % 16 == 0 && place >= PK_PAGE ? shape->room((void *)place) : 0, size = shape->size;
    if (shape->tail && room >= size && shape->tail->from + shape->tail->count((const void *)place) * shape->tail->step > size)
        size = shape->tail->from + shape->tail->count((const void *)place) * shape->tail->step;
    if (room >= size && room <= size + SLACK)
        return NULL;
    return pk__fail("PKL121", "%s leads to %x, where no %s is: its block has %d bytes", slot->name, (uint64_t)place, shape->name,
                    (int64_t)room);
}

/* Whether a link is the head of the list, in a variable or an object that holds the list, and in none like those that it links. */
static int is_head(const struct pk_moving *moving, uintptr_t link, uintptr_t node) {
    struct pk_object known;
    return pk__variable_around(moving, link) || (!pk__find_object(moving, node, &known) && pk__is_covered(moving, link));
}

__attribute__((noinline)) static const struct pk_error *follow_word(struct pk_moving *moving, const struct pk_slot *slot, const uint8_t *holder) {
    if (!pk__is_there(slot, holder))
        return NULL;
    uintptr_t word = pk__word(holder + slot->offset), place = word - (uintptr_t)(intptr_t)slot->back;
    if (slot->back && is_head(moving, word, place))
        return NULL;
    const struct pk_error *error = slot->flags & PK_UNTYPED ? check_block(moving, slot, place) : NULL;
    return error ? error : pk__add_object(moving, place, slot->shape, slot->extent ? extent(moving->plan, slot, holder, place) : 1, 0);
}

/* Most pointers of most objects are NULL, or there are few. */
static inline const struct pk_error *follow_slots(struct pk_moving *moving, const struct pk_shape *shape, const uint8_t *holder) {
    const struct pk_error *error = NULL;
    moving->followed_as = shape;
    moving->followed_at = holder;
    for (uint32_t k = 0; k < shape->slot_count; k++) {
        const struct pk_slot *slot = &shape->slots[k];
        for (uint32_t i = 0; slot->shape != PK_NO_SHAPE && i < slot->repeat && !error; i++)
            if (pk__word(holder + (size_t)i * slot->stride + slot->offset))
                error = follow_word(moving, slot, holder + (size_t)i * slot->stride);
    }
    return error;
}

/* The elements at the end of an object are objects in a row, until the whole is found to change with them. */
static const struct pk_error *follow_tail(struct pk_moving *moving, struct pk_object *object) {
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    const struct pk_tail *tail = shape->tail;
    size_t count = tail->count((const void *)object->old);
    if (count > (UINT32_MAX - 1) / (tail->step + 1))
        return pk__fail("PKL121", "%s at %x: %d elements at its end are more than can be true", shape->name,
                        (uint64_t)object->old, (int64_t)count);
    if (object->root && (tail->shape != PK_NO_SHAPE || pk__is_changed(moving, object)))
        return pk__fail("PKL121", "%s is a variable with a flexible array, which can only be followed on the heap", shape->name);
    object->seen = (uint32_t)count + 1;
    if (object->root && object->old + pk__old_size(moving, object) > moving->variables_end)
        moving->variables_end = object->old + pk__old_size(moving, object);
    if (tail->shape == PK_NO_SHAPE)
        return NULL;
    return pk__add_object(moving, object->old + tail->from, tail->shape, count, 0);
}

enum { MANY = 4096 };

/* The list is short where it can be: what was followed is forgotten once it is most of it. */
static void forget_followed(struct pk_moving *moving) {
    size_t left = moving->found.count - moving->followed;
    if (moving->followed < left)
        return;
    pk__copy(moving->found.rows, moving->found.rows + moving->followed * sizeof(uint64_t), left * sizeof(uint64_t));
    moving->found.count = left;
    moving->followed = 0;
}

/* Follows single objects until only `left` are not followed yet; as long as there are more, they are asked for before. */
static const struct pk_error *follow_singles(struct pk_moving *moving, size_t left) {
    const struct pk_error *error = NULL;
    while (!error && moving->found.count - moving->followed > left) {
        const uint64_t *found = (const uint64_t *)moving->found.rows + moving->followed++;
        uint64_t mark = *found;
        if (moving->found.count - moving->followed > PK_AHEAD)
            pk__expect_pointers(moving, pk__single_now(found[PK_AHEAD]), pk__single_shape(found[PK_AHEAD]));
        error = follow_slots(moving, &moving->plan->shapes[pk__single_shape(mark)], (const uint8_t *)pk__single_now(mark));
        if (moving->followed >= MANY)
            forget_followed(moving);
    }
    return error;
}

/* Follows the elements of an object that were not followed yet, and most of what they lead to, while it is at hand. The row may
 * move while this runs. */
static const struct pk_error *follow_row(struct pk_moving *moving, size_t index) {
    const struct pk_error *error = NULL;
    for (;;) {
        struct pk_object *object = pk__object(moving, index);
        const struct pk_shape *shape = &moving->plan->shapes[object->shape];
        if (object->seen >= object->count || error)
            return error;
        const uint8_t *holder = (const uint8_t *)object->old + (size_t)shape->size * object->seen++;
        pk__expect_elements(moving, shape, holder, object->count - object->seen);
        error = follow_slots(moving, shape, holder);
        if (shape->tail && !error)
            error = follow_tail(moving, pk__object(moving, index));
        if (!error)
            error = follow_singles(moving, 2 * PK_AHEAD);
    }
}

/* Variables come first, by place: what lies inside of one is no object of its own. */
static int by_place(const void *one, const void *other) {
    uintptr_t a = ((const struct pk_object *)one)->old, b = ((const struct pk_object *)other)->old;
    return a < b ? -1 : a > b;
}

static void put_variable(struct pk_vector *rows, uint32_t root, uintptr_t place) {
    struct pk_object *row = place ? pk__push(rows) : NULL;
    if (row)
        *row = (struct pk_object){.old = place, .root = root + 1};
}

/* Each parked thread's own; this runs as the thread then. */
static void put_own_variables(struct pk_vector *rows, uint32_t root, const struct pk_root *variable) {
    const struct pk_runtime *rt = &pk__runtime;
    uint64_t before = pk__thread_pointer();
    for (size_t i = 0; i < rt->thread_count; i++) {
        if (rt->threads[i].tid <= 0 || rt->threads[i].state != PK_PARKED)
            continue;
        pk__set_thread_pointer(rt->threads[i].thread_pointer);
        uintptr_t place = (uintptr_t)variable->own();
        if (place != rt->threads[i].thread_pointer) /* else the compiler left it out of the program */
            put_variable(rows, root, place);
    }
    pk__set_thread_pointer(before);
}

static void put_variables(struct pk_vector *rows, const struct pk_plan *plan) {
    for (uint32_t i = 0; i < plan->root_count; i++)
        if (plan->roots[i].own)
            put_own_variables(rows, i, &plan->roots[i]);
        else
            put_variable(rows, i, (uintptr_t)plan->roots[i].place);
}

static const struct pk_error *add_variables(struct pk_moving *moving) {
    const struct pk_plan *plan = moving->plan;
    const struct pk_error *error = NULL;
    struct pk_vector rows = {.size = sizeof(struct pk_object)};
    if (!pk__push_rows(&rows, plan->root_count + pk__runtime.thread_count * plan->root_count + 1))
        return pk__fail("PKL104", "there is no memory for the list of variables");
    rows.count = 0;
    put_variables(&rows, plan);
    const struct pk_object *row = (const struct pk_object *)rows.rows;
    pk__sort(rows.rows, rows.count, rows.size, by_place);
    for (size_t i = 0; i < rows.count && !error; i++) {
        const struct pk_root *root = &plan->roots[row[i].root - 1];
        error = pk__add_object(moving, row[i].old, root->shape, root->count, row[i].root);
        moving->variables = moving->objects.count;
        moving->variables_end = row[i].old + (uint64_t)plan->shapes[root->shape].size * root->count;
    }
    pk__empty(&rows);
    return error;
}

const struct pk_error *pk__discover(struct pk_moving *moving) {
    const struct pk_error *error = add_variables(moving);
    size_t row = 0;
    while (!error && (moving->again.count || row < moving->objects.count || moving->followed < moving->found.count))
        if (moving->again.count)
            error = follow_row(moving, ((uint32_t *)moving->again.rows)[--moving->again.count]);
        else if (row < moving->objects.count)
            error = follow_row(moving, row++);
        else
            error = follow_singles(moving, 0);
    pk__empty(&moving->found);
    moving->followed_as = NULL;
    return error;
}
