/* What a programmer decides about live state, in plain C. generated/old.h, new.h and symbols.h have types, variables
 * and functions of both versions. patchkit adds stubs here, and never loses what is written. */
#include <patchkit_migration.h>
#include "symbols.h"

/* Called once, before the conversion: nothing is converted yet. */
int pk_transform_before(struct pk_migration *migration);
int pk_transform_before(struct pk_migration *migration) {
    if (pk_old__settings.proxy_enabled)
        return pk_refuse(migration, "requests of the proxy may lie in the memory of its Lua", 1);
    return 0;
}
