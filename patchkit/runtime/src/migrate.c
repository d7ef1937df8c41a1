/* migrate.c: live state goes from the old version's layouts to the new one's.
 *
 * In this order: every object on a path that can lead to a changed one is found; each changed object gets a place, its own
 * where there is room; each is converted, from what it held when all stopped; then every pointer in what did not change
 * is made to lead to where its object is now. Until the switch all of it can be undone, to the byte.
 *
 * Called by the worker while all threads are parked, none of them in the allocator. The update's code and the program's
 * allocator run as one of the parked threads: with its thread pointer, so that what is thread-local exists.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "migration.h"

enum { EDGE = 128, MARK = 0xa5 };

static const uint64_t longest = 10000000000u; /* ns, for all of it */

static void *forward(struct pk_migration *migration, const void *old) {
    struct pk_moving *moving = (struct pk_moving *)migration;
    int known;
    uintptr_t place = pk__new_place(moving, (uintptr_t)old, &known);
    if (known && !place && !moving->failed)
        moving->failed = pk__fail("PKL121", "a pointer leads to %x, which the new version does not have", (uint64_t)old);
    return (void *)place;
}

static int refuse(struct pk_migration *migration, const char *what, int64_t value) {
    struct pk_moving *moving = (struct pk_moving *)migration;
    if (!moving->failed)
        moving->failed = pk__fail("PKL121", "%s (%d)", what, value);
    return 1;
}

static int note(struct pk_migration *migration, void *object, void (*release)(void *), int made) {
    struct pk_moving *moving = (struct pk_moving *)migration;
    struct pk_noted *row = pk__push(&moving->noted);
    if (row)
        *row = (struct pk_noted){object, release, made};
    else if (!moving->failed)
        moving->failed = pk__fail("PKL104", "there is no memory to note what the update's code makes");
    return !row;
}

static const struct pk_services services = {forward, refuse, note};

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

/* Whether the slot's pointer is there: what stands in its place may be something else. */
static int is_there(const struct pk_slot *slot, const uint8_t *holder) {
    return holds(&slot->when[0], holder) && holds(&slot->when[1], holder);
}

/* What an untyped pointer leads to has to be a block of just the size that the decided type takes. */
static const struct pk_error *check_block(const struct pk_moving *moving, const struct pk_slot *slot, uintptr_t place) {
    enum { SLACK = 40 }; /* bytes that the C library's allocator adds at most */
    const struct pk_shape *shape = &moving->plan->shapes[slot->shape];
    if (!(slot->flags & PK_UNTYPED) || !shape->room || pk__is_variable(moving, place) || pk__object_at(moving, place))
        return NULL;
    size_t room = place % 16 == 0 && place >= PK_PAGE ? shape->room((void *)place) : 0;
    if (room >= shape->size && room <= shape->size + SLACK)
        return NULL;
    return pk__fail("PKL121", "%s leads to %x, where no %s is: its block has %d bytes", slot->name, (uint64_t)place, shape->name,
                    (int64_t)room);
}

static const struct pk_error *follow_slot(struct pk_moving *moving, const struct pk_slot *slot, const uint8_t *holder) {
    const struct pk_error *error = NULL;
    for (uint32_t i = 0; i < slot->repeat && !error; i++) {
        uintptr_t place;
        if (!is_there(slot, holder + (size_t)i * slot->stride))
            continue;
        pk__copy(&place, holder + slot->offset + (size_t)i * slot->stride, sizeof place);
        if (!place)
            continue;
        place -= (uintptr_t)(intptr_t)slot->back;
        error = check_block(moving, slot, place);
        if (!error)
            error = pk__add_object(moving, place, slot->shape, extent(moving->plan, slot, holder + (size_t)i * slot->stride, place), 0);
    }
    return error;
}

