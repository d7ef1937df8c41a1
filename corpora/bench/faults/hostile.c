/* Conversions of kvd's update from v1 to v2 that go wrong where the server's option `maxclients` says so: 50000 + 10 * place
 * + way. Places: 0 before the conversion, 1 while the first client is converted, 2 after the conversion. */
#include <patchkit_migration.h>
#include <signal.h>
#include <stdlib.h>

#include "symbols.h"

static volatile int nothing;

static __attribute__((noinline)) int fall(volatile char *above) {
    volatile char frame[512];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = above[0];
    return fall(frame) + frame[0];
}

/* Returns 1 where it refused. */
static int go_wrong(int place, struct pk_migration *migration) {
    int asked = pk_old__server.max_clients - 50000;
    if (asked < 0 || asked / 10 != place)
        return 0;
    switch (asked % 10) {
    case 0: *(volatile int *)8 = 1; break;
    case 1: nothing = 7 / nothing; break;
    case 2: abort(); break;
    case 3: __builtin_trap(); break;
    case 4: ((void (*)(void))8)(); break;
    case 5: nothing = fall((volatile char *)&asked); break;
    case 6: *(volatile char *)go_wrong = 1; break;
    case 7: raise(SIGSEGV); break;
    case 8: return pk_refuse(migration, "refused by the campaign", asked);
    default:
        for (volatile int go = 1; go;) {
        }
    }
    return 0;
}

int pk_transform_before(struct pk_migration *migration);
int pk_transform_before(struct pk_migration *migration) {
    return go_wrong(0, migration);
}

pk_conversion pk_convert_rest_client;
int pk_transform_client(struct pk_migration *migration, const struct old_client *old, struct new_client *new);
int pk_transform_client(struct pk_migration *migration, const struct old_client *old, struct new_client *new) {
    return go_wrong(1, migration) || pk_convert_rest_client(migration, old, new);
}

int pk_transform_after(struct pk_migration *migration);
int pk_transform_after(struct pk_migration *migration) {
    if (go_wrong(2, migration))
        return 1;
    dict_free(pk_new__server.commands);
    command_init();
    return 0;
}
