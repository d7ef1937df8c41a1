/* transfers.c: frames that wait at a call and go on in another version's code, where both are the same code.
 *
 * Called by the worker while all threads are parked. The proof is the bundle's (table `transfers`); what is looked at here
 * is that the frame holds no address that the other version's code would have otherwise. Moving a frame is writing another
 * return address where the called function will find it.
 */
#define _GNU_SOURCE
#include "migration.h"
#include "runtime.h"

/* The version that came after `image` (NULL: the executable) on the way to `last`. */
static const struct pk_image *follower(const struct pk_image *image, const struct pk_image *last) {
    const struct pk_image *each = last;
    while (each && each->before != image)
        each = each->before;
    return each;
}

/* Whether rows of `image` are about the code of `before`. */
static uint32_t origin(const struct pk_image *before, const struct pk_image *image) {
    if (!before)
        return PK_FROM_EXECUTABLE;
    int known = image->payload->from_code && before->payload->to_code == image->payload->from_code;
    return known ? PK_FROM_IMAGE : 0;
}

static const struct pk_transfer *find_row(const struct pk_image *image, const struct pk_found *found, uint64_t offset) {
    const struct pk_payload *payload = image->payload;
    const struct pk_transfer *rows = pk__rows(payload, &payload->transfers);
    const char *name = pk__string(found->payload, found->function->name);
    uint32_t wanted = origin(found->image, image);
    uint64_t low = 0, high = payload->transfers.count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (rows[middle].key < found->function->key)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < payload->transfers.count && rows[low].key == found->function->key; low++)
        if (rows[low].origin & wanted && offset >= rows[low].first && offset <= rows[low].last &&
            pk__same(pk__string(payload, rows[low].name), name))
            return &rows[low];
    return NULL;
}

static int is_within(uint64_t word, uintptr_t start, uint64_t size) { return start && word - start <= size; }

/* Whether a word is the address of something that the other version's code has elsewhere, and that no migration leads on. */
static int is_stray(void *data, const struct pk_word *word) {
    const struct pk_image *image = data;
    if (pk__keeps_offset(image, word->value, 0))
        return 0;
    const uint32_t *stray = pk__rows(image->payload, &image->payload->strays);
    const struct pk_old *olds = pk__rows(image->payload, &image->payload->olds);
    for (uint64_t i = 0; i < image->payload->strays.count; i++) {
        const struct pk_old *old = &olds[stray[i]];
        if (is_within(word->value, image->olds[stray[i]], old->kind == PK_FUNCTION ? 0 : old->size))
            return 1;
    }
    return 0;
}

/* The same on the way back: whatever the image brought that has a name. */
static int is_own(void *data, const struct pk_word *word) {
    const struct pk_image *image = data;
    const struct pk_new *row = pk__rows(image->payload, &image->payload->news);
    if (word->value - (uintptr_t)image->place > image->size || pk__keeps_offset(image, word->value, 1))
        return 0;
    for (uint64_t i = 0; i < image->payload->news.count; i++, row++) {
        if (row->kind == PK_FUNCTION ? row->entry != PK_NOWHERE && is_within(word->value, (uintptr_t)image->place + row->entry, 0)
                                     : row->place != PK_NOWHERE && is_within(word->value, (uintptr_t)image->place + row->place, row->size))
            return 1;
    }
    return 0;
}

/* From version to version: a frame may be in code of some while ago that nobody had to leave until now. */
static int forward(const struct pk_thread *thread, const struct pk_live *frame, const struct pk_image *image, uintptr_t *ret) {
    uintptr_t place = frame->registers.value[PK_REG_IP];
    struct pk_found found;
    for (;;) {
        if (!pk__find_function(place - 1, image, &found) || !found.function)
            return 0;
        const struct pk_image *next = follower(found.image, image);
        if (!next || next->text_gone)
            return 0;
        uintptr_t start = (found.image ? (uintptr_t)found.image->place : pk__runtime.program.base) + found.function->place;
        const struct pk_transfer *row = find_row(next, &found, place - start);
        if (!row || pk__each_frame_word(thread, frame, is_stray, (void *)next))
            return 0;
        place = (uintptr_t)next->place + row->code + (place - start - row->first);
        if (next == image)
            break;
    }
    *ret = place;
    return 1;
}

