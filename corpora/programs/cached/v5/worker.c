/* The worker threads: each waits for its connections and for new ones from the main thread. */
#include "cached.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"

#define EVENTS_AT_ONCE 64
#define STOP (-1)

static struct worker workers[WORKERS_MAX];

/* Takes what the main thread has sent. */
static void receive(struct worker *worker)
{
    int fd;

    while (read(worker->pipe[0], &fd, sizeof fd) == sizeof fd) {
        if (fd == STOP) {
            worker->stopping = true;
        } else {
            conn_open(worker, fd);
        }
    }
}

/* Waits once and serves what is ready. A connection may be gone after conn_ready(), but has one event at most. */
static void turn(struct worker *worker)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count = epoll_wait(worker->epoll, events, EVENTS_AT_ONCE, -1);

    for (int at = 0; at < count; at++) {
        if (events[at].data.ptr == NULL) {
            receive(worker);
        } else {
            conn_ready(events[at].data.ptr, events[at].events);
        }
    }
}

static void *worker_main(void *data)
{
    struct worker *worker = data;

    log_thread_name("worker %d", worker->number);
    stats_thread(worker->number + 1);
    while (!worker->stopping) {
        turn(worker);
    }
    while (worker->conns != NULL) {
        conn_close(worker->conns);
    }
    return NULL;
}

static void start(struct worker *worker)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (worker->epoll < 0 || pipe2(worker->pipe, O_CLOEXEC) < 0) {
        log_fatal("cannot make a worker: %s", strerror(errno));
    }
    fcntl(worker->pipe[0], F_SETFL, O_NONBLOCK);
    epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->pipe[0], &event);
    int problem = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (problem != 0) {
        log_fatal("cannot start a worker: %s", strerror(problem));
    }
}

/* Signals are the main thread's. */
void workers_start(void)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int at = 0; at < options.workers; at++) {
        workers[at].number = at;
        start(&workers[at]);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void send_to(struct worker *worker, int fd)
{
    while (write(worker->pipe[1], &fd, sizeof fd) < 0) {
        if (errno != EINTR) {
            log_fatal("a worker's pipe: %s", strerror(errno));
        }
    }
}

void workers_stop(void)
{
    for (int at = 0; at < options.workers; at++) {
        send_to(&workers[at], STOP);
    }
    for (int at = 0; at < options.workers; at++) {
        pthread_join(workers[at].thread, NULL);
        close(workers[at].epoll);
        close(workers[at].pipe[0]);
        close(workers[at].pipe[1]);
    }
}

/* Gives a new connection to the workers in turn. */
void workers_hand_over(int fd)
{
    static unsigned next;

    send_to(&workers[next++ % (unsigned)options.workers], fd);
}
