/* What a programmer decides about live state, in plain C. generated/old.h, new.h and symbols.h have types,
 * variables and functions of both versions. patchkit adds stubs here, and never changes or removes what is written. */
#include <patchkit_migration.h>

#include "symbols.h"

/* Called once, after the conversion: each shard counts the bytes of its items. */
int pk_transform_after(struct pk_migration *migration);
int pk_transform_after(struct pk_migration *migration) {
    (void)migration;
    for (int at = 0; at < 16; at++) {
        struct new_shard *shard = &pk_new__store_c__shards[at];
        shard->bytes = 0;
        for (const struct new_item *item = shard->newest; item; item = item->older)
            shard->bytes += sizeof *item + item->key_length + item->length + 2;
    }
    return 0;
}