/* Follows the elements of an object that were not followed yet. The row may move while this runs. */
static const struct pk_error *follow(struct pk_moving *moving, size_t index) {
    const struct pk_error *error = NULL;
    for (;;) {
        struct pk_object *object = pk__object(moving, index);
        const struct pk_shape *shape = &moving->plan->shapes[object->shape];
        if (object->seen == object->count || error)
            return error;
        const uint8_t *holder = (const uint8_t *)object->old + (size_t)shape->size * object->seen++;
        for (uint32_t i = 0; i < shape->slot_count && !error; i++)
            if (shape->slots[i].shape != PK_NO_SHAPE)
                error = follow_slot(moving, &shape->slots[i], holder);
    }
}

/* Variables come first, by place: what lies inside of one is no object of its own. */
static int by_place(const void *one, const void *other) {
    uintptr_t a = ((const struct pk_object *)one)->old, b = ((const struct pk_object *)other)->old;
    return a < b ? -1 : a > b;
}

static const struct pk_error *add_variables(struct pk_moving *moving) {
    const struct pk_plan *plan = moving->plan;
    const struct pk_error *error = NULL;
    size_t bytes = (plan->root_count + 1) * sizeof(struct pk_object);
    struct pk_object *rows = pk__map(bytes);
    if (!rows)
        return pk__fail("PKL104", "there is no memory for the list of variables");
    for (uint32_t i = 0; i < plan->root_count; i++)
        rows[i] = (struct pk_object){.old = (uintptr_t)plan->roots[i].place, .root = i + 1};
    pk__sort(rows, plan->root_count, sizeof *rows, by_place);
    for (uint32_t i = 0; i < plan->root_count && !error; i++) {
        const struct pk_root *root = &plan->roots[rows[i].root - 1];
        if (root->place)
            error = pk__add_object(moving, (uintptr_t)root->place, root->shape, root->count, rows[i].root);
        moving->variables = moving->objects.count;
    }
    pk__unmap(rows, bytes);
    return error;
}

static const struct pk_error *discover(struct pk_moving *moving) {
    const struct pk_error *error = add_variables(moving);
    for (size_t i = 0; i < moving->objects.count && !error; i++) {
        error = follow(moving, i);
        while (!error && moving->again.count)
            error = follow(moving, ((uint32_t *)moving->again.rows)[--moving->again.count]);
    }
    return error;
}

/* Where the elements of a variable go, one word each. */
static const struct pk_error *place_rows(struct pk_moving *moving, const struct pk_root *root, size_t index) {
    const struct pk_shape *shape = &moving->plan->shapes[root->shape];
    moving->first_row[index] = (uint32_t)moving->rows.count + 1;
    for (uint32_t i = 0; i < root->count; i++) {
        int32_t *row = pk__push(&moving->rows);
        if (!row)
            return pk__fail("PKL104", "there is no memory for the rows of %s", root->name);
        *row = root->row((const uint8_t *)root->place + (size_t)i * shape->size);
    }
    return NULL;
}

static const struct pk_error *place_variable(struct pk_moving *moving, struct pk_object *object) {
    const struct pk_root *root = &moving->plan->roots[object->root - 1];
    if (root->moved)
        object->now = (uintptr_t)root->moved;
    return root->row ? place_rows(moving, root, object->root - 1) : NULL;
}

static const struct pk_error *place_on_heap(struct pk_moving *moving, struct pk_object *object) {
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    size_t size = (size_t)shape->new_size * object->count;
    if (size <= (size_t)shape->size * object->count || (shape->room && shape->room((void *)object->old) >= size))
        return NULL;
    void *place = shape->allocate ? shape->allocate(size) : NULL;
    if (!place)
        return pk__fail("PKL121", shape->allocate ? "there is no memory for a larger %s" : "%s is on the heap, and nothing says what allocates it",
                        shape->name);
    object->now = (uintptr_t)place;
    moving->moved++;
    return NULL;
}

static void note_range(struct pk_moving *moving, const struct pk_object *object) {
    uintptr_t end = object->old + (uintptr_t)moving->plan->shapes[object->shape].size * object->count;
    moving->low = object->old < moving->low ? object->old : moving->low;
    moving->high = end > moving->high ? end : moving->high;
    moving->changed++;
}

