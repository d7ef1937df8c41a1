/* What a programmer decides about live state, in plain C. generated/old.h, new.h and symbols.h have types,
 * variables and functions of both versions. patchkit adds stubs here, and never changes or removes what is written. */
#include <patchkit_migration.h>

#include "symbols.h"

pk_conversion pk_convert_rest_list; /* what follows from names and types alone */

/* struct list */
int pk_transform_list(struct pk_migration *migration, const struct old_list *old, struct new_list *new);
int pk_transform_list(struct pk_migration *migration, const struct old_list *old, struct new_list *new) {
    if (pk_convert_rest_list(migration, old, new))
        return 1;
    new->head = new->tail = NULL;
    new->chunks = 0;
    for (const struct old_list_node *node = (const struct old_list_node *)old->head; node; node = node->next) {
        struct new_list_chunk *chunk = new->tail;
        if (!chunk || chunk->count == 32) {
            chunk = pk_made(migration, mem_zero(1, sizeof *chunk), mem_free);
            if (!chunk)
                return 1;
            chunk->prev = new->tail;
            *(new->tail ? &new->tail->next : &new->head) = chunk;
            new->tail = chunk;
            new->chunks++;
        }
        chunk->items[chunk->count++] = pk_forward(migration, node->value);
        pk_dropped(migration, node, mem_free);
    }
    return 0;
}

pk_conversion pk_convert_rest_server; /* what follows from names and types alone */

/* struct server */
int pk_transform_server(struct pk_migration *migration, const struct old_server *old, struct new_server *new);
int pk_transform_server(struct pk_migration *migration, const struct old_server *old, struct new_server *new) {
    if (pk_convert_rest_server(migration, old, new))
        return 1;
    if (old->save_seconds > 0) {
        new->save_points[0].seconds = old->save_seconds;
        new->save_points[0].changes = old->save_changes;
        new->save_point_count = 1;
    }
    return 0;
}

static void hash_entry(struct new_dict_entry *entry, void *data) {
    uint64_t (*hash)(const void *) = (uint64_t (*)(const void *))((struct new_dict *)data)->type->hash;
    entry->hash = hash(entry->key);
}

static void hash_entries(struct new_dict *dict) {
    dict_walk(dict, hash_entry, dict);
}

static void hash_fields(struct new_dict_entry *entry, void *data) {
    struct new_object *object = entry->value.pointer;
    (void)data;
    if (object->type == new_OBJECT_HASH)
        hash_entries(object->as.hash);
}

/* Called once, after the conversion: everything is converted, and all calls lead to new code. */
int pk_transform_after(struct pk_migration *migration);
int pk_transform_after(struct pk_migration *migration) {
    (void)migration;
    dict_free(pk_new__server.commands);
    command_init();
    hash_entries(pk_new__server.keys);
    hash_entries(pk_new__server.expires);
    dict_walk(pk_new__server.keys, hash_fields, NULL);
    return 0;
}
