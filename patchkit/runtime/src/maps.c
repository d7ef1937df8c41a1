/* maps.c: what the kernel tells of this process in files: its mappings, and the words that it keeps in epoll instances. A list
 * is closed before anybody looks into it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>

#include "runtime.h"

struct stream {
    int descriptor, failed;
    long length, at;
    char buffer[1024];
};

/* The next character, -1 where there is none. */
static int next(struct stream *stream) {
    if (stream->at == stream->length) {
        stream->length = stream->failed ? 0 : pk__read(stream->descriptor, stream->buffer, sizeof stream->buffer);
        stream->at = 0;
        if (stream->length <= 0) {
            stream->failed |= stream->length < 0;
            stream->length = 0;
            return -1;
        }
    }
    return stream->buffer[stream->at++];
}

/* A hexadecimal number; returns the character behind it. */
static int hexadecimal(struct stream *stream, uintptr_t *ret) {
    int letter;
    *ret = 0;
    while (((letter = next(stream)) >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f'))
        *ret = *ret * 16 + (uintptr_t)(letter <= '9' ? letter - '0' : letter - 'a' + 10);
    return letter;
}

int pk__read_mappings(void) {
    struct pk_scratch *scratch = pk__runtime.scratch;
    struct stream stream = {.descriptor = pk__open("/proc/self/maps", O_RDONLY, 0)};
    uintptr_t start, end;
    scratch->mapping_count = 0;
    if (stream.descriptor < 0)
        return -1;
    while (hexadecimal(&stream, &start) == '-' && hexadecimal(&stream, &end) == ' ') {
        int readable = next(&stream) == 'r', writable = next(&stream) == 'w', letter;
        if (readable && writable && scratch->mapping_count == PK_MOST_MAPPINGS)
            stream.failed = 1;
        else if (readable && writable)
            scratch->mappings[scratch->mapping_count++] = (struct pk_span){start, end, PK_OF_NOBODY};
        while ((letter = next(&stream)) >= 0 && letter != '\n') {
        }
    }
    pk__close(stream.descriptor);
    return -stream.failed;
}

static int is_epoll(const char *descriptor) {
    static const char wanted[] = "anon_inode:[eventpoll]";
    char path[64], target[sizeof wanted] = "";
    struct pk_text text = {path, sizeof path, 0};
    pk__put(&text, "/proc/self/fd/");
    pk__put(&text, descriptor);
    return pk__call3(SYS_readlink, (long)path, (long)target, sizeof target - 1) == sizeof wanted - 1 && pk__same(target, wanted);
}

/* Lines like `tfd:       12 events:       19 data:     55d0c8a3b2a0  pos:0 ino:5d sdev:9`. */
static void each_word(const char *descriptor, void (*visit)(void *data, uint64_t number, uint64_t word), void *data) {
    static const char before[] = "data:";
    char path[64];
    struct pk_text text = {path, sizeof path, 0};
    pk__put(&text, "/proc/self/fdinfo/");
    pk__put(&text, descriptor);
    struct stream stream = {.descriptor = pk__open(path, O_RDONLY, 0)};
    uint64_t number;
    pk__number(descriptor, &number);
    for (int letter, met = 0; stream.descriptor >= 0 && (letter = next(&stream)) >= 0;) {
        met = letter == before[met] ? met + 1 : letter == before[0];
        if (before[met])
            continue;
        uintptr_t word;
        while ((letter = next(&stream)) == ' ') {
        }
        stream.at -= letter >= 0; /* the first digit */
        hexadecimal(&stream, &word);
        visit(data, number, word);
        met = 0;
    }
    if (stream.descriptor >= 0)
        pk__close(stream.descriptor);
}

void pk__each_epoll_word(void (*visit)(void *data, uint64_t number, uint64_t word), void *data) {
    char names[4096];
    int directory = pk__open("/proc/self/fd", O_RDONLY | O_DIRECTORY, 0);
    long got = 0;
    while (directory >= 0 && (got = pk__call3(SYS_getdents64, directory, (long)names, sizeof names)) > 0)
        for (long at = 0; at < got; at += ((const struct pk_entry *)(names + at))->length)
            if (is_epoll(((const struct pk_entry *)(names + at))->name))
                each_word(((const struct pk_entry *)(names + at))->name, visit, data);
    if (directory >= 0)
        pk__close(directory);
}
