/* migrate.c: live state goes from one version's layouts to another's: from the old one's to the new one's at an update, and
 * back at a revert. `old` is what runs, `new` what comes.
 *
 * In this order: every object on a path that can lead to a changed one is found; each changed object gets a place, its own
 * where there is room; each is converted while all of the old state is as it was when all stopped; then those that stay
 * where they are get their new content, and every pointer in what did not change is made to lead to where its object is
 * now. Until the switch all of it can be undone, to the byte.
 *
 * Called by the worker while all threads are parked, none of them in the allocator. The update's code and the program's
 * allocator run as one of the parked threads: with its thread pointer, so that what is thread-local exists.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "migration.h"

enum { EDGE = 64, MARK = 0xa5 };
static const uint64_t marks = 0xa5a5a5a5a5a5a5a5u;

static const uint64_t longest = 10000000000u; /* ns, for all of it */

static void *forward_as(struct pk_migration *migration, const void *old, const char *type) {
    struct pk_moving *moving = (struct pk_moving *)migration;
    int known;
    uintptr_t place = pk__new_place(moving, (uintptr_t)old, type, &known);
    if (known && !place && !moving->failed)
        moving->failed = pk__fail("PKL121", "a pointer leads to %x, which the version to come does not have", (uint64_t)old);
    return (void *)place;
}

static void *forward(struct pk_migration *migration, const void *old) { return forward_as(migration, old, NULL); }

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

static const struct pk_services services = {forward, refuse, note, forward_as};

/* Room for one new object between bytes that must stay as they are, its end at a page that cannot be touched. */
static int make_scratch(struct pk_moving *moving, size_t size) {
    size_t wanted = (size + 2 * EDGE + PK_PAGE - 1) / PK_PAGE * PK_PAGE;
    if (moving->scratch)
        pk__unmap(moving->scratch, moving->scratch_size + PK_PAGE);
    moving->scratch = pk__map(wanted + PK_PAGE);
    moving->scratch_size = moving->scratch ? wanted : 0;
    moving->marked = 0;
    if (moving->scratch)
        pk__call3(SYS_mprotect, (long)(moving->scratch + wanted), PK_PAGE, PROT_NONE);
    return moving->scratch != NULL;
}

static const struct pk_error *no_scratch(size_t size) {
    return pk__fail("PKL104", "there is no memory to convert an object of %d bytes", (int64_t)size);
}

/* Whether the bytes around an object are as they were: EDGE before it, and those behind it, up to `end`. */
static int edges_hold(const uint8_t *object, size_t size, const uint8_t *end) {
    uint64_t other = 0;
    for (int at = 0; at < EDGE; at += (int)sizeof marks)
        other |= pk__word(object - EDGE + at) ^ marks;
    for (; end >= object + size + sizeof marks; end -= sizeof marks)
        other |= pk__word(end - sizeof marks) ^ marks;
    for (; end > object + size; end--)
        other |= end[-1] ^ MARK;
    return !other;
}

/* Where in the scratch an object is converted, with marks around it; NULL: there is no memory. They hold until an object of
 * another size comes, or the update ends for it. */
static uint8_t *prepare(struct pk_moving *moving, size_t size) {
    if (size + 2 * EDGE > moving->scratch_size && !make_scratch(moving, size))
        return NULL;
    uint8_t *end = moving->scratch + moving->scratch_size, *object = end - (size + 15) / 16 * 16;
    for (uint8_t *at = object - EDGE; moving->marked != size && at < end; at += sizeof marks)
        pk__put_word(at, marks);
    moving->marked = size;
    return object;
}

/* One conversion: into the scratch, so that what is written beside the object is found, then to where it belongs. The scratch
 * holds what it begins with. */
static const struct pk_error *call(struct pk_moving *moving, pk_conversion *convert, const void *from, uint8_t *scratch, uint8_t *to,
                                   size_t size, const char *name) {
    moving->what = name;
    int result = convert(&moving->shared, from, scratch);
    if (result && !moving->failed)
        return pk__fail("PKL121", "the conversion of %s gave up with %d", name, (int64_t)result);
    if (!moving->failed && !edges_hold(scratch, size, moving->scratch + moving->scratch_size))
        return pk__fail("PKL122", "the conversion of %s writes beside its object", name);
    if (!moving->failed)
        pk__copy(to, scratch, size);
    return moving->failed;
}

