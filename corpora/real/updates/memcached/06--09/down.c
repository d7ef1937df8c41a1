/* What a programmer decides about live state on the way back, in plain C. generated/down/old.h, new.h and symbols.h
 * have types and variables of both versions, and functions of the old one. patchkit adds stubs here, and never loses
 * what is written. */
#include <patchkit_migration.h>
#include "symbols.h"

/* Called once, before the conversion: nothing is converted yet. */
int pk_down_before(struct pk_migration *migration);
int pk_down_before(struct pk_migration *migration) {
    if (pk_new__settings.proxy_enabled)
        return pk_refuse(migration, "requests of the proxy may lie in the memory of its Lua", 1);
    return 0;
}
