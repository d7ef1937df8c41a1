/* The dump: all keys in one file, written whole and read at the start.
 *
 * "KVD1", then per key: a byte for the type, the expiry (8 bytes, 0 for none), the key, the value; a byte 0xff; a
 * checksum. A string is its length (4 bytes) and its bytes; a container is its length and its elements. Numbers are
 * little-endian.
 */
#include "kvd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "list.h"
#include "log.h"
#include "mem.h"

#define MAGIC "KVD1"
#define END_MARK 0xff
#define PATH_ROOM 1024

/* A dump that is being written or read. */
struct dump {
    FILE *file;
    uint32_t sum;
    bool failed;
};

static int failures_in_a_row;
static uint64_t saves;

static void dump_path(char *path, const char *suffix)
{
    snprintf(path, PATH_ROOM, "%s/%s%s", server.dir, server.dump_name, suffix);
}

static void checksum(struct dump *dump, const void *data, size_t length)
{
    const unsigned char *byte = data;

    while (length-- > 0) {
        dump->sum = (dump->sum ^ *byte++) * 16777619U;
    }
}

static void put(struct dump *dump, const void *data, size_t length)
{
    checksum(dump, data, length);
    dump->failed |= fwrite(data, 1, length, dump->file) != length;
}

static void put_bytes(struct dump *dump, const struct bytes *bytes)
{
    put(dump, &bytes->length, sizeof bytes->length);
    put(dump, bytes->data, bytes->length);
}

static void put_element(const struct bytes *value, void *data)
{
    put_bytes(data, value);
}

static void put_field(struct dict_entry *entry, void *data)
{
    put_bytes(data, entry->key);
    put_bytes(data, entry->value.pointer);
}

static void put_value(struct dump *dump, const struct object *object)
{
    uint32_t length = (uint32_t)object_length(object);
    struct bytes *text;

    switch ((enum object_type)object->type) {
    case OBJECT_STRING:
        text = object_text(object);
        put_bytes(dump, text);
        mem_free(text);
        break;
    case OBJECT_LIST:
        put(dump, &length, sizeof length);
        list_range(object->as.list, 0, length, put_element, dump);
        break;
    case OBJECT_HASH:
        put(dump, &length, sizeof length);
        dict_walk(object->as.hash, put_field, dump);
        break;
    }
}

static void put_key(struct dict_entry *entry, void *data)
{
    const struct object *object = entry->value.pointer;
    int64_t when = expire_get(entry->key);
    unsigned char type = object->type;

    put(data, &type, sizeof type);
    put(data, &when, sizeof when);
    put_bytes(data, entry->key);
    put_value(data, object);
}

static bool write_dump(const char *path)
{
    struct dump dump = {.file = fopen(path, "w")};
    unsigned char end = END_MARK;

    if (dump.file == NULL) {
        return false;
    }
    put(&dump, MAGIC, strlen(MAGIC));
    dict_walk(server.keys, put_key, &dump);
    put(&dump, &end, sizeof end);
    uint32_t sum = dump.sum;
    put(&dump, &sum, sizeof sum);
    bool written = !dump.failed && fflush(dump.file) == 0;
    return fclose(dump.file) == 0 && written;
}

static bool replace_dump(void)
{
    char path[PATH_ROOM], temporary[PATH_ROOM], suffix[32];

    snprintf(suffix, sizeof suffix, ".%d", (int)getpid());
    dump_path(path, "");
    dump_path(temporary, suffix);
    if (write_dump(temporary) && rename(temporary, path) == 0) {
        return true;
    }
    log_write(LOG_ERROR, "cannot save to %s: %s", path, strerror(errno));
    unlink(temporary);
    return false;
}

static void saved(bool ok, long dirty_then)
{
    server.last_save_failed = !ok;
    if (!ok) {
        failures_in_a_row++;
        return;
    }
    failures_in_a_row = 0;
    saves++;
    server.dirty -= dirty_then;
    server.last_save = time(NULL);
    log_write(LOG_INFO, "saved, %llu times since the start", (unsigned long long)saves);
}