static const struct pk_error *convert_elements(struct pk_moving *moving, const struct pk_object *object, uint8_t *place, uint32_t count) {
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    const struct pk_error *error = NULL;
    const uint8_t *from = (const uint8_t *)object->old;
    size_t size = shape->tail ? pk__new_size(moving, object) : shape->new_size;
    uint8_t *scratch = prepare(moving, size);
    moving->shared.tail = shape->tail ? object->seen - 1 : 0;
    if (!scratch)
        return no_scratch(size);
    for (; count && !error; count--, from += shape->size, place += size) {
        pk__zero(scratch, size);
        error = call(moving, shape->convert, from, scratch, place, size, shape->name);
    }
    return error;
}

static const struct pk_error *convert_whole(struct pk_moving *moving, const struct pk_object *object, const struct pk_root *root) {
    size_t size = (size_t)root->new_size * root->moved_count;
    uint8_t *scratch = prepare(moving, size);
    if (!scratch)
        return no_scratch(size);
    pk__copy(scratch, (const void *)object->now, size);
    return call(moving, root->convert, (const void *)object->old, scratch, (uint8_t *)object->now, size, root->name);
}

/* Elements that the old version does not have keep what the new version's source says. */
static uint32_t common_count(const struct pk_root *root) {
    return root->count < root->moved_count ? root->count : root->moved_count;
}

static int is_converted(const struct pk_moving *moving, const struct pk_root *root) {
    return root->convert || moving->plan->shapes[root->shape].convert || root->flags & PK_NEW_CONTENT;
}

static const struct pk_error *convert_variable(struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_root *root = &moving->plan->roots[object->root - 1];
    if (root->flags & PK_NEW_CONTENT || !is_converted(moving, root))
        return NULL;
    if (root->convert)
        return convert_whole(moving, object, root);
    return convert_elements(moving, object, (uint8_t *)object->now, common_count(root));
}

static const struct pk_error *convert_on_heap(struct pk_moving *moving, const struct pk_object *object) {
    if (object->now != object->old)
        return convert_elements(moving, object, (uint8_t *)object->now, object->count);
    size_t kept, size = pk__old_size(moving, object), grown = pk__new_size(moving, object);
    const struct pk_error *error = pk__set_aside(moving, (void *)object->old, grown > size ? grown : size, &kept);
    return error ? error : convert_elements(moving, object, moving->bytes.rows + kept * PK_KEPT, object->count);
}

static const struct pk_error *convert_all(struct pk_moving *moving) {
    const struct pk_error *error = NULL;
    struct pk_walk walk = {.expects = 1};
    while (!error && pk__next(moving, &walk))
        if (pk__is_changed(moving, &walk.object))
            error = walk.object.root ? convert_variable(moving, &walk.object) : convert_on_heap(moving, &walk.object);
    return error;
}

static const struct pk_error *forward_slot(struct pk_moving *moving, const struct pk_slot *slot, uint8_t *holder, const uint8_t *end) {
    for (uint32_t i = 0; i < slot->repeat; i++) {
        uint8_t *place = holder + slot->offset + (size_t)i * slot->stride;
        uintptr_t word = pk__word(place);
        if (word < moving->low || word > moving->high || !pk__is_there(slot, holder + (size_t)i * slot->stride))
            continue;
        int known;
        uintptr_t now = pk__new_place(moving, word, slot->type, &known);
        if (moving->failed)
            return moving->failed;
        if (known && !now)
            return pk__fail("PKL121", "%s at %x leads to what the version to come does not have", slot->name, (uint64_t)place);
        if (now == word)
            continue;
        const struct pk_error *error = pk__keep_word(moving, place, end);
        if (error)
            return error;
        pk__put_word(place, now);
        moving->forwarded++;
    }
    return NULL;
}

static const struct pk_error *forward_pointers(struct pk_moving *moving, const struct pk_shape *shape, uint8_t *place, uint32_t count) {
    const struct pk_error *error = NULL;
    const uint8_t *end = place + (size_t)count * shape->size;
    for (uint32_t i = 0; i < count && !error; i++) {
        pk__expect_elements(moving, shape, place + (size_t)i * shape->size, count - i - 1);
        for (uint32_t k = 0; k < shape->slot_count && !error; k++)
            error = forward_slot(moving, &shape->slots[k], place + (size_t)i * shape->size, end);
    }
    return error;
}

static const struct pk_error *copy_variable(struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_root *root = &moving->plan->roots[object->root - 1];
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    pk__copy((void *)object->now, (const void *)object->old, (size_t)common_count(root) * shape->size);
    return forward_pointers(moving, shape, (uint8_t *)object->now, common_count(root));
}