static const struct pk_error *find_places(struct pk_moving *moving) {
    const struct pk_error *error = NULL;
    moving->low = UINTPTR_MAX;
    for (size_t i = 0; i < moving->objects.count && !error; i++) {
        struct pk_object *object = pk__object(moving, i);
        if (!pk__is_changed(moving, object))
            continue;
        note_range(moving, object);
        error = object->root ? place_variable(moving, object) : place_on_heap(moving, object);
    }
    return error;
}

/* Room for one new object between bytes that must stay as they are, its end at a page that cannot be touched. */
static const struct pk_error *prepare_scratch(struct pk_moving *moving, size_t size) {
    size_t wanted = (size + EDGE + PK_PAGE - 1) / PK_PAGE * PK_PAGE;
    if (wanted <= moving->scratch_size)
        return NULL;
    if (moving->scratch)
        pk__unmap(moving->scratch, moving->scratch_size + PK_PAGE);
    moving->scratch = pk__map(wanted + PK_PAGE);
    moving->scratch_size = moving->scratch ? wanted : 0;
    if (!moving->scratch)
        return pk__fail("PKL104", "there is no memory to convert an object of %d bytes", (int64_t)size);
    pk__call3(SYS_mprotect, (long)(moving->scratch + wanted), PK_PAGE, PROT_NONE);
    return NULL;
}

static int edges_hold(const uint8_t *start, const uint8_t *to, size_t size, const uint8_t *end) {
    for (const uint8_t *at = start; at < to; at++)
        if (*at != MARK)
            return 0;
    for (const uint8_t *at = to + size; at < end; at++)
        if (*at != MARK)
            return 0;
    return 1;
}

/* One conversion: into the scratch, so that what is written beside the object is found, then to where it belongs. */
static const struct pk_error *call(struct pk_moving *moving, pk_conversion *convert, const void *from, void *to, size_t size, const char *name) {
    const struct pk_error *error = prepare_scratch(moving, size);
    if (error)
        return error;
    uint8_t *end = moving->scratch + moving->scratch_size;
    uint8_t *object = end - (size + 15) / 16 * 16, *start = object - EDGE / 2;
    for (uint8_t *at = start; at < end; at++)
        *at = MARK;
    pk__copy(object, to, size);
    moving->what = name;
    int result = convert(&moving->shared, from, object);
    if (result && !moving->failed)
        return pk__fail("PKL121", "the conversion of %s gave up with %d", name, (int64_t)result);
    if (!moving->failed && !edges_hold(start, object, size, end))
        return pk__fail("PKL122", "the conversion of %s writes beside its object", name);
    if (!moving->failed)
        pk__copy(to, object, size);
    return moving->failed;
}

static const struct pk_error *forward_pointers(struct pk_moving *moving, const struct pk_shape *shape, uint8_t *place, uint32_t count);

static const struct pk_error *convert_elements(struct pk_moving *moving, const struct pk_object *object, const uint8_t *from, uint32_t count) {
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    const struct pk_error *error = NULL;
    for (uint32_t i = 0; i < count && !error; i++) {
        uint8_t *to = (uint8_t *)object->now + (size_t)i * shape->new_size;
        pk__zero(to, shape->new_size);
        error = call(moving, shape->convert, from + (size_t)i * shape->size, to, shape->new_size, shape->name);
    }
    return error;
}

/* Elements that the old version does not have keep what the new version's source says. */
static const struct pk_error *convert_variable(struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_root *root = &moving->plan->roots[object->root - 1];
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    uint32_t count = root->count < root->moved_count ? root->count : root->moved_count;
    if (root->flags & PK_NEW_CONTENT)
        return NULL;
    if (root->convert)
        return call(moving, root->convert, (const void *)object->old, (void *)object->now,
                    (size_t)root->new_size * root->moved_count, root->name);
    if (shape->convert)
        return convert_elements(moving, object, (const uint8_t *)object->old, count);
    pk__copy((void *)object->now, (const void *)object->old, (size_t)count * shape->size);
    return forward_pointers(moving, shape, (uint8_t *)object->now, count);
}

