/* What a programmer writes for the update: a list becomes a table, whose chains use the words that there are. */
#include <patchkit_migration.h>
#include <string.h>

#include "symbols.h"

pk_conversion pk_convert_rest_registry; /* what follows from names and types alone */
int pk_transform_registry(struct pk_migration *migration, const struct old_registry *old, struct new_registry *new);
int pk_transform_registry(struct pk_migration *migration, const struct old_registry *old, struct new_registry *new) {
    if (pk_convert_rest_registry(migration, old, new))
        return 1;
    memset(new->buckets, 0, sizeof new->buckets);
    new->buckets[0] = (struct new_word *)old->first;
    return 0;
}

/* Called once, after the conversion: words go where the new version looks for them. */
int pk_transform_after(struct pk_migration *migration);
int pk_transform_after(struct pk_migration *migration) {
    struct new_registry *registry = &pk_new__program_c__registry;
    struct new_word *next, *word = registry->buckets[0];
    (void)migration;
    registry->buckets[0] = NULL;
    for (; word; word = next) {
        unsigned sum = 0;
        for (const char *at = word->text; *at; at++)
            sum = sum * 33 + (unsigned char)*at;
        struct new_word **place = &registry->buckets[sum % 4];
        while (*place)
            place = &(*place)->next;
        next = word->next;
        word->next = NULL;
        *place = word;
    }
    return 0;
}
