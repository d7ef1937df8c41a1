/* maps.c: the mappings of this process, read as the kernel lists them. The list is closed before anybody looks into them. */
#define _GNU_SOURCE
#include <fcntl.h>

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
