/* frames.c: whose code a stack is in, and whether an update may happen under it.
 *
 * Called by the worker on parked threads. A stack is safe if it can be walked to its end, no function on it is pinned, and
 * none mentions a function or variable that the update breaks, but for frames that can be moved to the new version's code.
 * Other frames of unchanged meaning go on in the code they are in.
 */
#include "runtime.h"

static const struct pk_function *search(const struct pk_payload *payload, const struct pk_table *table, uint64_t place) {
    const struct pk_function *rows = pk__rows(payload, table);
    uint64_t low = 0, high = table->count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (rows[middle].place <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low && place - rows[low - 1].place < rows[low - 1].size ? &rows[low - 1] : NULL;
}

/* The executable's functions are described by the first image that was brought, or by the one that is about to be. */
int pk__find_function(uintptr_t place, const struct pk_image *coming, struct pk_found *ret) {
    const struct pk_runtime *rt = &pk__runtime;
    *ret = (struct pk_found){NULL, NULL, NULL};
    for (const struct pk_image *image = rt->images; image; image = image->older)
        if (!image->text_gone && place - (uintptr_t)image->place < image->payload->segment[PK_TEXT]) {
            ret->image = image;
            ret->payload = image->payload;
            ret->function = search(ret->payload, &ret->payload->new_functions, place - (uintptr_t)image->place);
            return 1;
        }
    if (place < rt->program.code_start || place >= rt->program.code_end)
        return 0;
    const struct pk_image *first = rt->first ? rt->first : coming;
    if (first) {
        ret->payload = first->payload;
        ret->function = search(ret->payload, &ret->payload->old_functions, place - rt->program.base);
    }
    return 1;
}

static const struct pk_broken *listed(const struct pk_payload *payload, const struct pk_table *table, uint64_t key) {
    const struct pk_broken *rows = pk__rows(payload, table);
    uint64_t low = 0, high = table->count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (rows[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->count && rows[low].key == key ? &rows[low] : NULL;
}

static void name_frame(struct pk_frame *frame, const struct pk_image *coming, uintptr_t place) {
    struct pk_found found;
    if (pk__find_function(place, coming, &found)) {
        frame->function = found.function ? pk__string(found.payload, found.function->name) : NULL;
        frame->module = "the program";
        return;
    }
    const struct pk_module *module = pk__module_of(place);
    frame->module = module ? module->name : NULL;
    frame->function = module ? pk__exported_name(module, place) : NULL;
}

static void refuse(struct pk_thread *thread, const char *reason, const char *function) {
    thread->safe = 0;
    thread->reason = reason;
    thread->function = function;
}

/* Why a switch may not happen while `found` is on a stack, by what is pinned and what is broken; NULL where it may. */
static const char *listed_reason(const struct pk_found *found, const struct pk_payload *payload, const struct pk_table *pinned,
                                 const struct pk_table *broken) {
    const struct pk_broken *row = listed(payload, pinned, found->function->key);
    if (row)
        return pk__string(payload, row->reason);
    const uint64_t *keys = (const uint64_t *)pk__rows(found->payload, &found->payload->references) + found->function->reference;
    for (uint32_t i = 0; broken->count && i < found->function->references; i++)
        if ((row = listed(payload, broken, keys[i])))
            return pk__string(payload, row->reason);
    return NULL;
}

static const char *objection(const struct pk_found *found, const struct pk_image *image, int reverting) {
    const struct pk_payload *payload = image->payload;
    if (!found->function)
        return "it is in code of the program that no symbol covers";
    const char *reason = listed_reason(found, payload, &payload->pinned, &payload->broken);
    return reason || !reverting ? reason : listed_reason(found, payload, &payload->down_pinned, &payload->down_broken);
}

static uintptr_t code_of(const struct pk_live *frame) {
    return frame->registers.value[PK_REG_IP] - (frame->exact ? 0 : 1);
}

/* Frames that may stay where they are do, with one exception: new code calls new code directly, so a frame in an image
 * would never come to the version after that. */
int pk__is_moved(const struct pk_thread *thread, const struct pk_live *frame, const struct pk_image *image, int reverting,
                 uintptr_t *ret) {
    struct pk_found found;
    if (frame->exact || !pk__find_function(code_of(frame), image, &found) || !found.function)
        return 0;
    int wanted = reverting ? found.image == image : found.image || objection(&found, image, 0);
    return wanted && pk__transfer(thread, frame, image, reverting, ret);
}

/* An update that converts state asks the program's allocator for memory, which must not be in the middle of something. */
static int is_allocator(const char *function) {
    static const char *const names[] = {"malloc", "calloc", "realloc", "free", "memalign", "aligned_alloc", "posix_memalign"};
    const char *name = function && pk__starts(function, "__libc_") ? function + 7 : function;
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (pk__same(name, names[i]))
            return 1;
    return 0;
}

/* A thread must not stand within the bytes that a jump will take. */
static int is_at_entry(const struct pk_image *image, uintptr_t place) {
    const struct pk_patch *patch = pk__rows(image->payload, &image->payload->patches);
    struct pk_found found;
    if (pk__find_function(place, image, &found) && found.image && found.function) {
        uint64_t offset = place - (uintptr_t)found.image->place - found.function->place;
        return offset && offset < PK_JUMP_SIZE;
    }
    for (uint64_t i = 0; i < image->payload->patches.count; i++)
        if (place > image->olds[patch[i].old] && place < image->olds[patch[i].old] + PK_JUMP_SIZE)
            return 1;
    return 0;
}

struct judging {
    struct pk_thread *thread;
    const struct pk_image *image;
    struct pk_stack *stack;
    int reverting;
};

static int judge_frame(void *data, const struct pk_live *live) {
    const struct judging *judging = data;
    struct pk_thread *thread = judging->thread;
    uintptr_t place = live->registers.value[PK_REG_IP], to;
    struct pk_frame *frame = &judging->stack->frames[judging->stack->count++];
    frame->place = place;
    name_frame(frame, judging->image, code_of(live));
    const struct pk_payload *payload = judging->image->payload;
    int converts = (judging->reverting ? payload->down : payload->plan) != PK_NOWHERE;
    if (converts && thread->safe && is_allocator(frame->function))
        refuse(thread, "it is in the allocator, which the update needs", frame->function);
    /* At an update point the function is about to be entered: whatever it is now, it will be the new one. */
    if (live->entering || !thread->safe)
        return 0;
    struct pk_found found;
    const char *reason = pk__find_function(code_of(live), judging->image, &found) ? objection(&found, judging->image, judging->reverting) : NULL;
    if (reason && !pk__is_moved(thread, live, judging->image, judging->reverting, &to))
        refuse(thread, reason, frame->function);
    else if (!judging->reverting && is_at_entry(judging->image, place))
        refuse(thread, "it stands where the jump to the new code will be", frame->function);
    return 0;
}

void pk__judge(struct pk_thread *thread, const struct pk_image *image, struct pk_stack *stack, int reverting) {
    struct judging judging = {thread, image, stack, reverting};
    struct pk_registers registers;
    pk__context_registers(thread->context, &registers);
    thread->safe = 1;
    thread->reason = NULL;
    thread->function = NULL;
    stack->count = 0;
    if (!pk__leave_stub(&registers) && !pk__context_at_call(thread->context))
        refuse(thread, "it is computing, neither in a system call nor at an update point", NULL);
    stack->complete = pk__each_frame(thread, judge_frame, &judging);
    if (!stack->complete && thread->safe)
        refuse(thread, "its stack cannot be walked to the end", stack->count ? stack->frames[stack->count - 1].function : NULL);
}
