/* The data connection: one transfer goes over it, and then it is closed. */
#include "ftpd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STALL_SECONDS 60

/* A transfer while it goes on. */
struct transfer {
    int fd;
    bool failed;
    struct throttle throttle;
};

/* Begins a transfer, and tells the client which; replies where there is no connection. */
static bool begin(struct session *session, struct transfer *transfer, const char *what)
{
    transfer->fd = passive_accept(session);
    transfer->failed = false;
    passive_forget(session);
    if (transfer->fd < 0) {
        reply(session, "425 There is no data connection.");
        return false;
    }
    session->aborted = false;
    throttle_begin(&transfer->throttle);
    reply(session, "150 %s", what);
    return true;
}

static uint32_t transfers; /* that were completed */

uint32_t data_transfers(void)
{
    return transfers;
}

/* Closes the connection and tells the client how the transfer went. */
static void end(struct session *session, struct transfer *transfer)
{
    close(transfer->fd);
    if (session->aborted) {
        reply(session, "426 The transfer was ended.");
        reply(session, "226 As you wished.");
    } else if (transfer->failed) {
        reply(session, "426 The transfer failed.");
    } else {
        transfers++;
        reply(session, "226 The transfer is complete.");
    }
}

/* Waits until the connection is ready; a long wait is looked at by line_look_for_abort() now and then. */
static bool await(struct session *session, struct transfer *transfer, short events)
{
    for (int waited = 0; waited < STALL_SECONDS * 10; waited++) {
        line_look_for_abort(session);
        if (session->aborted) {
            return false;
        }
        if (line_wait(session, transfer->fd, events, 100)) {
            return true;
        }
    }
    transfer->failed = true;
    return false;
}

/* Returns how many of `wanted` bytes may be moved, after a wait if need be; 0 where the client wants no more. */
static size_t allowance(struct session *session, struct transfer *transfer, size_t wanted)
{
    size_t allowed = throttle_room(&transfer->throttle, wanted);

    while (allowed == 0 && !session->aborted) {
        line_wait(session, -1, 0, throttle_delay(&transfer->throttle));
        line_look_for_abort(session);
        allowed = throttle_room(&transfer->throttle, wanted);
    }
    return session->aborted ? 0 : allowed;
}

/* Sends a block, as fast as the client takes it and as it may go; returns whether all of it went. */
static bool send_block(struct session *session, struct transfer *transfer, const char *block, size_t length)
{
    while (length > 0) {
        size_t allowed = allowance(session, transfer, length);
        if (allowed == 0 || !await(session, transfer, POLLOUT)) {
            return false;
        }
        ssize_t sent = send(transfer->fd, block, allowed, 0);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            transfer->failed = true;
            return false;
        }
        if (sent > 0) {
            throttle_count(&transfer->throttle, (size_t)sent);
            block += sent;
            length -= (size_t)sent;
        }
    }
    return true;
}

void data_send_file(struct session *session, int file, const char *name, off_t length)
{
    struct transfer transfer;
    char block[BLOCK_SIZE], what[PATH_ROOM + 64];
    ssize_t got;

    snprintf(what, sizeof what, "%s comes, %lld bytes.", name, (long long)length);
    if (!begin(session, &transfer, what)) {
        return;
    }
    while ((got = read(file, block, sizeof block)) > 0 && send_block(session, &transfer, block, (size_t)got)) {
    }
    transfer.failed |= got < 0;
    end(session, &transfer);
}

/* Receives a block; returns false at the end. */
static bool receive_block(struct session *session, struct transfer *transfer, char *block, size_t *length)
{
    ssize_t got;

    do {
        *length = allowance(session, transfer, BLOCK_SIZE);
        if (*length == 0 || !await(session, transfer, POLLIN)) {
            return false;
        }
        got = recv(transfer->fd, block, *length, 0);
    } while (got < 0 && (errno == EAGAIN || errno == EINTR));
    if (got <= 0) {
        transfer->failed = got < 0;
        return false;
    }
    throttle_count(&transfer->throttle, (size_t)got);
    *length = (size_t)got;
    return true;
}

/* Writes all of a block; returns whether that went well. */
static bool keep(int file, const char *block, size_t length)
{
    while (length > 0) {
        ssize_t kept = write(file, block, length);
        if (kept < 0 && errno != EINTR) {
            return false;
        }
        if (kept > 0) {
            block += kept;
            length -= (size_t)kept;
        }
    }
    return true;
}

void data_receive_file(struct session *session, int file, const char *name)
{
    struct transfer transfer;
    char block[BLOCK_SIZE], what[PATH_ROOM + 64];
    size_t length;

    snprintf(what, sizeof what, "Send %s.", name);
    if (!begin(session, &transfer, what)) {
        return;
    }
    while (receive_block(session, &transfer, block, &length)) {
        if (!keep(file, block, length)) {
            transfer.failed = true;
            break;
        }
    }
    end(session, &transfer);
}

void data_send_text(struct session *session, const char *text, size_t length)
{
    struct transfer transfer;

    if (begin(session, &transfer, "The listing comes.")) {
        send_block(session, &transfer, text, length);
        end(session, &transfer);
    }
}
