/* A connection: what it has received, what it is waiting for, what it still has to send. */
#include "cached.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"

#define READ_CHUNK 16384
#define OUTPUT_HIGH (1024 * 1024) /* where it stops reading until the client has read */
#define REPLY_ROOM 512

void conn_open(struct worker *worker, int fd)
{
    struct conn *conn = calloc(1, sizeof *conn);

    if (conn == NULL) {
        log_fatal("out of memory: a connection");
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    conn->fd = fd;
    conn->worker = worker;
    conn->events = EPOLLIN;
    conn->next = worker->conns;
    if (conn->next != NULL) {
        conn->next->prev = conn;
    }
    worker->conns = conn;
    if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        log_write(0, "epoll_ctl: %s", strerror(errno));
        conn_close(conn);
    }
}

void conn_close(struct conn *conn)
{
    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        conn->worker->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    close(conn->fd);
    stats_connections(-1);
    if (conn->item != NULL) {
        item_free(conn->item);
    }
    buffer_release(&conn->in);
    buffer_release(&conn->out);
    free(conn);
}

void conn_write(struct conn *conn, struct view bytes)
{
    buffer_append(&conn->out, bytes.data, bytes.length);
}

/* Answers with a line, unless the request wanted no reply. */
void conn_reply(struct conn *conn, const char *text)
{
    if (!conn->quiet) {
        conn_write(conn, (struct view){text, strlen(text)});
        conn_write(conn, (struct view){"\r\n", 2});
    }
}

void conn_printf(struct conn *conn, const char *format, ...)
{
    char text[REPLY_ROOM];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    conn_reply(conn, text);
}

/* Returns whether the connection is still there. */
static bool receive_input(struct conn *conn)
{
    char *place = buffer_reserve(&conn->in, READ_CHUNK);
    ssize_t got = read(conn->fd, place, READ_CHUNK);

    if (got < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    conn->in.end += (size_t)got;
    stats_count(COUNT_BYTES_READ, (uint64_t)got);
    return got > 0;
}

static bool take_line(struct conn *conn)
{
    char *front = buffer_front(&conn->in);
    size_t length = buffer_length(&conn->in);
    char *end = length > 0 ? memchr(front, '\n', length) : NULL;

    if (end == NULL && length > LINE_LENGTH_MAX) {
        conn_reply(conn, "CLIENT_ERROR line too long");
        conn->state = CONN_CLOSING;
    }
    if (end == NULL) {
        return false;
    }
    size_t taken = (size_t)(end - front) + 1;
    size_t text = end > front && end[-1] == '\r' ? taken - 2 : taken - 1;
    front[text] = '\0';
    protocol_line(conn, (struct view){front, text});
    buffer_consume(&conn->in, taken);
    return true;
}

/* The value goes into its item piece by piece, with the line end behind it. */
static bool take_value(struct conn *conn)
{
    size_t missing = conn->item->length + 2 - conn->filled;
    size_t taken = buffer_length(&conn->in) < missing ? buffer_length(&conn->in) : missing;

    if (taken == 0) {
        return false;
    }
    memcpy(item_value(conn->item) + conn->filled, buffer_front(&conn->in), taken);
    conn->filled += taken;
    buffer_consume(&conn->in, taken);
    if (taken == missing) {
        conn->state = CONN_COMMAND;
        protocol_value(conn);
    }
    return true;
}

static bool drop_value(struct conn *conn)
{
    size_t present = buffer_length(&conn->in);
    size_t taken = present < conn->swallow ? present : conn->swallow;

    buffer_consume(&conn->in, taken);
    conn->swallow -= taken;
    if (conn->swallow == 0) {
        conn->state = CONN_COMMAND;
    }
    return taken > 0;
}

/* Goes one step on with what has come; returns whether there may be another. */
static bool advance(struct conn *conn)
{
    switch (conn->state) {
    case CONN_COMMAND:
        return take_line(conn);
    case CONN_VALUE:
        return take_value(conn);
    case CONN_SWALLOW:
        return drop_value(conn);
    case CONN_CLOSING:
        break;
    }
    return false;
}

/* Sends what it can; returns whether the connection is still good. */
static bool flush(struct conn *conn)
{
    while (buffer_length(&conn->out) > 0) {
        ssize_t sent = write(conn->fd, buffer_front(&conn->out), buffer_length(&conn->out));
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return errno == EAGAIN;
        }
        stats_count(COUNT_BYTES_WRITTEN, (uint64_t)sent);
        buffer_consume(&conn->out, (size_t)sent);
    }
    return conn->state != CONN_CLOSING;
}

static void want(struct conn *conn)
{
    size_t waiting = buffer_length(&conn->out);
    bool reads = conn->state != CONN_CLOSING && waiting < OUTPUT_HIGH;
    uint32_t events = (reads ? EPOLLIN : 0U) | (waiting > 0 ? EPOLLOUT : 0U);
    struct epoll_event event = {.events = events, .data.ptr = conn};

    if (events != conn->events) {
        conn->events = events;
        epoll_ctl(conn->worker->epoll, EPOLL_CTL_MOD, conn->fd, &event);
    }
}

/* Reads, runs and answers; the connection may be gone afterwards. */
void conn_ready(struct conn *conn, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !receive_input(conn)) {
        conn_close(conn);
        return;
    }
    bool more = true;
    while (more) {
        while (buffer_length(&conn->out) < OUTPUT_HIGH && (more = advance(conn))) {
        }
        if (!flush(conn)) {
            conn_close(conn);
            return;
        }
        more = more && buffer_length(&conn->out) < OUTPUT_HIGH;
    }
    want(conn);
}
