/* The listening socket and the loop of the first process. */
#include "ftpd.h"

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

#define BACKLOG 128

static int listener = -1;
static volatile sig_atomic_t stop_asked;
static volatile sig_atomic_t child_ended;

static void on_stop(int number)
{
    stop_asked = number;
}

static void on_child(int number)
{
    child_ended = number;
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

static void accept_one(void)
{
    int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED) {
            log_write(0, "accept: %s", strerror(errno));
        }
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sessions_start(fd);
}

static void catch(int number, void (*handler)(int), sigset_t *blocked)
{
    struct sigaction action = {.sa_handler = handler};

    sigaddset(blocked, number);
    sigaction(number, &action, NULL);
}

/* Accepts until SIGTERM or SIGINT. Signals are let in only while it waits. */
void listener_serve(void)
{
    sigset_t blocked, before;

    sigemptyset(&blocked);
    catch(SIGTERM, on_stop, &blocked);
    catch(SIGINT, on_stop, &blocked);
    catch(SIGCHLD, on_child, &blocked);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    while (!stop_asked) {
        struct pollfd wanted = {.fd = listener, .events = POLLIN};
        if (ppoll(&wanted, 1, NULL, &before) > 0) {
            accept_one();
        }
        if (child_ended) {
            child_ended = 0;
            sessions_reap();
        }
    }
}

void listener_close(void)
{
    close(listener);
    listener = -1;
}
