/* What a programmer writes for the update. */
#include <patchkit_migration.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

pk_conversion pk_convert_rest_row; /* what follows from names and types alone */
int pk_transform_row(struct pk_migration *migration, const struct old_row *old, struct new_row *new);
int pk_transform_row(struct pk_migration *migration, const struct old_row *old, struct new_row *new) {
    if (pk_convert_rest_row(migration, old, new))
        return 1;
    new->cells = pk_made(migration, calloc(3, sizeof *new->cells), free);
    if (!new->cells)
        return 1;
    memcpy(new->cells, old->cells, sizeof old->cells);
    return 0;
}