/* Where the stretch of code that a row is about starts in the version before `image`; 0 where it is not known. */
static uintptr_t former_start(const struct pk_image *image, const struct pk_transfer *transfer) {
    const struct pk_image *before = image->before;
    const struct pk_payload *payload = before ? before->payload : pk__runtime.first->payload;
    const struct pk_table *table = before ? &payload->new_functions : &payload->old_functions;
    const struct pk_function *row = pk__rows(payload, table);
    const char *name = pk__string(image->payload, transfer->name);
    for (uint64_t i = 0; i < table->count; i++, row++)
        if (row->key == transfer->key && pk__same(pk__string(payload, row->name), name))
            return (before ? (uintptr_t)before->place : pk__runtime.program.base) + row->place;
    return 0;
}

static int back(const struct pk_thread *thread, const struct pk_live *frame, const struct pk_image *image, uintptr_t *ret) {
    const struct pk_transfer *row = pk__rows(image->payload, &image->payload->transfers);
    uint64_t offset = frame->registers.value[PK_REG_IP] - (uintptr_t)image->place;
    uint32_t wanted = origin(image->before, image);
    for (uint64_t i = 0; i < image->payload->transfers.count; i++, row++) {
        if (!(row->origin & wanted) || offset - row->code > row->last - row->first)
            continue;
        uintptr_t start = former_start(image, row);
        if (!start || pk__each_frame_word(thread, frame, is_own, (void *)image))
            return 0;
        *ret = start + row->first + (offset - row->code);
        return 1;
    }
    return 0;
}

/* A processor that keeps return addresses a second time would not follow one that was changed (x86 shadow stacks). */
static int has_shadow_stack(const struct pk_thread *thread) {
    char path[64], status[4096];
    struct pk_text text = {path, sizeof path, 0};
    pk__put(&text, "/proc/self/task/");
    pk__put_number(&text, thread->tid);
    pk__put(&text, "/status");
    long length = pk__read_file(path, status, sizeof status);
    const char *const name = "x86_Thread_features:";
    for (long at = 0; at + 20 < length; at++)
        if (pk__equal(status + at, name, 20))
            for (at += 20; at + 5 < length && status[at] != '\n'; at++)
                if (pk__equal(status + at, "shstk", 5))
                    return 1;
    return 0;
}

int pk__transfer(const struct pk_thread *thread, const struct pk_live *frame, const struct pk_image *image, int reverting,
                 uintptr_t *ret) {
    if (frame->exact || !frame->end || !frame->registers.place[PK_REG_IP])
        return 0;
    int found = reverting ? back(thread, frame, image, ret) : forward(thread, frame, image, ret);
    return found && !has_shadow_stack(thread);
}

struct noting {
    const struct pk_thread *thread;
    const struct pk_image *image;
    int reverting;
    const struct pk_error *error;
};

static int note(struct noting *noting, uintptr_t *place, uintptr_t before, uintptr_t after) {
    struct pk_scratch *scratch = pk__runtime.scratch;
    if (scratch->move_count == PK_MOST_MOVES) {
        noting->error = pk__fail("PKL104", "more than %d words on stacks would have to be changed", (int64_t)PK_MOST_MOVES);
        return 1;
    }
    scratch->moves[scratch->move_count++] = (struct pk_move){place, before, after};
    return 0;
}

/* A word that leads into something which the migration moved is led on, if what is as far behind the start of it in the new
 * version is the same: then the new code would have computed just that address. Returns whether it cannot be. */
static int lead_on(void *data, const struct pk_word *word) {
    struct noting *noting = data;
    struct pk_moving *moving = noting->image->moving;
    int known;
    uintptr_t now = pk__new_place(moving, word->value, NULL, &known);
    if (!known || now == word->value)
        return 0;
    struct pk_object object;
    if (!pk__changed_around(moving, word->value, &object) || now - object.now != word->value - object.old || !word->place)
        return 1;
    return note(noting, (uintptr_t *)word->place, word->value, now);
}

