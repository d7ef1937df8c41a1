/* objects.c: the objects that a migration has found, by the place where they were.
 *
 * One mark for each, see places.c, and a row for few; nothing is allocated for a visit.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "migration.h"

enum { FIRST = 4096 };

/* Room for at least `count` rows in all. */
static int grow(struct pk_vector *vector, size_t count) {
    size_t room = vector->room ? vector->room : (FIRST + vector->size - 1) / vector->size;
    while (room < count)
        room *= 2;
    void *rows = vector->rows;
    if (!rows)
        rows = pk__map(room * vector->size);
    else {
        long result = pk__denied() ? -1
                                   : pk__syscall(SYS_mremap, (long)rows, (long)(vector->room * vector->size),
                                                 (long)(room * vector->size), MREMAP_MAYMOVE, 0, 0);
        rows = PK__FAILED(result) ? NULL : (void *)result;
    }
    if (!rows)
        return 0;
    pk__prefer_huge(rows, room * vector->size);
    vector->rows = rows;
    vector->room = room;
    return 1;
}

void *pk__push_rows(struct pk_vector *vector, size_t count) {
    if (vector->count + count > vector->room && !grow(vector, vector->count + count))
        return NULL;
    vector->count += count;
    return vector->rows + (vector->count - count) * vector->size;
}

void pk__empty(struct pk_vector *vector) {
    pk__unmap(vector->rows, vector->room * vector->size);
    vector->rows = NULL;
    vector->count = vector->room = 0;
}

const struct pk_error *pk__no_room(void) {
    return pk__fail("PKL104", "there is no memory for the list of objects that change");
}

static uint64_t with_tail(uint64_t size, const struct pk_object *object, uint64_t start, uint64_t step) {
    uint64_t end = object->seen ? start + (object->seen - 1) * step : 0;
    return end > size ? end : size;
}

uint64_t pk__old_size_with_tail(const struct pk_shape *shape, const struct pk_object *object) {
    return with_tail(shape->size, object, shape->tail->from, shape->tail->step);
}

uint64_t pk__new_size_with_tail(const struct pk_shape *shape, const struct pk_object *object) {
    return with_tail(shape->new_size, object, shape->tail->to, shape->tail->new_step);
}

const struct pk_object *pk__variable_near(const struct pk_moving *moving, uintptr_t place) {
    size_t low = 0, high = moving->variables;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (pk__object(moving, middle)->old <= place)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    const struct pk_object *object = pk__object(moving, low - 1);
    return place - object->old < pk__old_size(moving, object) ? object : NULL;
}

/* More of an object is known than was: what was not followed yet has to be. */
static const struct pk_error *extend(struct pk_moving *moving, uint64_t *mark, uintptr_t place, int32_t shape, uint64_t count) {
    uint32_t *again = pk__push(&moving->again);
    if (!again || (pk__is_single(*mark) && !pk__add_row(moving, mark, place, NULL)))
        return pk__no_room();
    size_t row = (uint32_t)*mark;
    while (pk__object(moving, row)->old != place)
        row = pk__object(moving, row)->next - 1;
    struct pk_object *object = pk__object(moving, row);
    if (object->shape != (uint32_t)shape)
        object->seen = 0;
    object->shape = (uint32_t)shape;
    object->count = (uint32_t)count;
    *again = (uint32_t)row;
    return NULL;
}

/* Whether `count` objects of a shape hold the object at the same place, where both can be: a struct and its first member. */
static int holds_object(const struct pk_moving *moving, const struct pk_object *object, int32_t shape, uint64_t count) {
    const struct pk_shape *one = &moving->plan->shapes[shape], *other = &moving->plan->shapes[object->shape];
    uint64_t size = one->size * count, known = (uint64_t)other->size * object->count;
    if (size != known)
        return size > known;
    if (!one->convert != !other->convert)
        return one->convert != NULL;
    return one->new_size * count > (uint64_t)other->new_size * object->count;
}

/* A single object that was not known: followed in its turn. */
static const struct pk_error *add_single(struct pk_moving *moving, uint64_t *mark, uintptr_t place, uint32_t shape) {
    uint64_t *found = pk__push(&moving->found);
    if (!found)
        return pk__no_room();
    *found = *mark = pk__single(place, place, shape);
    pk__fetch((const void *)place);
    return NULL;
}

static const struct pk_error *add(struct pk_moving *moving, uintptr_t place, int32_t shape, uint64_t count, uint32_t root) {
    struct pk_object known;
    uint64_t *mark = pk__mark_at(moving, place);
    int is_known = mark && *mark && pk__find_object(moving, place, &known);
    if (moving->plan->shapes[shape].tail && count)
        count = 1;
    if (is_known && !known.root && holds_object(moving, &known, shape, count) && count <= UINT32_MAX)
        return extend(moving, mark, place, shape, count);
    if (is_known || !count || (!root && pk__variable_around(moving, place)))
        return NULL; /* a part of something known */
    if (count > UINT32_MAX || moving->objects.count >= UINT32_MAX - 2)
        return pk__fail("PKL121", "%s at %x: %d objects in a row are more than can be true",
                        moving->plan->shapes[shape].name, (uint64_t)place, (int64_t)count);
    if (!mark)
        mark = pk__make_mark(moving, place);
    if (!mark)
        return pk__no_room();
    if (!*mark && !root && count == 1 && !moving->plan->shapes[shape].tail && pk__fits_single(place, (uint32_t)shape))
        return add_single(moving, mark, place, (uint32_t)shape);
    const struct pk_object object = {place, place, (uint32_t)shape, (uint32_t)count, 0, root, 0};
    return pk__add_row(moving, mark, place, &object) ? NULL : pk__no_room();
}

