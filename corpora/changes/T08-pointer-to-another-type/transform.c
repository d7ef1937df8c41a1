/* What a programmer writes for the update. */
#include <patchkit_migration.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

pk_conversion pk_convert_rest_lamp; /* what follows from names and types alone */
int pk_transform_lamp(struct pk_migration *migration, const struct old_lamp *old, struct new_lamp *new);
int pk_transform_lamp(struct pk_migration *migration, const struct old_lamp *old, struct new_lamp *new) {
    if (pk_convert_rest_lamp(migration, old, new))
        return 1;
    struct new_gradient *colour = pk_made(migration, calloc(1, sizeof *colour), free);
    const struct old_rgb *rgb = old->colour;
    if (!colour)
        return 1;
    colour->hue = rgb->red;
    colour->stops[0] = rgb->green;
    colour->stops[1] = rgb->blue;
    new->colour = colour;
    pk_dropped(migration, old->colour, free);
    return 0;
}
