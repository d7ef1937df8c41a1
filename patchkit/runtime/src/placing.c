/* placing.c: each changed object gets a place: its own where there is room, else one from the program's allocator; a variable
 * has its new storage.
 *
 * What a compiler sees that nothing writes to is where nothing can be written, although it is no constant of the source: such
 * pages are opened until the update is over.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "migration.h"

/* Whether the process may write there; told by writing what is there already. Where that may not be asked it is taken for so. */
static int is_writable(uintptr_t page) {
    enum { EFAULT_ = 14 };
    uint64_t word = 0;
    struct iovec from = {&word, sizeof word}, to = {(void *)page, sizeof word};
    if (!pk__peek(page, &word, sizeof word))
        return 1;
    return pk__syscall(SYS_process_vm_writev, pk__pid(), (long)&from, 1, (long)&to, 1, 0) != -EFAULT_;
}

static const struct pk_error *open_page(struct pk_moving *moving, uintptr_t page) {
    struct pk_change *row = pk__push(&moving->opened);
    if (!row)
        return pk__no_room();
    *row = (struct pk_change){(uint8_t *)page, PK_PAGE};
    long result = pk__denied() ? -12 /* ENOMEM */ : pk__call3(SYS_mprotect, (long)page, PK_PAGE, PROT_READ | PROT_WRITE);
    return result < 0 ? pk__fail("PKL104", "the page at %x cannot be made writable for the update: %d", (uint64_t)page, -result) : NULL;
}

const struct pk_error *pk__open_pages(struct pk_moving *moving, uintptr_t place, size_t size) {
    const struct pk_error *error = NULL;
    for (uintptr_t page = place & ~(uintptr_t)(PK_PAGE - 1); page < place + size && !error; page += PK_PAGE)
        if (page != moving->looked_at && !is_writable(page))
            error = open_page(moving, page);
        else
            moving->looked_at = page;
    return error;
}

void pk__close_opened(struct pk_moving *moving) {
    const struct pk_change *opened = (const struct pk_change *)moving->opened.rows;
    for (size_t i = 0; i < moving->opened.count; i++)
        pk__call3(SYS_mprotect, (long)opened[i].place, (long)opened[i].size, PROT_READ);
    pk__empty(&moving->opened);
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

static const struct pk_error *place_variable(struct pk_moving *moving, struct pk_walk *walk) {
    const struct pk_root *root = &moving->plan->roots[walk->object.root - 1];
    const struct pk_error *error = root->moved ? pk__put_at(moving, walk, (uintptr_t)root->moved) : NULL;
    int is_filled = root->moved && !(root->flags & PK_NEW_CONTENT);
    size_t size = (size_t)root->new_size * root->moved_count;
    if (!error && is_filled)
        error = pk__open_pages(moving, (uintptr_t)root->moved, size);
    if (!error && is_filled && moving->reverting)
        error = pk__keep(moving, root->moved, size);
    if (error)
        return error;
    return root->row ? place_rows(moving, root, walk->object.root - 1) : NULL;
}

/* What is taken for one object must not be several, nor the middle of something, as far as its block tells. */
static const struct pk_error *check_room(const struct pk_moving *moving, const struct pk_object *object, size_t room) {
    enum { SLACK = 40 }; /* bytes that the C library's allocator adds at most */
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    size_t size = pk__old_size(moving, object);
    if (room >= size && (shape->tail || object->count > 1 || room < size + shape->size || room <= size + SLACK))
        return NULL;
    return pk__fail("PKL121", "%s at %x takes %d bytes and its block has %d: a decision on its length is missing or wrong",
                    shape->name, (uint64_t)object->old, (int64_t)size, (int64_t)room);
}

static const struct pk_error *place_on_heap(struct pk_moving *moving, struct pk_walk *walk, uint64_t old_size) {
    const struct pk_object *object = &walk->object;
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    size_t size = pk__new_size(moving, object), room = shape->room ? shape->room((void *)object->old) : 0;
    const struct pk_error *error = shape->room ? check_room(moving, object, room) : NULL;
    if (error || size <= old_size || room >= size)
        return error;
    void *place = shape->allocate ? shape->allocate(size) : NULL;
    if (!place)
        return pk__fail("PKL121", shape->allocate ? "there is no memory for a larger %s" : "%s is on the heap, and nothing says what allocates it",
                        shape->name);
    moving->moved++;
    error = pk__put_at(moving, walk, (uintptr_t)place);
    if (error && shape->release) /* nothing else knows of it */
        shape->release(place);
    return error;
}

static void note_range(struct pk_moving *moving, const struct pk_object *object, uint64_t size) {
    uintptr_t end = object->old + size;
    moving->low = object->old < moving->low ? object->old : moving->low;
    moving->high = end > moving->high ? end : moving->high;
    moving->changed++;
}

static const struct pk_error *overlap(const struct pk_moving *moving, const struct pk_object *object) {
    return pk__fail("PKL121", "%s at %x begins inside of another object and ends behind it: a decision on what leads there is wrong",
                    moving->plan->shapes[object->shape].name, (uint64_t)object->old);
}

const struct pk_error *pk__find_places(struct pk_moving *moving) {
    const struct pk_error *error = NULL;
    struct pk_walk walk = {0};
    uintptr_t end_of_changed = 0;
    moving->low = UINTPTR_MAX;
    while (!error && pk__next(moving, &walk)) {
        uint64_t size = pk__old_size(moving, &walk.object);
        uintptr_t end = walk.end;
        if (pk__is_part(moving, &walk, size)) {
            pk__leave_out(moving, &walk);
            continue;
        }
        int is_changed = pk__is_changed(moving, &walk.object);
        if (walk.object.old < (is_changed ? end : end_of_changed))
            return overlap(moving, &walk.object);
        if (!is_changed) {
            moving->unchanged += pk__is_single(*walk.mark);
            continue;
        }
        end_of_changed = walk.object.old + size;
        note_range(moving, &walk.object, size);
        error = walk.object.root ? place_variable(moving, &walk) : place_on_heap(moving, &walk, size);
    }
    return error;
}
