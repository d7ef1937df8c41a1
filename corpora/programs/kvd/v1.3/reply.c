/* The replies. */
#include "kvd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_ROOM 32

struct shared_reply {
    const char *text;
    size_t length;
};

#define SHARED(text) {text, sizeof(text) - 1}

static const struct shared_reply shared[] = {
    [REPLY_OK] = SHARED("+OK\r\n"),
    [REPLY_PONG] = SHARED("+PONG\r\n"),
    [REPLY_NIL] = SHARED("$-1\r\n"),
    [REPLY_EMPTY] = SHARED("*0\r\n"),
    [REPLY_WRONG_TYPE] = SHARED("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
    [REPLY_SYNTAX] = SHARED("-ERR syntax error\r\n"),
    [REPLY_NOT_NUMBER] = SHARED("-ERR value is not an integer or out of range\r\n"),
    [REPLY_NO_KEY] = SHARED("-ERR no such key\r\n"),
};

static void reply_raw(struct client *client, const char *data, size_t length)
{
    buffer_append(&client->out, data, length);
    net_wake(client);
}

static void reply_header(struct client *client, char mark, long long number)
{
    char text[NUMBER_ROOM];
    int length = snprintf(text, sizeof text, "%c%lld\r\n", mark, number);

    reply_raw(client, text, (size_t)length);
}

void reply_shared(struct client *client, enum reply reply)
{
    reply_raw(client, shared[reply].text, shared[reply].length);
}

void reply_error(struct client *client, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reply_raw(client, "-", 1);
    reply_raw(client, text, strcspn(text, "\r\n"));
    reply_raw(client, "\r\n", 2);
}

void reply_number(struct client *client, int64_t number)
{
    reply_header(client, ':', number);
}

void reply_bulk(struct client *client, const char *data, size_t length)
{
    reply_header(client, '$', (long long)length);
    reply_raw(client, data, length);
    reply_raw(client, "\r\n", 2);
}

void reply_bytes(struct client *client, const struct bytes *bytes)
{
    reply_bulk(client, bytes->data, bytes->length);
}

void reply_text(struct client *client, const char *text)
{
    reply_bulk(client, text, strlen(text));
}

/* A string object's content, or nil where there is no object. */
void reply_object(struct client *client, const struct object *object)
{
    if (object == NULL) {
        reply_shared(client, REPLY_NIL);
    } else if (object->numeric) {
        char digits[NUMBER_ROOM];
        int length = snprintf(digits, sizeof digits, "%lld", (long long)object->as.number);
        reply_bulk(client, digits, (size_t)length);
    } else {
        reply_bytes(client, object->as.text);
    }
}

void reply_array(struct client *client, size_t count)
{
    reply_header(client, '*', (long long)count);
}
