/* What a programmer decides about live state, in plain C. generated/old.h, new.h and symbols.h have types,
 * variables and functions of both versions. patchkit adds stubs here, and never changes or removes what is written. */
#include <patchkit_migration.h>

#include "symbols.h"

/* Called once, after the conversion: everything is converted, and all calls lead to new code. */
int pk_transform_after(struct pk_migration *migration);
int pk_transform_after(struct pk_migration *migration) {
    (void)migration;
    dict_free(pk_new__server.commands);
    command_init();
    return 0;
}