static const struct pk_error *refuse_frame(const struct pk_live *frame, const struct pk_image *image) {
    struct pk_found found;
    pk__find_function(frame->registers.value[PK_REG_IP] - 1, image, &found);
    return pk__fail("PKL123", "%s waits at a call and keeps an address inside of what moves",
                    found.function ? pk__string(found.payload, found.function->name) : "a function");
}

/* Whether the update brings another body for a function whose old one begins at `place`. */
static int is_replaced(const struct pk_image *image, uintptr_t place) {
    const struct pk_patch *patch = pk__rows(image->payload, &image->payload->patches);
    for (uint64_t i = 0; i < image->payload->patches.count; i++)
        if (image->olds[patch[i].old] == place)
            return 1;
    return 0;
}

/* A frame that is not moved and cannot be: its function's code differs, perhaps by what the compiler has put into it. */
static void note_staying(const struct pk_thread *thread, const struct pk_live *frame, const struct pk_image *image) {
    struct pk_scratch *scratch = pk__runtime.scratch;
    struct pk_found found;
    uintptr_t to;
    if (frame->exact || !pk__find_function(frame->registers.value[PK_REG_IP] - 1, image, &found) || !found.function)
        return;
    uintptr_t base = found.image ? (uintptr_t)found.image->place : pk__runtime.program.base;
    const char *name = pk__string(found.payload, found.function->name);
    for (size_t i = 0; i < scratch->staying_count; i++)
        if (pk__same(scratch->staying[i], name))
            return;
    if (scratch->staying_count < PK_MOST_STAYING && is_replaced(image, base + found.function->place) &&
        !pk__transfer(thread, frame, image, 0, &to))
        scratch->staying[scratch->staying_count++] = name;
}

void pk__tell_staying(void) {
    const struct pk_scratch *scratch = pk__runtime.scratch;
    for (size_t i = 0; i < scratch->staying_count; i++) {
        char line[512];
        struct pk_text text = {line, sizeof line, 0};
        pk__log("%s goes on in its old code until it returns", scratch->staying[i]);
        pk__put(&text, "fact\tname=stays\tfunction=");
        pk__put(&text, scratch->staying[i]);
        if (pk__tell)
            pk__tell(line);
    }
}

static int note_frame(void *data, const struct pk_live *frame) {
    struct noting *noting = data;
    uintptr_t to;
    if (!pk__is_moved(noting->thread, frame, noting->image, noting->reverting, &to)) {
        if (!noting->reverting)
            note_staying(noting->thread, frame, noting->image);
        return 0;
    }
    if (noting->image->moving && pk__each_frame_word(noting->thread, frame, lead_on, noting) && !noting->error)
        noting->error = refuse_frame(frame, noting->image);
    if (noting->error)
        return 1;
    return note(noting, (uintptr_t *)frame->registers.place[PK_REG_IP], frame->registers.value[PK_REG_IP], to);
}

const struct pk_error *pk__note_moves(const struct pk_image *image, int reverting) {
    const struct pk_runtime *rt = &pk__runtime;
    rt->scratch->move_count = rt->scratch->staying_count = 0;
    for (size_t i = 0; i < rt->thread_count; i++) {
        struct noting noting = {&rt->threads[i], image, reverting, NULL};
        if (rt->threads[i].tid < 0 || rt->threads[i].state != PK_PARKED)
            continue;
        pk__each_frame(noting.thread, note_frame, &noting);
        if (noting.error)
            return noting.error;
    }
    return NULL;
}

void pk__make_moves(void) {
    const struct pk_scratch *scratch = pk__runtime.scratch;
    for (size_t i = 0; i < scratch->move_count; i++)
        *scratch->moves[i].place = scratch->moves[i].after;
    if (scratch->move_count)
        pk__log("%d words on stacks lead to other code and data", (int64_t)scratch->move_count);
}

void pk__undo_moves(void) {
    struct pk_scratch *scratch = pk__runtime.scratch;
    for (size_t i = scratch->move_count; i > 0; i--)
        *scratch->moves[i - 1].place = scratch->moves[i - 1].before;
    scratch->move_count = 0;
}
