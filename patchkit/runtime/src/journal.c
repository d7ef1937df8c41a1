/* journal.c: what the program's memory held before a migration wrote there.
 *
 * Written by the worker while all other threads are parked, and undone in the opposite order. What is kept of the stretches
 * stands one behind the other in `bytes`, in whole rows.
 */
#include "migration.h"

static size_t rows_of(size_t size) { return (size + PK_KEPT - 1) / PK_KEPT; }

const struct pk_error *pk__set_aside(struct pk_moving *moving, void *place, size_t size, size_t *kept) {
    *kept = moving->bytes.count;
    uint8_t *bytes = pk__push_rows(&moving->bytes, rows_of(size));
    struct pk_change *change = bytes ? pk__push(&moving->changes) : NULL;
    if (!change) {
        moving->bytes.count = *kept;
        return pk__fail("PKL104", "there is no memory to keep what the update writes over");
    }
    *change = (struct pk_change){place, size};
    pk__copy(bytes, place, size);
    return NULL;
}

const struct pk_error *pk__keep(struct pk_moving *moving, void *place, size_t size) {
    size_t kept;
    const struct pk_error *error = pk__set_aside(moving, place, size, &kept);
    if (!error)
        moving->written = moving->changes.count;
    return error;
}

const struct pk_error *pk__keep_some(struct pk_moving *moving, uint8_t *place, const uint8_t *end) {
    enum { SOME = 512 };
    size_t size = end - place < SOME ? (size_t)(end - place) : SOME;
    const struct pk_error *error = (uintptr_t)place < moving->variables_end ? pk__open_pages(moving, (uintptr_t)place, size) : NULL;
    moving->kept = place;
    moving->kept_end = place + size;
    return error ? error : pk__keep(moving, place, size);
}

static void exchange(uint8_t *one, uint8_t *other, size_t size) {
    for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t), one += sizeof(uint64_t), other += sizeof(uint64_t)) {
        uint64_t word = pk__word(one);
        pk__put_word(one, pk__word(other));
        pk__put_word(other, word);
    }
    for (; size; size--, one++, other++) {
        uint8_t byte = *one;
        *one = *other;
        *other = byte;
    }
}

void pk__exchange(struct pk_moving *moving) {
    const struct pk_change *changes = (const struct pk_change *)moving->changes.rows;
    uint8_t *kept = moving->bytes.rows;
    for (size_t i = 0; i < moving->written; i++)
        kept += rows_of(changes[i].size) * PK_KEPT;
    for (; moving->written < moving->changes.count; moving->written++) {
        const struct pk_change *change = &changes[moving->written];
        exchange(change->place, kept, change->size);
        kept += rows_of(change->size) * PK_KEPT;
    }
}

/* What was put aside and not written yet stays as it is. */
void pk__restore(struct pk_moving *moving) {
    const struct pk_change *changes = (const struct pk_change *)moving->changes.rows;
    const uint8_t *kept = moving->bytes.rows + moving->bytes.count * PK_KEPT;
    for (size_t i = moving->changes.count; i > 0; i--) {
        kept -= rows_of(changes[i - 1].size) * PK_KEPT;
        if (i <= moving->written)
            pk__copy(changes[i - 1].place, kept, changes[i - 1].size);
    }
    moving->written = moving->changes.count = moving->bytes.count = 0;
}
