#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

#define BUFFER_FIRST 2048
#define BUFFER_KEEP (64 * 1024)

/* Makes room for `length` more bytes and returns where they go. */
char *buffer_reserve(struct buffer *buffer, size_t length)
{
    if (buffer->start > 0 && buffer->room - buffer->end < length) {
        memmove(buffer->data, buffer_front(buffer), buffer_length(buffer));
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    if (buffer->room - buffer->end < length) {
        size_t room = buffer->room ? buffer->room : BUFFER_FIRST;
        while (room - buffer->end < length) {
            room *= 2;
        }
        char *data = realloc(buffer->data, room);
        if (data == NULL) {
            log_fatal("out of memory: a buffer of %zu bytes", room);
        }
        buffer->data = data;
        buffer->room = room;
    }
    return buffer->data + buffer->end;
}

void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    memcpy(buffer_reserve(buffer, length), data, length);
    buffer->end += length;
}

/* Drops `length` bytes from the front; an empty buffer that has grown large is given back. */
void buffer_consume(struct buffer *buffer, size_t length)
{
    buffer->start += length;
    if (buffer->start < buffer->end) {
        return;
    }
    buffer->start = buffer->end = 0;
    if (buffer->room > BUFFER_KEEP) {
        buffer_release(buffer);
    }
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}
