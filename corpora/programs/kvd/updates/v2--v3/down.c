/* What a programmer decides about live state on the way back, in plain C. generated/down/old.h, new.h and symbols.h
 * have types and variables of both versions, and functions of the old one. patchkit adds stubs here, and never loses
 * what is written. */
#include <patchkit_migration.h>

#include <string.h>

#include "symbols.h"

/* Called once, after the conversion: everything is converted, and calls lead to the version to come. */
int pk_down_after(struct pk_migration *migration);
int pk_down_after(struct pk_migration *migration) {
    (void)migration;
    dict_free(pk_old__server.commands);
    command_init();
    return 0;
}

/* struct list: chunks become nodes again */
pk_conversion pk_down_rest_list; /* what follows from names and types alone */
int pk_down_list(struct pk_migration *migration, const struct new_list *new, struct old_list *old);
int pk_down_list(struct pk_migration *migration, const struct new_list *new, struct old_list *old) {
    if (pk_down_rest_list(migration, new, old))
        return 1;
    old->head = old->tail = NULL;
    for (struct new_list_chunk *chunk = new->head; chunk; chunk = chunk->next) {
        for (int at = chunk->first; at < chunk->first + chunk->count; at++) {
            struct old_list_node *node = pk_made(migration, mem_zero(1, sizeof *node), mem_free);
            if (!node)
                return 1;
            node->value = pk_forward(migration, chunk->items[at]);
            node->prev = old->tail;
            *(old->tail ? &old->tail->next : &old->head) = node;
            old->tail = node;
        }
        pk_dropped(migration, chunk, mem_free);
    }
    return 0;
}

/* struct server: one save point is the rule */
pk_conversion pk_down_rest_server; /* what follows from names and types alone */
int pk_down_server(struct pk_migration *migration, const struct new_server *new, struct old_server *old);
int pk_down_server(struct pk_migration *migration, const struct new_server *new, struct old_server *old) {
    if (pk_down_rest_server(migration, new, old))
        return 1;
    if (new->save_point_count > 1)
        return pk_refuse(migration, "more than one save point", new->save_point_count);
    if (new->save_point_count) {
        old->save_seconds = new->save_points[0].seconds;
        old->save_changes = new->save_points[0].changes;
    }
    memset(old->rate, 0, sizeof old->rate);
    old->rate_at = 0;
    return 0;
}

/* struct dict_entry: its value stays as it is, since objects shrink where they are; the hook drops those of commands */
int pk_down_dict_entry(struct pk_migration *migration, const struct new_dict_entry *new, struct old_dict_entry *old);
int pk_down_dict_entry(struct pk_migration *migration, const struct new_dict_entry *new, struct old_dict_entry *old) {
    old->key = new->key;
    old->value.number = new->value.number;
    old->next = pk_forward(migration, new->next);
    return 0;
}
