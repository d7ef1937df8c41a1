/* What a programmer decides about live state, in plain C. generated/old.h, new.h and symbols.h have types, variables
 * and functions of both versions. patchkit adds stubs here, and never loses what is written. */
#include <patchkit_migration.h>

#include "symbols.h"

/* Whether a server asks for the status of its clients' certificates, or staples that of its own. Only then is there a
 * struct ngx_ssl_ocsp_ctx_s, in a pool of its own behind untyped pointers. */
static int asks_for_status(void) {
    old_ngx_http_conf_ctx_t *http = (void *)pk_old__ngx_cycle->conf_ctx[pk_old__ngx_http_module.index];
    if (!http)
        return 0;
    struct old_ngx_http_core_main_conf_t *core = http->main_conf[pk_old__ngx_http_core_module.ctx_index];
    struct old_ngx_http_core_srv_conf_t **servers = core->servers.elts;
    for (size_t i = 0; i < core->servers.nelts; i++) {
        struct old_ngx_http_ssl_srv_conf_t *ssl = servers[i]->ctx->srv_conf[pk_old__ngx_http_ssl_module.ctx_index];
        if (ssl->ocsp || ssl->stapling)
            return 1;
    }
    return 0;
}

/* Called once, before the conversion: nothing is converted yet. */
int pk_transform_before(struct pk_migration *migration);
int pk_transform_before(struct pk_migration *migration) {
    if (asks_for_status())
        return pk_refuse(migration, "a server asks for the status of certificates: questions may be under way", 1);
    return 0;
}
