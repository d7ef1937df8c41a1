/* What a programmer decides about live state on the way back, in plain C. generated/down/old.h, new.h and symbols.h
 * have types and variables of both versions, and functions of the old one. patchkit adds stubs here, and never loses
 * what is written. */
#include <patchkit_migration.h>

#include "symbols.h"

/* Called once, after the conversion: each shard counts the bytes of its items. */
int pk_down_after(struct pk_migration *migration);
int pk_down_after(struct pk_migration *migration) {
    (void)migration;
    for (int at = 0; at < 16; at++) {
        struct old_shard *shard = &pk_old__store_c__shards[at];
        shard->bytes = 0;
        for (const struct old_item *item = shard->newest; item; item = item->older)
            shard->bytes += sizeof *item + item->key_length + item->length + 2;
    }
    return 0;
}
