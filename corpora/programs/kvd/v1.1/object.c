#include "object.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvd.h"
#include "list.h"
#include "mem.h"

#define SMALL_NUMBERS 64
#define NUMBER_DIGITS 24

static const char *const type_names[OBJECT_TYPES] = {"string", "list", "hash"};

/* Objects of the numbers that are wanted most often, made when first asked for and then shared. */
static struct object *small_numbers[SMALL_NUMBERS];

static uint64_t hash_bytes(const void *key)
{
    const struct bytes *bytes = key;
    return dict_hash_bytes(bytes->data, bytes->length);
}

static bool equal_bytes(const void *left, const void *right)
{
    return bytes_equal(left, right);
}

static void release_object(void *value)
{
    object_release(value);
}

const struct dict_type dict_of_objects = {hash_bytes, equal_bytes, mem_free, release_object};
const struct dict_type dict_of_fields = {hash_bytes, equal_bytes, mem_free, mem_free};
const struct dict_type dict_of_times = {hash_bytes, equal_bytes, NULL, NULL};

/* A string of `length` bytes, copied from `data` unless that is NULL. */
struct bytes *bytes_new(const char *data, size_t length)
{
    struct bytes *bytes = mem_alloc(sizeof *bytes + length + 1);

    bytes->length = bytes->room = (uint32_t)length;
    if (data != NULL) {
        memcpy(bytes->data, data, length);
    }
    bytes->data[length] = '\0';
    return bytes;
}

/* Adds to the end; the string may move. */
struct bytes *bytes_append(struct bytes *bytes, const char *data, size_t length)
{
    size_t total = bytes->length + length;

    if (total > bytes->room) {
        size_t room = total * 2;
        bytes = mem_resize(bytes, sizeof *bytes + room + 1);
        bytes->room = (uint32_t)room;
    }
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length = (uint32_t)total;
    bytes->data[total] = '\0';
    return bytes;
}

bool bytes_equal(const struct bytes *left, const struct bytes *right)
{
    return left->length == right->length && memcmp(left->data, right->data, left->length) == 0;
}

/* Whether the string is a decimal number in its shortest form. */
bool bytes_number(const struct bytes *bytes, int64_t *number)
{
    char *end, again[NUMBER_DIGITS];

    if (bytes->length == 0 || bytes->length >= sizeof again) {
        return false;
    }
    errno = 0;
    long long value = strtoll(bytes->data, &end, 10);
    if (errno != 0 || *end != '\0') {
        return false;
    }
    int length = snprintf(again, sizeof again, "%lld", value);
    if ((uint32_t)length != bytes->length || memcmp(again, bytes->data, bytes->length) != 0) {
        return false;
    }
    *number = value;
    return true;
}

static struct object *object_new(enum object_type type)
{
    struct object *object = mem_zero(1, sizeof *object);

    object->type = type;
    object->references = 1;
    object->used_at = (uint32_t)(time(NULL) - server.started);
    return object;
}

/* Takes ownership of `text`. */
struct object *object_string(struct bytes *text)
{
    int64_t number;

    if (bytes_number(text, &number)) {
        mem_free(text);
        return object_number(number);
    }
    struct object *object = object_new(OBJECT_STRING);
    object->as.text = text;
    return object;
}

struct object *object_number(int64_t number)
{
    bool small = number >= 0 && number < SMALL_NUMBERS;

    if (small && small_numbers[number] != NULL) {
        return small_numbers[number];
    }
    struct object *object = object_new(OBJECT_STRING);
    object->numeric = 1;
    object->as.number = number;
    if (small) {
        object->references = OBJECT_FOREVER;
        small_numbers[number] = object;
    }
    return object;
}

struct object *object_list(void)
{
    struct object *object = object_new(OBJECT_LIST);
    object->as.list = list_new();
    return object;
}

struct object *object_hash(void)
{
    struct object *object = object_new(OBJECT_HASH);
    object->as.hash = dict_new(&dict_of_fields);
    return object;
}

struct object *object_retain(struct object *object)
{
    if (object->references != OBJECT_FOREVER) {
        object->references++;
    }
    return object;
}

void object_release(struct object *object)
{
    if (object->references == OBJECT_FOREVER || --object->references > 0) {
        return;
    }
    switch ((enum object_type)object->type) {
    case OBJECT_STRING:
        if (!object->numeric) {
            mem_free(object->as.text);
        }
        break;
    case OBJECT_LIST:
        list_free(object->as.list);
        break;
    case OBJECT_HASH:
        dict_free(object->as.hash);
        break;
    }
    mem_free(object);
}

/* Elements of a container, bytes of a string. */
size_t object_length(const struct object *object)
{
    switch ((enum object_type)object->type) {
    case OBJECT_STRING:
        return object->numeric ? (size_t)snprintf(NULL, 0, "%lld", (long long)object->as.number)
                               : object->as.text->length;
    case OBJECT_LIST:
        return list_length(object->as.list);
    case OBJECT_HASH:
        return dict_size(object->as.hash);
    }
    return 0;
}

const char *object_type_name(enum object_type type)
{
    return type_names[type];
}

/* A string object's content as a new byte string. */
struct bytes *object_text(const struct object *object)
{
    char digits[NUMBER_DIGITS];

    if (!object->numeric) {
        return bytes_new(object->as.text->data, object->as.text->length);
    }
    int length = snprintf(digits, sizeof digits, "%lld", (long long)object->as.number);
    return bytes_new(digits, (size_t)length);
}
