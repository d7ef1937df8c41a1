/* sweep.c: gives back the code of versions that nothing can reach any more.
 *
 * Pointers that live data holds lead to entries, which stay; into TEXT point only return addresses and saved registers. So
 * where no word of the process's writable memory points into it, nothing ever will again: the proof is made in the
 * rehearsal's copy, in which nothing moves, and holds for the process. One version is kept behind the current one, for a
 * revert.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>

#include "runtime.h"

struct pk_image *pk__sweepable(void) {
    const struct pk_runtime *rt = &pk__runtime;
    for (struct pk_image *image = rt->images; image; image = image->older)
        if (!image->text_gone && image != rt->current && (!rt->current || image != rt->current->before))
            return image;
    return NULL;
}

static int points_into(uintptr_t start, uintptr_t end, uintptr_t low, uintptr_t size) {
    uint64_t *words = pk__runtime.scratch->words;
    const size_t most = sizeof pk__runtime.scratch->words;
    for (uintptr_t at = start; at < end; at += most) {
        size_t some = end - at < most ? end - at : most;
        if (!pk__peek(at, words, some))
            continue; /* a guard page, or a device: no place for a return address */
        for (size_t i = 0; i < some / 8; i++)
            if (words[i] - low - 1 < size - 1) /* its first byte is no return address, and our own tables name it */
                return 1;
    }
    return 0;
}

const char *pk__read_mapping(const char *text, uintptr_t *start, uintptr_t *end, int *writable) {
    uintptr_t *const bounds[2] = {start, end};
    for (int i = 0; i < 2; i++, text++) {
        *bounds[i] = 0;
        for (; (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'); text++)
            *bounds[i] = *bounds[i] * 16 + (uintptr_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    }
    *writable = text[0] == 'r' && text[1] == 'w';
    while (*text && *text != '\n')
        text++;
    return *text ? text + 1 : text;
}

/* What a revert to the version before `image` would write there is no way into its code. Only in a copy: such a revert is
 * refused once the code has gone. */
static void forget_undo(const struct pk_image *image) {
    for (struct pk_image *each = pk__runtime.images; each; each = each->older)
        for (size_t i = 0; each->tables && i < each->undo_count; i++)
            if ((uintptr_t)each->undo[i].place - (uintptr_t)image->place < image->payload->segment[PK_TEXT])
                each->undo[i].place = NULL;
}

int pk__is_reached(const struct pk_image *image) {
    enum { MOST = 4 << 20 };
    forget_undo(image);
    char *maps = pk__map(MOST);
    if (!maps)
        return 1;
    long got = pk__read_file("/proc/self/maps", maps, MOST);
    int reached = got <= 0 || got >= MOST - 1;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    for (const char *at = maps; !reached && *at;) {
        uintptr_t start, end;
        int writable;
        at = pk__read_mapping(at, &start, &end, &writable);
        int own = (start <= here && here < end) || start == (uintptr_t)maps ||
                  (start <= (uintptr_t)pk__runtime.scratch && (uintptr_t)pk__runtime.scratch < end);
        if (writable && !own)
            reached = points_into(start, end, (uintptr_t)image->place, image->payload->segment[PK_TEXT]);
    }
    pk__unmap(maps, MOST);
    return reached;
}

void pk__drop_text(struct pk_image *image) {
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