static const struct pk_error *forward_object(struct pk_moving *moving, const struct pk_object *object) {
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    const struct pk_tail *tail = shape->tail;
    const struct pk_error *error = forward_pointers(moving, shape, (uint8_t *)object->old, object->count);
    if (error || !tail || tail->shape == PK_NO_SHAPE || !object->seen)
        return error;
    return forward_pointers(moving, &moving->plan->shapes[tail->shape], (uint8_t *)object->old + tail->from, object->seen - 1);
}

static const struct pk_error *forward_in(struct pk_moving *moving, const struct pk_object *object) {
    if (object->root == PK_PART)
        return NULL;
    if (!pk__is_changed(moving, object))
        return forward_object(moving, object);
    if (object->root && !is_converted(moving, &moving->plan->roots[object->root - 1]))
        return copy_variable(moving, object);
    return NULL;
}

/* Single objects are passed over where all of them have changed. */
static const struct pk_error *forward_all(struct pk_moving *moving) {
    const struct pk_error *error = NULL;
    struct pk_walk walk = {.expects = 1};
    for (size_t i = 0; i < moving->objects.count && !moving->unchanged && !error; i++)
        error = forward_in(moving, pk__object(moving, i));
    while (!error && moving->unchanged && pk__next(moving, &walk))
        error = forward_in(moving, &walk.object);
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
        error = pk__discover(moving);
    if (!error)
        error = pk__put_in_order(moving);
    moving->what = "finding places for objects that change";
    if (!error)
        error = pk__find_places(moving);
    if (!error)
        error = convert_all(moving);
    moving->what = "writing what was converted";
    if (!error)
        pk__exchange(moving);
    if (!error)
        error = forward_all(moving);
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
    if (error && moving->followed_as)
        return pk__fail(error->code, "%s; a pointer had led to %x as to a %s", error->text, (uint64_t)moving->followed_at,
                        moving->followed_as->name);
    return error ? error : moving->result;
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

const struct pk_plan *pk__plan_of(const struct pk_image *image, int reverting) {
    uint64_t place = reverting ? image->payload->down : image->payload->plan;
    return place == PK_NOWHERE ? NULL : (const struct pk_plan *)(image->place + place);
}

static struct pk_moving *make(struct pk_image *image, int reverting) {
    struct pk_moving *moving = pk__map(sizeof *moving);
    if (!moving)
        return NULL;
    moving->shared.services = &services;
    moving->plan = pk__plan_of(image, reverting);
    moving->reverting = reverting;
    moving->objects.size = sizeof(struct pk_object);
    moving->again.size = moving->rows.size = sizeof(uint32_t);
    moving->found.size = sizeof(uint64_t);
    moving->leaves.size = PK_LEAF * sizeof(uint64_t);
    moving->directories.size = PK_BLOCKS * sizeof(uint32_t);
    moving->noted.size = sizeof(struct pk_noted);
    moving->changes.size = sizeof(struct pk_change);
    moving->bytes.size = PK_KEPT;
    moving->opened.size = sizeof(struct pk_change);
    moving->first_row = pk__map((moving->plan->root_count + 1) * sizeof *moving->first_row);
    image->moving = moving;
    return moving->first_row && pk__grow_map(moving) ? moving : NULL;
}

const struct pk_error *pk__migrate(struct pk_image *image, int reverting) {
    if (!pk__plan_of(image, reverting))
        return NULL;
    uint64_t own = pk__thread_pointer(), other = a_thread_pointer(), begun = pk__now();
    struct pk_moving *moving = make(image, reverting);
    if (!moving || !other) {
        pk__free_migration(image);
        return pk__fail("PKL104", "there is no memory, or no thread, to convert the program's state with");
    }
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
    struct pk_walk walk = {0};
    const struct pk_object *object = &walk.object;
    while (moving->moved && pk__next(moving, &walk)) {
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
    pk__empty(&moving->found);
    pk__empty(&moving->again);
    pk__empty(&moving->noted);
    pk__empty(&moving->changes);
    pk__empty(&moving->bytes);
    pk__close_opened(moving);
    pk__empty(&moving->rows);
    pk__unmap(moving->map, moving->map_size * sizeof *moving->map);
    if (moving->scratch)
        pk__unmap(moving->scratch, moving->scratch_size + PK_PAGE);
    pk__unmap(moving->order, (moving->directories.count + 1) * sizeof *moving->order);
    pk__empty(&moving->directories);
    pk__empty(&moving->leaves);
    pk__unmap(moving->sorted, moving->changed * sizeof *moving->sorted);
    pk__unmap(moving->first_row, (moving->plan->root_count + 1) * sizeof *moving->first_row);
    pk__unmap(moving, sizeof *moving);
    image->moving = NULL;
}
