/* What a programmer decides about live state on the way back, in plain C. generated/down/old.h, new.h and symbols.h
 * have types and variables of both versions, and functions of the old one. patchkit adds stubs here, and never loses
 * what is written. */
#include <patchkit_migration.h>

#include "symbols.h"

/* Called once, after the conversion: everything is converted, and calls lead to the version to come. */
int pk_down_after(struct pk_migration *migration);
int pk_down_after(struct pk_migration *migration) {
    (void)migration;
    dict_free(pk_old__server.commands);
    command_init();
    return 0;
}
