/* The listening socket and the loop of the main thread. */
#include "cached.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

#define BACKLOG 512

static int listener = -1;
static volatile sig_atomic_t stop_asked;

static void on_stop(int number)
{
    stop_asked = number;
}

static int bound_port(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
        log_fatal("getsockname: %s", strerror(errno));
    }
    return ntohs(address.sin_port);
}

/* The file appears whole, under its name. */
static void write_port_file(int port)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s.new", options.port_file);
    FILE *file = length < (int)sizeof path ? fopen(path, "w") : NULL;

    if (file == NULL || fprintf(file, "%d\n", port) < 0 || fclose(file) != 0 || rename(path, options.port_file) != 0) {
        log_fatal("cannot write %s", options.port_file);
    }
}

void listener_open(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, BACKLOG) < 0) {
        log_fatal("cannot listen on port %d: %s", options.port, strerror(errno));
    }
    options.port = bound_port();
    if (options.port_file != NULL) {
        write_port_file(options.port);
    }
    log_write(0, "listening on port %d", options.port);
}

static void refuse(int fd)
{
    static const char message[] = "SERVER_ERROR too many open connections\r\n";

    stats_count(COUNT_REFUSED, 1);
    if (write(fd, message, sizeof message - 1) < 0) {
        log_write(2, "a refused client was gone already");
    }
    close(fd);
}

static void accept_one(void)
{
    int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED) {
            log_write(0, "accept: %s", strerror(errno));
        }
        return;
    }
    if (stats_open_connections() >= options.connections_max) {
        refuse(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    stats_count(COUNT_CONNECTIONS, 1);
    stats_connections(1);
    workers_hand_over(fd);
}

/* Accepts until SIGTERM or SIGINT, which are let in only while it waits. */
void listener_serve(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigset_t stops, before;

    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stops, &before);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    while (!stop_asked) {
        struct pollfd wanted = {.fd = listener, .events = POLLIN};
        if (ppoll(&wanted, 1, NULL, &before) > 0) {
            accept_one();
        }
    }
}

void listener_close(void)
{
    close(listener);
}