const struct pk_error *pk__add_object(struct pk_moving *moving, uintptr_t place, int32_t shape, uint64_t count, uint32_t root) {
    uint64_t *mark = count == 1 && place >= moving->variables_end ? pk__mark_at(moving, place) : NULL;
    if (mark && *mark == pk__single(place, place, (uint32_t)shape))
        return NULL; /* known, as it mostly is */
    if (mark && !*mark && !root && !moving->plan->shapes[shape].tail && pk__fits_single(place, (uint32_t)shape))
        return add_single(moving, mark, place, (uint32_t)shape);
    return add(moving, place, shape, count, root);
}

/* The offset in the new layout of what was at `offset` of one object. */
static uint64_t new_offset(const struct pk_shape *shape, uint64_t offset) {
    uint32_t low = 0, high = shape->run_count;
    if (!shape->convert && !shape->run_count)
        return offset;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (shape->runs[middle].from <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || offset - shape->runs[low - 1].from >= shape->runs[low - 1].size)
        return offset ? UINT64_MAX : 0;
    return shape->runs[low - 1].to + (offset - shape->runs[low - 1].from);
}

int pk__keeps_offset(const struct pk_image *image, uintptr_t place, int reverting) {
    const struct pk_plan *plan = pk__plan_of(image, reverting);
    for (uint32_t i = 0; plan && i < plan->root_count; i++) {
        const struct pk_root *root = &plan->roots[i];
        const struct pk_shape *shape = &plan->shapes[root->shape];
        uint64_t offset = place - (uintptr_t)root->place;
        if (root->moved && !root->row && offset < (uint64_t)shape->size * root->count)
            return offset < shape->size ? new_offset(shape, offset) == offset : root->new_size == shape->size;
    }
    return 0;
}

static uint64_t new_row(const struct pk_moving *moving, const struct pk_object *object, uint64_t row) {
    uint32_t first = object->root ? moving->first_row[object->root - 1] : 0;
    if (!first || row >= object->count)
        return row;
    int32_t now = ((const int32_t *)moving->rows.rows)[first - 1 + row];
    return now < 0 ? UINT64_MAX : (uint64_t)now;
}

/* The same for what a pointer to `type` leads to: at the start, an object of that type stays one. */
static uint64_t new_offset_as(const struct pk_shape *shape, uint64_t offset, const char *type) {
    return offset || (type && !pk__same(type, shape->name)) ? new_offset(shape, offset) : 0;
}

static uint64_t new_offset_in_tail(const struct pk_plan *plan, const struct pk_tail *tail, uint64_t behind, const char *type) {
    uint64_t row = behind / tail->step, offset = behind % tail->step;
    offset = tail->shape == PK_NO_SHAPE ? offset : new_offset_as(&plan->shapes[tail->shape], offset, type);
    return offset == UINT64_MAX ? offset : tail->to + row * tail->new_step + offset;
}

uintptr_t pk__new_place(struct pk_moving *moving, uintptr_t place, const char *type, int *known) {
    *known = 0;
    if (place < moving->low || place > moving->high)
        return place;
    const uint64_t *mark = pk__mark_at(moving, place);
    if (mark && pk__is_single(*mark) && pk__single_old(*mark, place) == place) {
        const struct pk_shape *shape = &moving->plan->shapes[pk__single_shape(*mark)];
        if (shape->convert && (!type || type == shape->name)) { /* as it mostly is */
            *known = 1;
            return pk__single_now(*mark);
        }
    }
    struct pk_object found, *object = &found;
    if ((!pk__find_object(moving, place, object) || !pk__is_changed(moving, object)) && !pk__changed_around(moving, place, object))
        return place;
    *known = 1;
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    if (place == object->old && !object->root && (!type || type == shape->name))
        return object->now;
    if (shape->tail && place - object->old >= shape->tail->from) {
        uint64_t there = new_offset_in_tail(moving->plan, shape->tail, place - object->old - shape->tail->from, type);
        return there == UINT64_MAX ? 0 : object->now + there;
    }
    uint64_t row = (place - object->old) / shape->size, offset = (place - object->old) % shape->size;
    row = new_row(moving, object, row);
    offset = new_offset_as(shape, offset, type);
    if (row == UINT64_MAX || offset == UINT64_MAX)
        return 0;
    const struct pk_root *root = object->root ? &moving->plan->roots[object->root - 1] : NULL;
    return object->now + row * (root && root->moved ? root->new_size : shape->new_size) + offset;
}
