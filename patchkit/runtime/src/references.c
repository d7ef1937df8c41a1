/* references.c: words that no type describes, and that look as if they led to what has moved.
 *
 * Called by the worker after the migration, before the switch, while all threads are parked. What is looked at: what the
 * kernel was given by threads that wait in system calls and keeps in epoll instances, and the writable data of the program and
 * its libraries. Where a word is found the update is refused: it may be a number, and then must stay; or a pointer, and then
 * must not.
 *
 * Stacks: code that knows the changed types is on none (it is pinned when the bundle is made), and what the C library holds
 * for a waiting call is what the call was given. Its own data is left out: the allocator's lists lead to the ends of blocks.
 */
#include "migration.h"

enum { TOLD = 8 };

struct search {
    struct pk_moving *moving;
    uint64_t found;
};

/* Whether `word` leads into an object to a place that is elsewhere now. */
static int is_moved(struct pk_moving *moving, uint64_t word, struct pk_object *object) {
    int known;
    if (word < moving->low || word >= moving->high)
        return 0;
    uintptr_t now = pk__new_place(moving, word, NULL, &known);
    return known && now != word && pk__changed_around(moving, word, object);
}

static void look_at(struct search *search, uint64_t word, const char *where, uint64_t number) {
    struct pk_object found, *object = &found;
    if (!is_moved(search->moving, word, object))
        return;
    const struct pk_plan *plan = search->moving->plan;
    const char *name = object->root ? plan->roots[object->root - 1].name : plan->shapes[object->shape].name;
    if (search->found++ < TOLD)
        pk__log("pinned: %s %x holds %x, inside of %s, which moves", where, number, word, name);
    if (search->found == 1)
        search->moving->failed = pk__fail("PKL123", "%s %x holds %x, which looks like an address inside of %s, which moves",
                                          where, number, word, name);
}

/* Whether the word at `place` belongs to what the migration knows: the old storage of variables that moved. */
static int is_old_storage(struct pk_moving *moving, uintptr_t place) {
    int known;
    if (place < moving->low || place >= moving->high)
        return 0;
    pk__new_place(moving, place, NULL, &known);
    return known;
}

/* Whether the word at `place` is a pointer of a variable that the migration knows: it leads to where its object is now, which
 * may be where another part of it was. */
static int is_forwarded(const struct pk_moving *moving, uintptr_t place) {
    const struct pk_object *object = pk__variable_around(moving, place);
    if (!object)
        return 0;
    const struct pk_shape *shape = &moving->plan->shapes[object->shape];
    uint64_t offset = (place - object->old) % shape->size;
    for (uint32_t i = 0; i < shape->slot_count; i++) {
        const struct pk_slot *slot = &shape->slots[i];
        uint64_t behind = offset - slot->offset;
        if (offset >= slot->offset && behind < (uint64_t)slot->stride * slot->repeat && behind % slot->stride == 0)
            return 1;
    }
    return 0;
}

/* Whether an earlier update left the variable there behind: nothing reads it any more. */
static int is_abandoned(uintptr_t place) {
    for (const struct pk_image *image = pk__runtime.images; image; image = image->older) {
        const struct pk_plan *plan = image->reverted ? NULL : pk__plan_of(image, 0);
        for (uint32_t i = 0; plan && i < plan->root_count; i++) {
            const struct pk_root *root = &plan->roots[i];
            if (root->moved && place - (uintptr_t)root->place < (uint64_t)plan->shapes[root->shape].size * root->count)
                return 1;
        }
    }
    return 0;
}

static void look_through(struct search *search, uintptr_t start, uintptr_t end, const char *where) {
    uint64_t *words = pk__runtime.scratch->words;
    const size_t most = sizeof pk__runtime.scratch->words;
    for (uintptr_t at = (start + 7) & ~(uintptr_t)7; at < end; at += most) {
        size_t some = end - at < most ? (end - at) & ~(size_t)7 : most;
        if (!pk__peek(at, words, some))
            continue;
        for (size_t i = 0; i < some / 8; i++)
            if (words[i] >= search->moving->low && words[i] < search->moving->high &&
                !is_old_storage(search->moving, at + 8 * i) && !is_abandoned(at + 8 * i) && !is_forwarded(search->moving, at + 8 * i))
                look_at(search, words[i], where, at + 8 * i);
    }
}

static void look_at_call(struct search *search, const struct pk_thread *thread) {
    uint64_t arguments[PK_ARGUMENTS];
    pk__context_arguments(thread->context, arguments);
    for (int i = 0; i < PK_ARGUMENTS; i++)
        look_at(search, arguments[i], "a system call of thread", (uint64_t)thread->tid);
}

static void look_at_epoll_word(void *data, uint64_t number, uint64_t word) {
    look_at(data, word, "an epoll instance, descriptor", number);
}

static void look_at_mapping(struct search *search, const struct pk_span *mapping) {
    const struct pk_runtime *rt = &pk__runtime;
    const struct pk_module *module = pk__module_of(mapping->start);
    if (module && module != pk__module_of((uintptr_t)rt) && !pk__is_system(module))
        look_through(search, mapping->start, mapping->end,
                     module->base == rt->program.base ? "the program's data at" : "a library's data at");
}

const struct pk_error *pk__check_references(struct pk_moving *moving) {
    struct search search = {moving, 0};
    if (moving->low >= moving->high)
        return NULL;
    for (size_t i = 0; i < pk__runtime.thread_count; i++)
        if (pk__runtime.threads[i].tid > 0 && pk__runtime.threads[i].state == PK_PARKED)
            look_at_call(&search, &pk__runtime.threads[i]);
    if (moving->moved)
        pk__each_epoll_word(look_at_epoll_word, &search);
    if (pk__read_mappings() < 0)
        return pk__fail("PKL104", "the process's mappings cannot be read");
    const struct pk_scratch *scratch = pk__runtime.scratch;
    for (size_t i = 0; i < scratch->mapping_count; i++)
        look_at_mapping(&search, &scratch->mappings[i]);
    return moving->failed;
}
