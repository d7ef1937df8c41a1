/* sweep.c: gives back the code of versions that nothing can reach any more.
 *
 * Pointers that live data holds lead to entries, which stay; into TEXT point only return addresses, saved registers and the
 * jumps that we wrote. So where no word of the process's memory and no jump leads into it, nothing ever will again: the proof
 * is made in the rehearsal's copy, in which nothing moves, and holds for the process. One version is kept behind the current
 * one, for a revert.
 */
#include "runtime.h"

struct pk_image *pk__sweepable(void) {
    const struct pk_runtime *rt = &pk__runtime;
    for (struct pk_image *image = rt->images; image; image = image->older)
        if (!image->text_gone && image != rt->current && (!rt->current || image != rt->current->before))
            return image;
    return NULL;
}

/* Our own stack and scratch hold what was just looked at. The kernel may have made one mapping of them and the program's. */
static int is_own(uintptr_t place) {
    const struct pk_runtime *rt = &pk__runtime;
    return place - (uintptr_t)rt->scratch < sizeof *rt->scratch || place - rt->stack.start < rt->stack.end - rt->stack.start;
}

static int is_in_text(const struct pk_image *image, uintptr_t place) {
    return place - (uintptr_t)image->place < image->payload->segment[PK_TEXT];
}

/* Whether a word is an address in the image's code, or of an entry of its own that no later version has led elsewhere. The
 * first byte is no return address, and our own tables name it. */
static int leads_into(uint64_t word, const struct pk_image *image) {
    uintptr_t at = word - (uintptr_t)image->place, text = image->payload->segment[PK_TEXT];
    if (at < text)
        return at > 0;
    return at - text < image->payload->segment[PK_ENTRIES] && is_in_text(image, pk__read_jump((const uint8_t *)word));
}

static int is_led_from(uintptr_t start, uintptr_t end, const struct pk_image *image) {
    uint64_t *words = pk__runtime.scratch->words;
    const size_t most = sizeof pk__runtime.scratch->words;
    for (uintptr_t at = start; at < end; at += most) {
        size_t some = end - at < most ? end - at : most;
        if (!pk__peek(at, words, some))
            continue; /* a guard page, or a device: no place for a return address */
        for (size_t i = 0; i < some / 8; i++)
            if (leads_into(words[i], image) && !is_own(at + 8 * i))
                return 1;
    }
    return 0;
}

/* Later versions wrote jumps into the image's code, which nobody will take back once it has gone. */
static void forget_undo(const struct pk_image *image) {
    for (struct pk_image *each = pk__runtime.images; each; each = each->older) {
        size_t kept = 0;
        for (size_t i = 0; i < each->undo_count; i++)
            if (!is_in_text(image, (uintptr_t)each->undo[i].place))
                each->undo[kept++] = each->undo[i];
        if (kept < each->undo_count)
            pk__zero(&each->undo[kept], (each->undo_count - kept) * sizeof *each->undo);
        each->undo_count = kept;
    }
}

/* Whether code leads to the image's: to what it replaced and no later version did, since that has no such function. */
static int is_led_from_code(const struct pk_image *image) {
    for (size_t i = 0; i < image->undo_count; i++)
        if (is_in_text(image, pk__read_jump(image->undo[i].place)))
            return 1;
    return 0;
}

static int is_led_from_constants(const struct pk_image *image) {
    int led = 0;
    for (const struct pk_image *each = pk__runtime.images; each && !led; each = each->older) {
        const uint64_t *segment = each->payload->segment;
        uintptr_t start = (uintptr_t)each->place + segment[PK_TEXT] + segment[PK_ENTRIES];
        led = is_led_from(start, start + segment[PK_RODATA], image);
    }
    return led;
}

int pk__is_reached(const struct pk_image *image) {
    const struct pk_scratch *scratch = pk__runtime.scratch;
    forget_undo(image);
    int reached = is_led_from_code(image) || is_led_from_constants(image) || pk__read_mappings() < 0;
    for (size_t i = 0; i < scratch->mapping_count && !reached; i++)
        reached = is_led_from(scratch->mappings[i].start, scratch->mappings[i].end, image);
    return reached;
}

void pk__drop_text(struct pk_image *image) {
    forget_undo(image);
    image->text_gone = 1;
    pk__unmap(image->place, image->payload->segment[PK_TEXT]);
    pk__unmap(image->tables, image->tables_size);
    image->tables = NULL;
    image->by_key = NULL;
    image->undo_count = 0;
    /* Of the payload, the sizes in its header are still asked for; the first image also knows the executable's functions. */
    if (image != pk__runtime.first && image->copy_size > PK_PAGE) {
        pk__unmap((const uint8_t *)image->copy + PK_PAGE, image->copy_size - PK_PAGE);
        image->copy_size = PK_PAGE;
    }
}
