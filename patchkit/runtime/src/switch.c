/* switch.c: the entry of every old function becomes a jump to its successor; and back. With the jumps go the frames that
 * are moved to the new code (transfers.c).
 *
 * Called by the worker while all other threads are parked, none of them within a jump's bytes. Each change is noted before
 * it is made, so that any part of it can be undone.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "runtime.h"

/* Whether `place` is in the executable's code, else in the ENTRIES of some image. */
static int in_program(const uint8_t *place) {
    const struct pk_program *program = &pk__runtime.program;
    return (uintptr_t)place >= program->code_start && (uintptr_t)place < program->code_end;
}

static long protect(const uint8_t *start, size_t size, int writable) {
    int protection = PROT_READ | PROT_EXEC | (writable ? PROT_WRITE : 0);
    return pk__denied() ? -12 /* ENOMEM */ : pk__call3(SYS_mprotect, (long)start, (long)size, protection);
}

/* One call for the executable, two for each image that is behind us. */
static const struct pk_error *open_code(const struct pk_image *image, int writable) {
    const struct pk_program *program = &pk__runtime.program;
    long result = protect((const uint8_t *)program->code_start, program->code_end - program->code_start, writable);
    for (const struct pk_image *each = image->before; each && result >= 0; each = each->before) {
        uint64_t text = each->payload->segment[PK_TEXT], entries = each->payload->segment[PK_ENTRIES];
        if (entries)
            result = protect(each->place + text, entries, writable);
        if (result >= 0 && !each->text_gone)
            result = protect(each->place, text, writable);
    }
    if (result >= 0 || !writable)
        return NULL;
    return pk__fail("PKL114", "the system does not let the program's code be changed (error %d)", (int64_t)-result);
}

static int in_entries(const struct pk_image *image, const uint8_t *place) {
    for (const struct pk_image *each = image->before; each; each = each->before) {
        const uint8_t *start = each->place + each->payload->segment[PK_TEXT];
        if (place >= start && place < start + each->payload->segment[PK_ENTRIES])
            return 1;
    }
    return 0;
}

/* What stands there and what stood there before change places. */
static void exchange(struct pk_undo *undo) {
    uint8_t now[PK_JUMP_SIZE];
    pk__copy(now, undo->place, PK_JUMP_SIZE);
    pk__copy(undo->place, undo->before, PK_JUMP_SIZE);
    pk__copy(undo->before, now, PK_JUMP_SIZE);
}

static void restore(const struct pk_image *image) {
    for (size_t i = image->undo_count; i > 0; i--)
        exchange(&image->undo[i - 1]);
}

static const struct pk_error *write_jump(struct pk_image *image, uint8_t *place, uintptr_t to) {
    struct pk_undo *undo = &image->undo[image->undo_count];
    undo->place = place;
    pk__copy(undo->before, place, PK_JUMP_SIZE);
    image->undo_count++;
    if (!pk__write_jump(place, to))
        return pk__fail("PKL103", "a jump to the new code does not reach");
    return NULL;
}

/* Bytes from the start of a function of an image to what comes next. */
static uint64_t room_at(const struct pk_payload *payload, uint64_t place) {
    const struct pk_function *rows = pk__rows(payload, &payload->new_functions);
    uint64_t low = 0, high = payload->new_functions.count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (rows[middle].place <= place)
            low = middle + 1;
        else
            high = middle;
    }
    uint64_t size = low ? rows[low - 1].size : 0, next = low < payload->new_functions.count ? rows[low].place : 0;
    return next > place + size ? next - place : size;
}

/* Where the image before has the code of olds[index], which its own code calls past the entry; NULL where it has none, or
 * not the room for a jump. */
static uint8_t *direct_code(const struct pk_image *image, uint32_t index) {
    const struct pk_old *old = (const struct pk_old *)pk__rows(image->payload, &image->payload->olds) + index;
    const struct pk_new *row = image->before ? pk__find_new(image->before, old->key) : NULL;
    if (!row || row->place == PK_NOWHERE || room_at(image->before->payload, row->place) < PK_JUMP_SIZE)
        return NULL;
    return image->before->place + row->place;
}

static const struct pk_error *write_jumps(struct pk_image *image) {
    const struct pk_patch *patch = pk__rows(image->payload, &image->payload->patches);
    for (uint64_t i = 0; i < image->payload->patches.count; i++, patch++) {
        uint8_t *place = (uint8_t *)image->olds[patch->old];
        if (!place)
            continue;
        if (!in_program(place) && !in_entries(image, place))
            return pk__fail("PKL102", "the payload wants to change %x, which is no entry of a function", (uint64_t)place);
        uintptr_t to = (uintptr_t)image->place + patch->code;
        const struct pk_error *error = write_jump(image, place, to);
        uint8_t *direct = direct_code(image, patch->old);
        if (!error && direct)
            error = write_jump(image, direct, to);
        if (error)
            return error;
    }
    return NULL;
}

static int is_in_text(const struct pk_image *image, uintptr_t place) {
    return place - (uintptr_t)image->place < image->payload->segment[PK_TEXT];
}

/* Code of versions before the last may still run, and was led to the last one: it is led on, so that what ever led to code
 * that is replaced now leads to its successor, and no way is longer than one jump. */
static const struct pk_error *lead_on(struct pk_image *image) {
    const struct pk_image *last = image->before;
    const struct pk_error *error = NULL;
    for (size_t i = 0; last && i < last->undo_count && !error; i++) {
        uintptr_t replaced = pk__read_jump(last->undo[i].place), to;
        if (is_in_text(last, replaced) && (to = pk__read_jump((const uint8_t *)replaced)) && is_in_text(image, to))
            error = write_jump(image, last->undo[i].place, to);
    }
    return error;
}

const struct pk_error *pk__check_expectations(const struct pk_image *image) {
    const struct pk_payload *payload = image->payload;
    const struct pk_expect *expect = pk__rows(payload, &payload->expects);
    const struct pk_old *olds = pk__rows(payload, &payload->olds);
    for (uint64_t i = 0; i < payload->expects.count; i++, expect++)
        if (image->olds[expect->old] &&
            !pk__equal((const uint8_t *)image->olds[expect->old] + expect->start, image->place + expect->place, expect->size))
            return pk__fail("PKL111", "%s was written since the start, so its new content cannot replace it",
                            pk__string(payload, olds[expect->old].name));
    return NULL;
}

const struct pk_error *pk__switch(struct pk_image *image) {
    const struct pk_error *error = pk__check_expectations(image);
    if (!error)
        error = pk__note_moves(image, 0);
    if (!error)
        error = open_code(image, 1);
    if (error)
        return error;
    image->undo_count = 0;
    error = write_jumps(image);
    if (!error)
        error = lead_on(image);
    if (error)
        restore(image);
    else
        pk__make_moves();
    open_code(image, 0);
    pk__code_changed();
    return error;
}

const struct pk_error *pk__unswitch(struct pk_image *image) {
    const struct pk_error *error = open_code(image, 1);
    if (error)
        return error;
    restore(image);
    open_code(image, 0);
    pk__code_changed();
    return NULL;
}

/* The code could be written a moment ago, so it can now. */
void pk__reswitch(struct pk_image *image) {
    open_code(image, 1);
    for (size_t i = 0; i < image->undo_count; i++)
        exchange(&image->undo[i]);
    open_code(image, 0);
    pk__code_changed();
}

void pk__forget_switch(struct pk_image *image) { image->undo_count = 0; }
