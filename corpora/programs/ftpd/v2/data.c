/* The data connection: one transfer goes over it, and then it is closed. */
#include "ftpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_SECONDS 30
#define STALL_SECONDS 60

/* A transfer while it goes on. */
struct transfer {
    int fd;
    bool failed;
    struct throttle throttle;
};

/* Ends the wait for a data connection that did not come. */
void data_forget(struct session *session)
{
    if (session->passive >= 0) {
        close(session->passive);
        session->passive = -1;
    }
}

/* Listens where the control connection came in, on any port. */
bool data_listen(struct session *session, uint16_t *port)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    data_forget(session);
    if (getsockname(session->control, (struct sockaddr *)&address, &length) < 0) {
        return false;
    }
    address.sin_port = 0;
    session->passive = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(session->passive, (struct sockaddr *)&address, length) < 0 || listen(session->passive, 1) < 0
        || getsockname(session->passive, (struct sockaddr *)&address, &length) < 0) {
        data_forget(session);
        return false;
    }
    *port = ntohs(address.sin_port);
    return true;
}

static bool is_client(const struct session *session, const struct sockaddr_in *address)
{
    struct sockaddr_in client;
    socklen_t length = sizeof client;

    return getpeername(session->control, (struct sockaddr *)&client, &length) == 0
        && client.sin_addr.s_addr == address->sin_addr.s_addr;
}

/* Takes the connection that the client has made to the port it was told; -1 where none comes. */
static int accept_data(const struct session *session)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    if (session->passive < 0 || !line_wait(session, session->passive, POLLIN, CONNECT_SECONDS * 1000)) {
        return -1;
    }
    int fd = accept4(session->passive, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && !is_client(session, &address)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Begins a transfer, and tells the client which; replies where there is no connection. */
static bool begin(struct session *session, struct transfer *transfer, const char *what)
{
    transfer->fd = accept_data(session);
    transfer->failed = false;
    data_forget(session);
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

/* Waits until the connection is ready; a long wait is looked at by line_watch() now and then. */
static bool await(struct session *session, struct transfer *transfer, short events)
{
    for (int waited = 0; waited < STALL_SECONDS * 10; waited++) {
        line_watch(session);
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
    size_t allowed = throttle_allow(&transfer->throttle, wanted);

    while (allowed == 0 && !session->aborted) {
        line_wait(session, -1, 0, throttle_delay(&transfer->throttle));
        line_watch(session);
        allowed = throttle_allow(&transfer->throttle, wanted);
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
