/* The protocol: requests as arrays of bulk strings or as one line of words, and the replies. */
#include "kvd.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define LINE_MAX_LENGTH (64 * 1024)
#define HEADER_MAX 32

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

/* Forgets the arguments of the last request. */
void proto_reset(struct client *client)
{
    for (int at = 0; at < client->argc; at++) {
        mem_free(client->argv[at]);
    }
    client->argc = 0;
    client->expected = 0;
    client->bulk_length = -1;
    if (client->state != CLIENT_CLOSING) {
        client->state = CLIENT_IDLE;
    }
}

static void add_argument(struct client *client, const char *data, size_t length)
{
    if (client->argc == client->argv_room) {
        client->argv_room = client->argv_room ? client->argv_room * 2 : 8;
        client->argv = mem_resize(client->argv, (size_t)client->argv_room * sizeof *client->argv);
    }
    client->argv[client->argc++] = bytes_new(data, length);
}

static enum parse_result broken(struct client *client, const char *why)
{
    reply_error(client, "ERR Protocol error: %s", why);
    client->close_after_reply = 1;
    return PARSE_BROKEN;
}

/* Finds the end of the first line; returns its length without the line end, or -1 where it is not complete. */
static long line_length(struct client *client, size_t *taken)
{
    const char *front = buffer_front(&client->in);
    const char *end = memchr(front, '\n', buffer_length(&client->in));

    if (end == NULL) {
        return -1;
    }
    *taken = (size_t)(end - front) + 1;
    return end > front && end[-1] == '\r' ? end - front - 1 : end - front;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    digit = (char)tolower((unsigned char)digit);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Reads one escape behind a backslash at `at`; returns where it ends. */
static const char *unescape(const char *at, const char *end, char *result)
{
    static const char from[] = "nrtba";
    static const char to[] = "\n\r\t\b\a";

    if (*at == 'x' && end - at > 2 && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
        *result = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
        return at + 3;
    }
    const char *known = memchr(from, *at, sizeof from - 1);
    *result = known != NULL ? to[known - from] : *at;
    return at + 1;
}

/* Reads one word, quoted or not, into `word`; returns where it ends or NULL where a quote is open. */
static const char *inline_word(const char *at, const char *end, char *word, size_t *length)
{
    char quote = *at == '"' || *at == '\'' ? *at++ : '\0';

    *length = 0;
    while (at < end && (quote ? *at != quote : !isspace((unsigned char)*at))) {
        if (quote == '"' && *at == '\\' && at + 1 < end) {
            at = unescape(at + 1, end, &word[*length]);
        } else {
            word[*length] = *at++;
        }
        ++*length;
    }
    if (quote) {
        return at < end && (at + 1 == end || isspace((unsigned char)at[1])) ? at + 1 : NULL;
    }
    return at;
}

static enum parse_result parse_inline(struct client *client)
{
    size_t taken;
    long length = line_length(client, &taken);

    if (length < 0) {
        return buffer_length(&client->in) > LINE_MAX_LENGTH ? broken(client, "too big inline request") : PARSE_MORE;
    }
    const char *at = buffer_front(&client->in), *end = at + length;
    char *word = mem_alloc((size_t)length + 1);
    while (at != NULL && at < end) {
        if (isspace((unsigned char)*at)) {
            at++;
            continue;
        }
        size_t word_length;
        at = inline_word(at, end, word, &word_length);
        if (at != NULL) {
            add_argument(client, word, word_length);
        }
    }
    mem_free(word);
    buffer_consume(&client->in, taken);
    return at == NULL ? broken(client, "unbalanced quotes in request") : PARSE_READY;
}

/* Reads the number in a line that starts with `mark`. */
static enum parse_result header(struct client *client, char mark, long *number)
{
    size_t taken;
    long length = line_length(client, &taken);
    const char *front = buffer_front(&client->in);
    char *end;

    if (length < 0) {
        return buffer_length(&client->in) > HEADER_MAX ? broken(client, "too big count string") : PARSE_MORE;
    }
    *number = strtol(front + 1, &end, 10);
    if (*front != mark || length < 2 || end != front + length) {
        return broken(client, mark == '*' ? "invalid multibulk length" : "invalid bulk length");
    }
    buffer_consume(&client->in, taken);
    return PARSE_READY;
}

static enum parse_result parse_bulk(struct client *client)
{
    size_t length = (size_t)client->bulk_length;

    if (buffer_length(&client->in) < length + 2) {
        buffer_reserve(&client->in, length + 2 - buffer_length(&client->in));
        return PARSE_MORE;
    }
    add_argument(client, buffer_front(&client->in), length);
    buffer_consume(&client->in, length + 2);
    client->state = CLIENT_ARRAY;
    client->bulk_length = -1;
    client->expected--;
    return PARSE_READY;
}

static enum parse_result parse_array(struct client *client)
{
    while (client->expected > 0) {
        enum parse_result result;
        if (client->state == CLIENT_ARRAY) {
            result = header(client, '$', &client->bulk_length);
            if (result != PARSE_READY) {
                return result;
            }
            if (client->bulk_length < 0 || client->bulk_length > BULK_MAX) {
                return broken(client, "invalid bulk length");
            }
            client->state = CLIENT_BULK;
        }
        result = parse_bulk(client);
        if (result != PARSE_READY) {
            return result;
        }
    }
    return PARSE_READY;
}

static enum parse_result start_request(struct client *client)
{
    long count;

    if (*buffer_front(&client->in) != '*') {
        client->state = CLIENT_INLINE;
        return PARSE_READY;
    }
    enum parse_result result = header(client, '*', &count);
    if (result == PARSE_READY) {
        if (count > ARGUMENTS_MAX) {
            return broken(client, "invalid multibulk length");
        }
        client->expected = count > 0 ? (int)count : 0;
        client->state = CLIENT_ARRAY;
    }
    return result;
}

/* Goes on with the request that the client is sending; it may come in any number of pieces. */
enum parse_result proto_parse(struct client *client)
{
    if (buffer_length(&client->in) == 0) {
        return PARSE_MORE;
    }
    if (client->state == CLIENT_IDLE) {
        enum parse_result result = start_request(client);
        if (result != PARSE_READY) {
            return result;
        }
    }
    switch (client->state) {
    case CLIENT_INLINE:
        return parse_inline(client);
    case CLIENT_ARRAY:
    case CLIENT_BULK:
        return parse_array(client);
    case CLIENT_IDLE:
    case CLIENT_CLOSING:
        break;
    }
    return PARSE_MORE;
}

static void reply_raw(struct client *client, const char *data, size_t length)
{
    buffer_append(&client->out, data, length);
    client_touch_output(client);
}

static void reply_header(struct client *client, char mark, long long number)
{
    char text[HEADER_MAX];
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
        char digits[HEADER_MAX];
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
