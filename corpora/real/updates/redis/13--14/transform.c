/* What a programmer decides about live state, in plain C. generated/old.h, new.h and symbols.h have types, variables
 * and functions of both versions. patchkit adds stubs here, and never loses what is written. */
#include <patchkit_migration.h>

#include "symbols.h"

enum { GLOBALS = -10002 }; /* LUA_GLOBALSINDEX */

/* What the new version protects and takes away in a Lua state when it makes one; those that exist had none of it. */
static void protect(new_lua_State *lua) {
    luaSetTableProtectionForBasicTypes(lua);
    lua_enablereadonlytable(lua, GLOBALS, 0);
    lua_pushnil(lua);
    lua_setfield(lua, GLOBALS, "getfenv");
    lua_pushnil(lua);
    lua_setfield(lua, GLOBALS, "setfenv");
    lua_enablereadonlytable(lua, GLOBALS, 1);
}

/* Called once, after the conversion: everything is converted, and calls lead to the version to come. */
int pk_transform_after(struct pk_migration *migration);
int pk_transform_after(struct pk_migration *migration) {
    (void)migration;
    protect(pk_new__lctx.lua);
    new_sds name = sdsnew("LUA");
    new_engineInfo *info = dictFetchValue(pk_new__src_functions_c__engines, name);
    sdsfree(name);
    if (info) /* its functions run under globals of their own, which name no getfenv */
        luaSetTableProtectionForBasicTypes(((struct new_luaEngineCtx *)info->engine->engine_ctx)->lua);
    return 0;
}
