/* Byte strings and the values that keys hold. */
#ifndef OBJECT_H
#define OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "dict.h"

/* A counted string; `data` has one zero byte after its end. */
struct bytes {
    uint32_t length;
    uint32_t room;
    char data[];
};

enum object_type { OBJECT_STRING, OBJECT_LIST, OBJECT_HASH };

#define OBJECT_TYPES 3
#define OBJECT_FOREVER 0xfffffffU /* a reference count that never changes */

struct list;

struct object {
    unsigned type : 3;
    unsigned numeric : 1; /* a string that `as.number` holds */
    unsigned references : 28;
    uint32_t used_at; /* seconds since the server started */
    union {
        int64_t number;
        struct bytes *text;
        struct list *list;
        struct dict *hash;
    } as;
};

struct bytes *bytes_new(const char *data, size_t length);
struct bytes *bytes_append(struct bytes *bytes, const char *data, size_t length);
bool bytes_equal(const struct bytes *left, const struct bytes *right);
bool bytes_number(const struct bytes *bytes, int64_t *number);

struct object *object_string(struct bytes *text);
struct object *object_number(int64_t number);
struct object *object_list(void);
struct object *object_hash(void);
struct object *object_retain(struct object *object);
void object_release(struct object *object);
size_t object_length(const struct object *object);
const char *object_type_name(enum object_type type);
struct bytes *object_text(const struct object *object);

extern const struct dict_type dict_of_objects; /* bytes to objects, owning both */
extern const struct dict_type dict_of_fields;  /* bytes to bytes, owning both */
extern const struct dict_type dict_of_times;   /* bytes owned elsewhere, to numbers */

#endif
