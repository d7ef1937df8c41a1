/* Sockets: listening, connections coming and going, reading and writing. */
#include "kvd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

#define READ_CHUNK (16 * 1024)
#define BACKLOG 511
#define OUTPUT_MAX (256UL * 1024 * 1024)

static void client_writable(int fd, void *data);

static int idle_check(void *data)
{
    struct client *client = data;
    int64_t limit = (int64_t)server.timeout * 1000;

    if (limit == 0) {
        return TIMER_STOP;
    }
    int64_t left = client->active + limit - server.now;
    if (left > 0) {
        return (int)left;
    }
    log_write(LOG_INFO, "client %llu was idle for too long", (unsigned long long)client->id);
    net_close(client);
    return TIMER_STOP;
}

static struct client *client_new(int fd, bool local)
{
    struct client *client = mem_zero(1, sizeof *client);

    client->id = ++server.next_client;
    client->fd = fd;
    client->local = local;
    client->bulk_length = -1;
    client->created = client->active = server.now;
    link_init(&client->waiting);
    link_append(&server.clients, &client->link);
    server.client_count++;
    server.stats.connections++;
    if (server.timeout > 0) {
        timer_start(&client->idle, server.timeout * 1000, idle_check, client);
    }
    return client;
}

static void client_free(struct client *client)
{
    link_remove(&client->link);
    link_remove(&client->waiting);
    proto_reset(client);
    buffer_release(&client->in);
    buffer_release(&client->out);
    mem_free(client->argv);
    mem_free(client);
}

/* Takes the connection down; its memory stays until net_reap(), since callers may still hold it. */
void net_close(struct client *client)
{
    if (client->state == CLIENT_CLOSING) {
        return;
    }
    client->state = CLIENT_CLOSING;
    timer_cancel(&client->idle);
    event_drop(server.loop, client->fd, EVENT_READ | EVENT_WRITE);
    close(client->fd);
    client->fd = -1;
    link_remove(&client->link);
    link_append(&server.doomed, &client->link);
    server.client_count--;
}

void net_reap(void)
{
    LINK_EACH(at, after, &server.doomed) {
        client_free(LINK_ENTRY(at, struct client, link));
    }
}

void net_close_all(void)
{
    LINK_EACH(at, after, &server.clients) {
        net_close(LINK_ENTRY(at, struct client, link));
    }
    net_reap();
    for (int at = 0; at < server.listener_count; at++) {
        close(server.listeners[at]);
    }
    if (*server.unix_path != '\0') {
        unlink(server.unix_path);
    }
}

/* Notes that the client has output, so that net_flush() sends it before the next wait. */
void client_touch_output(struct client *client)
{
    if (!client->has_output && client->state != CLIENT_CLOSING) {
        client->has_output = 1;
        link_append(&server.waiting, &client->waiting);
    }
}

/* Sends what it can. */
static void client_send(struct client *client)
{
    while (buffer_length(&client->out) > 0) {
        ssize_t sent = write(client->fd, buffer_front(&client->out), buffer_length(&client->out));
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno == EAGAIN && buffer_length(&client->out) < OUTPUT_MAX) {
            event_want(server.loop, client->fd, EVENT_WRITE, client_writable, client);
            return;
        }
        if (sent < 0) {
            net_close(client);
            return;
        }
        server.stats.bytes_out += (uint64_t)sent;
        buffer_consume(&client->out, (size_t)sent);
    }
    client->has_output = 0;
    event_drop(server.loop, client->fd, EVENT_WRITE);
    if (client->close_after_reply) {
        net_close(client);
    }
}

static void client_writable(int fd, void *data)
{
    (void)fd;
    client_send(data);
}

void net_flush(void)
{
    LINK_EACH(at, after, &server.waiting) {
        struct client *client = LINK_ENTRY(at, struct client, waiting);
        link_remove(&client->waiting);
        if (client->state != CLIENT_CLOSING) {
            client_send(client);
        }
    }
}

static void run_requests(struct client *client)
{
    while (client->state != CLIENT_CLOSING && !client->close_after_reply) {
        if (proto_parse(client) != PARSE_READY) {
            return;
        }
        if (client->argc > 0) {
            command_run(client);
        }
        proto_reset(client);
    }
}

static void client_readable(int fd, void *data)
{
    struct client *client = data;
    char *place = buffer_reserve(&client->in, READ_CHUNK);
    ssize_t got = read(fd, place, client->in.room - client->in.end);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        net_close(client);
        return;
    }
    client->in.end += (size_t)got;
    client->active = server.now;
    server.stats.bytes_in += (uint64_t)got;
    run_requests(client);
}

static void refuse(int fd)
{
    static const char message[] = "-ERR max number of clients reached\r\n";

    server.stats.refused++;
    if (write(fd, message, sizeof message - 1) < 0) {
        log_write(LOG_DEBUG, "a refused client was gone already");
    }
    close(fd);
}

static void accept_ready(int fd, void *data)
{
    static time_t last_complaint;
    bool local = data != NULL;
    int on = 1;

    int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) {
        if (errno != EAGAIN && time(NULL) != last_complaint) {
            last_complaint = time(NULL);
            log_write(LOG_WARNING, "accept failed: %s", strerror(errno));
        }
        return;
    }
    if (server.client_count >= server.max_clients) {
        refuse(accepted);
        return;
    }
    if (!local) {
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    struct client *client = client_new(accepted, local);
    if (!event_want(server.loop, accepted, EVENT_READ, client_readable, client)) {
        net_close(client);
    }
}

static void add_listener(int fd, const struct sockaddr *address, socklen_t length, const char *name, void *data)
{
    if (bind(fd, address, length) < 0 || listen(fd, BACKLOG) < 0) {
        log_fatal("cannot listen on %s: %s", name, strerror(errno));
    }
    event_want(server.loop, fd, EVENT_READ, accept_ready, data);
    server.listeners[server.listener_count++] = fd;
    log_write(LOG_INFO, "listening on %s", name);
}

void net_listen(void)
{
    int on = 1;

    if (server.port > 0) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server.port)};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        add_listener(fd, (struct sockaddr *)&address, sizeof address, "the TCP port", NULL);
    }
    if (*server.unix_path != '\0') {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(server.unix_path) >= sizeof address.sun_path) {
            log_fatal("the path of the Unix socket is too long: %s", server.unix_path);
        }
        strcpy(address.sun_path, server.unix_path);
        unlink(server.unix_path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        add_listener(fd, (struct sockaddr *)&address, sizeof address, server.unix_path, &server);
    }
}