static const struct pk_error *convert_on_heap(struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    const struct pk_error *error = NULL;
    const uint8_t *from = (const uint8_t *)object->old;
    if (object->now == object->old) {
        size_t kept;
        error = pk__keep(moving, (void *)object->old, (size_t)shape->size * object->count, &kept);
        from = moving->bytes.rows + kept * PK_KEPT;
    }
    return error ? error : convert_elements(moving, object, from, object->count);
}

static const struct pk_error *forward_slot(struct pk_moving *moving, const struct pk_slot *slot, uint8_t *holder) {
    for (uint32_t i = 0; i < slot->repeat; i++) {
        uint8_t *place = holder + slot->offset + (size_t)i * slot->stride;
        uintptr_t word, now;
        int known;
        if (!is_there(slot, holder + (size_t)i * slot->stride))
            continue;
        pk__copy(&word, place, sizeof word);
        now = pk__new_place(moving, word, &known);
        if (moving->failed)
            return moving->failed;
        if (known && !now)
            return pk__fail("PKL121", "%s at %x leads to what the new version does not have", slot->name, (uint64_t)place);
        if (now == word)
            continue;
        const struct pk_error *error = pk__keep(moving, place, sizeof word, NULL);
        if (error)
            return error;
        pk__copy(place, &now, sizeof now);
        moving->forwarded++;
    }
    return NULL;
}

static const struct pk_error *forward_pointers(struct pk_moving *moving, const struct pk_shape *shape, uint8_t *place, uint32_t count) {
    const struct pk_error *error = NULL;
    for (uint32_t i = 0; i < count && !error; i++)
        for (uint32_t k = 0; k < shape->slot_count && !error; k++)
            error = forward_slot(moving, &shape->slots[k], place + (size_t)i * shape->size);
    return error;
}

static const struct pk_error *convert_all(struct pk_moving *moving) {
    const struct pk_error *error = NULL;
    for (size_t i = 0; i < moving->objects.count && !error; i++) {
        const struct pk_object *object = pk__object(moving, i);
        if (object->root == PK_PART)
            continue;
        if (!pk__is_changed(moving, object))
            error = forward_pointers(moving, &moving->plan->shapes[object->shape], (uint8_t *)object->old, object->count);
        else if (object->root)
            error = convert_variable(moving, object);
        else
            error = convert_on_heap(moving, object);
    }
    return error;
}

static const struct pk_error *run_hook(struct pk_moving *moving, int (*hook)(struct pk_migration *), const char *name) {
    if (!hook || !hook(&moving->shared))
        return moving->failed;
    return moving->failed ? moving->failed : pk__fail("PKL121", "the hook %s gave up", name);
}

static const struct pk_error *in_order(struct pk_moving *moving) {
    const struct pk_error *error = run_hook(moving, moving->plan->before, "before");
    moving->what = "finding the objects that change";
    if (!error)
        error = discover(moving);
    if (!error && moving->plan->nested)
        error = pk__drop_parts(moving);
    moving->what = "finding places for objects that change";
    if (!error)
        error = find_places(moving);
    if (!error)
        error = convert_all(moving);
    moving->what = "looking for what leads to objects that move";
    return error ? error : pk__check_references(moving);
}

static void guarded(void *argument) {
    struct pk_moving *moving = argument;
    moving->result = in_order(moving);
}

static const struct pk_error *migrate(struct pk_moving *moving) {
    moving->what = "the hook `before`";
    const struct pk_error *error = pk__guard(guarded, moving, longest, &moving->what);
    if (!error)
        error = moving->result;
    return error;
}

/* A parked thread to run as: the first one of the process, else any. */
static uint64_t a_thread_pointer(void) {
    const struct pk_runtime *rt = &pk__runtime;
    uint64_t found = 0;
    for (size_t i = 0; i < rt->thread_count; i++)
        if (rt->threads[i].tid > 0 && rt->threads[i].state == PK_PARKED && (!found || rt->threads[i].tid == rt->pid))
            found = rt->threads[i].thread_pointer;
    return found;
}

