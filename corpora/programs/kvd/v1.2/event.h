/* Readiness of file descriptors. */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <sys/epoll.h>

#define EVENT_READ 1U
#define EVENT_WRITE 2U
#define EVENT_BATCH 128

typedef void event_handler(int fd, void *data);

/* What is wanted of one descriptor; the index in `event_loop.slots` is the descriptor. */
struct event_slot {
    event_handler *on_read;
    event_handler *on_write;
    void *data;
    unsigned mask : 2;
    unsigned registered : 1;
};

struct event_loop {
    int epoll;
    int size;
    struct event_slot *slots;
    struct epoll_event ready[EVENT_BATCH];
};

struct event_loop *event_open(int size);
void event_close(struct event_loop *loop);
bool event_want(struct event_loop *loop, int fd, unsigned mask, event_handler *handler, void *data);
void event_drop(struct event_loop *loop, int fd, unsigned mask);
int event_poll(struct event_loop *loop, int timeout);

#endif
