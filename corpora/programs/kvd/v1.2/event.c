#include "event.h"

#include <errno.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

struct event_loop *event_open(int size)
{
    struct event_loop *loop = mem_zero(1, sizeof *loop);

    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        log_fatal("epoll_create1 failed: errno %d", errno);
    }
    loop->size = size;
    loop->slots = mem_zero((size_t)size, sizeof *loop->slots);
    return loop;
}

void event_close(struct event_loop *loop)
{
    close(loop->epoll);
    mem_free(loop->slots);
    mem_free(loop);
}

/* Tells the kernel what the slot of `fd` wants now. */
static bool sync_slot(struct event_loop *loop, int fd)
{
    struct event_slot *slot = &loop->slots[fd];
    struct epoll_event event = {.events = 0, .data.fd = fd};
    int operation = slot->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (slot->mask & EVENT_READ) {
        event.events |= EPOLLIN;
    }
    if (slot->mask & EVENT_WRITE) {
        event.events |= EPOLLOUT;
    }
    if (slot->mask == 0) {
        operation = EPOLL_CTL_DEL;
    }
    slot->registered = slot->mask != 0;
    return epoll_ctl(loop->epoll, operation, fd, &event) == 0;
}

bool event_want(struct event_loop *loop, int fd, unsigned mask, event_handler *handler, void *data)
{
    if (fd >= loop->size) {
        return false;
    }
    struct event_slot *slot = &loop->slots[fd];
    if (mask & EVENT_READ) {
        slot->on_read = handler;
    }
    if (mask & EVENT_WRITE) {
        slot->on_write = handler;
    }
    slot->data = data;
    slot->mask |= mask;
    return sync_slot(loop, fd);
}

void event_drop(struct event_loop *loop, int fd, unsigned mask)
{
    struct event_slot *slot = &loop->slots[fd];

    if (slot->mask & mask) {
        slot->mask &= ~mask;
        sync_slot(loop, fd);
    }
}

/* Waits up to `timeout` milliseconds and calls the handlers of what is ready. */
int event_poll(struct event_loop *loop, int timeout)
{
    int count = epoll_wait(loop->epoll, loop->ready, EVENT_BATCH, timeout);

    for (int at = 0; at < count; at++) {
        int fd = loop->ready[at].data.fd;
        uint32_t events = loop->ready[at].events;
        struct event_slot *slot = &loop->slots[fd];
        if ((slot->mask & EVENT_READ) && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
            slot->on_read(fd, slot->data);
        }
        if ((slot->mask & EVENT_WRITE) && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
            slot->on_write(fd, slot->data);
        }
    }
    return count < 0 ? 0 : count;
}