static struct pk_moving *make(struct pk_image *image) {
    struct pk_moving *moving = pk__map(sizeof *moving);
    if (!moving)
        return NULL;
    moving->shared.services = &services;
    moving->plan = (const struct pk_plan *)(image->place + image->payload->plan);
    moving->objects.size = sizeof(struct pk_object);
    moving->again.size = moving->rows.size = sizeof(uint32_t);
    moving->noted.size = sizeof(struct pk_noted);
    moving->changes.size = sizeof(struct pk_change);
    moving->bytes.size = PK_KEPT;
    moving->first_row = pk__map((moving->plan->root_count + 1) * sizeof *moving->first_row);
    image->moving = moving;
    return moving->first_row ? moving : NULL;
}

const struct pk_error *pk__migrate(struct pk_image *image) {
    if (image->payload->plan == PK_NOWHERE)
        return NULL;
    uint64_t own = pk__thread_pointer(), other = a_thread_pointer(), begun = pk__now();
    struct pk_moving *moving = make(image);
    if (!moving || !other)
        return pk__fail("PKL104", "there is no memory, or no thread, to convert the program's state with");
    pk__set_thread_pointer(other);
    const struct pk_error *error = migrate(moving);
    pk__set_thread_pointer(own);
    if (error)
        pk__unmigrate(image);
    else
        pk__log("converted %d objects, %d of them moved, %d pointers forwarded, in %d us", (int64_t)moving->changed,
                (int64_t)moving->moved, (int64_t)moving->forwarded, (int64_t)((pk__now() - begun) / 1000));
    return error;
}

int pk__has_hook(const struct pk_image *image) { return image->moving && image->moving->plan->after; }

static void guarded_hook(void *argument) {
    struct pk_moving *moving = argument;
    moving->result = run_hook(moving, moving->plan->after, "after");
}

const struct pk_error *pk__run_hook(struct pk_image *image) {
    struct pk_moving *moving = image->moving;
    uint64_t own = pk__thread_pointer(), other = a_thread_pointer();
    if (!pk__has_hook(image))
        return NULL;
    moving->what = "the hook `after`";
    pk__set_thread_pointer(other);
    const struct pk_error *error = pk__guard(guarded_hook, moving, longest, &moving->what);
    pk__set_thread_pointer(own);
    return error ? error : moving->result;
}

/* Gives back what was made for the new version (`made`), or what it has no use for. */
static void release(const struct pk_moving *moving, int made) {
    uint64_t own = pk__thread_pointer(), other = a_thread_pointer();
    const struct pk_noted *noted = (const struct pk_noted *)moving->noted.rows;
    if (!other)
        return;
    pk__set_thread_pointer(other);
    for (size_t i = 0; i < moving->objects.count && moving->moved; i++) {
        const struct pk_object *object = pk__object(moving, i);
        const struct pk_shape *shape = &moving->plan->shapes[object->shape];
        if (!object->root && object->now != object->old && shape->release)
            shape->release((void *)(made ? object->now : object->old));
    }
    for (size_t i = 0; i < moving->noted.count; i++)
        if (noted[i].made == made)
            noted[i].release(noted[i].object);
    pk__set_thread_pointer(own);
}

void pk__unmigrate(struct pk_image *image) {
    struct pk_moving *moving = image->moving;
    if (!moving)
        return;
    pk__restore(moving);
    release(moving, 1);
    pk__free_migration(image);
}

void pk__forget_old(struct pk_image *image) {
    if (!image->moving)
        return;
    release(image->moving, 0);
    pk__free_migration(image);
}

void pk__free_migration(struct pk_image *image) {
    struct pk_moving *moving = image->moving;
    if (!moving)
        return;
    pk__empty(&moving->objects);
    pk__empty(&moving->again);
    pk__empty(&moving->noted);
    pk__empty(&moving->changes);
    pk__empty(&moving->bytes);
    pk__empty(&moving->rows);
    pk__unmap(moving->map, moving->map_bytes);
    if (moving->scratch)
        pk__unmap(moving->scratch, moving->scratch_size + PK_PAGE);
    pk__unmap(moving->sorted, moving->changed * sizeof *moving->sorted);
    pk__unmap(moving->first_row, (moving->plan->root_count + 1) * sizeof *moving->first_row);
    pk__unmap(moving, sizeof *moving);
    image->moving = NULL;
}
