/* What a programmer writes for the update. */
#include <patchkit_migration.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

pk_conversion pk_convert_rest_customer; /* what follows from names and types alone */
int pk_transform_customer(struct pk_migration *migration, const struct old_customer *old, struct new_customer *new);
int pk_transform_customer(struct pk_migration *migration, const struct old_customer *old, struct new_customer *new) {
    if (pk_convert_rest_customer(migration, old, new))
        return 1;
    new->home = pk_made(migration, calloc(1, sizeof *new->home), free);
    if (!new->home)
        return 1;
    memcpy(new->home, &old->home, sizeof *new->home);
    return 0;
}
