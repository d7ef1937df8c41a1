/* One-shot and repeating timers, owned by whoever declares them. */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "link.h"

#define TIMER_STOP (-1)

/* Called when a timer is due; returns milliseconds to the next call or TIMER_STOP. */
typedef int timer_callback(void *data);

struct timer {
    struct link link;
    int64_t due;
    timer_callback *fire;
    void *data;
    bool armed;
};

int64_t timer_clock(void);
void timer_start(struct timer *timer, int delay, timer_callback *fire, void *data);
void timer_cancel(struct timer *timer);
int timer_wait(void);
int timer_run(void);

#endif
