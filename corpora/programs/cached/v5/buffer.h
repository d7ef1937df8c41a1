/* A growing byte queue: bytes enter at `end` and leave at `start`. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>

struct buffer {
    char *data;
    size_t start;
    size_t end;
    size_t room;
};

static inline size_t buffer_length(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline char *buffer_front(const struct buffer *buffer)
{
    return buffer->data + buffer->start;
}

char *buffer_reserve(struct buffer *buffer, size_t length);
void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_release(struct buffer *buffer);

#endif
