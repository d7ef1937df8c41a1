/* journal.c: what the program's memory held before a migration wrote there.
 *
 * Written by the worker while all other threads are parked, and undone in the opposite order.
 */
#include "migration.h"

const struct pk_error *pk__keep(struct pk_moving *moving, void *place, size_t size, size_t *kept) {
    struct pk_change *change = pk__push(&moving->changes);
    size_t start = moving->bytes.count;
    for (size_t i = 0; change && i < size; i += PK_KEPT)
        if (!pk__push(&moving->bytes))
            change = NULL;
    if (!change)
        return pk__fail("PKL104", "there is no memory to keep what the update writes over");
    *change = (struct pk_change){place, size, start};
    pk__copy(moving->bytes.rows + start * PK_KEPT, place, size);
    if (kept)
        *kept = start;
    return NULL;
}

void pk__restore(struct pk_moving *moving) {
    const struct pk_change *changes = (const struct pk_change *)moving->changes.rows;
    for (size_t i = moving->changes.count; i > 0; i--)
        pk__copy(changes[i - 1].place, moving->bytes.rows + changes[i - 1].kept * PK_KEPT, changes[i - 1].size);
    moving->changes.count = moving->bytes.count = 0;
}