bool persist_save(void)
{
    bool ok = replace_dump();

    saved(ok, server.dirty);
    return ok;
}

bool persist_save_in_background(void)
{
    pid_t child = fork();

    if (child < 0) {
        log_write(LOG_ERROR, "cannot fork to save: %s", strerror(errno));
        return false;
    }
    if (child == 0) {
        _exit(replace_dump() ? 0 : 1);
    }
    server.save_child = child;
    server.dirty_at_fork = server.dirty;
    return true;
}

/* Notes the end of a save in the background. */
void persist_reap(void)
{
    int status;

    if (server.save_child <= 0 || waitpid(server.save_child, &status, WNOHANG) != server.save_child) {
        return;
    }
    server.save_child = 0;
    saved(WIFEXITED(status) && WEXITSTATUS(status) == 0, server.dirty_at_fork);
}

static void get(struct dump *dump, void *data, size_t length)
{
    if (dump->failed || fread(data, 1, length, dump->file) != length) {
        dump->failed = true;
        memset(data, 0, length);
    }
    checksum(dump, data, length);
}

static struct bytes *get_bytes(struct dump *dump)
{
    uint32_t length;

    get(dump, &length, sizeof length);
    if (length > BULK_MAX) {
        dump->failed = true;
        length = 0;
    }
    struct bytes *bytes = bytes_new(NULL, length);
    get(dump, bytes->data, length);
    return bytes;
}

static struct object *get_container(struct dump *dump, enum object_type type)
{
    struct object *object = type == OBJECT_LIST ? object_list() : object_hash();
    uint32_t length;

    get(dump, &length, sizeof length);
    while (length-- > 0 && !dump->failed) {
        struct bytes *element = get_bytes(dump);
        if (type == OBJECT_LIST) {
            list_push(object->as.list, LIST_TAIL, element);
        } else {
            dict_insert(object->as.hash, element)->value.pointer = get_bytes(dump);
        }
    }
    return object;
}

static bool get_key(struct dump *dump)
{
    unsigned char type;
    int64_t when;

    get(dump, &type, sizeof type);
    if (dump->failed || type == END_MARK) {
        return false;
    }
    if (type >= OBJECT_TYPES) {
        dump->failed = true;
        return false;
    }
    get(dump, &when, sizeof when);
    struct bytes *key = get_bytes(dump);
    struct object *object = type == OBJECT_STRING ? object_string(get_bytes(dump)) : get_container(dump, type);
    set_key(key, object);
    if (when != 0) {
        expire_set(key, when);
    }
    mem_free(key);
    return true;
}

void persist_load(void)
{
    char path[PATH_ROOM], magic[sizeof MAGIC] = "";
    uint32_t sum;

    dump_path(path, "");
    struct dump dump = {.file = fopen(path, "r")};
    if (dump.file == NULL) {
        return;
    }
    server.loading = 1;
    get(&dump, magic, strlen(MAGIC));
    if (strcmp(magic, MAGIC) != 0) {
        log_fatal("%s is not a dump", path);
    }
    while (get_key(&dump)) {
    }
    uint32_t expected = dump.sum;
    get(&dump, &sum, sizeof sum);
    if (dump.failed || sum != expected) {
        log_fatal("%s is damaged", path);
    }
    fclose(dump.file);
    server.loading = 0;
    server.dirty = 0;
    log_write(LOG_INFO, "loaded %zu keys", dict_size(server.keys));
}

void command_save(struct client *client)
{
    if (server.save_child > 0) {
        reply_error(client, "ERR Background save already in progress");
    } else if (persist_save()) {
        reply_shared(client, REPLY_OK);
    } else {
        reply_error(client, "ERR cannot save");
    }
}

void command_bgsave(struct client *client)
{
    if (server.save_child > 0) {
        reply_error(client, "ERR Background save already in progress");
    } else if (persist_save_in_background()) {
        reply_text(client, "Background saving started");
    } else {
        reply_error(client, "ERR cannot fork");
    }
}
