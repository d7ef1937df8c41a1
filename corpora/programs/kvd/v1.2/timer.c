#include "timer.h"

#include <stddef.h>
#include <time.h>

#define TIMER_LONGEST_WAIT 1000

static struct link queue = {&queue, &queue};

/* Milliseconds since the epoch, never going back. */
int64_t timer_clock(void)
{
    static int64_t latest;

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t milliseconds = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (milliseconds > latest) {
        latest = milliseconds;
    }
    return latest;
}

static void enqueue(struct timer *timer)
{
    struct link *place = queue.next;

    while (place != &queue && LINK_ENTRY(place, struct timer, link)->due <= timer->due) {
        place = place->next;
    }
    link_before(place, &timer->link);
    timer->armed = true;
}

void timer_start(struct timer *timer, int delay, timer_callback *fire, void *data)
{
    timer_cancel(timer);
    timer->fire = fire;
    timer->data = data;
    timer->due = timer_clock() + delay;
    enqueue(timer);
}

void timer_cancel(struct timer *timer)
{
    if (timer->armed) {
        link_remove(&timer->link);
        timer->armed = false;
    }
}

/* Milliseconds until the next timer is due. */
int timer_wait(void)
{
    if (link_empty(&queue)) {
        return TIMER_LONGEST_WAIT;
    }
    int64_t wait = LINK_ENTRY(queue.next, struct timer, link)->due - timer_clock();
    if (wait < 0) {
        return 0;
    }
    return wait < TIMER_LONGEST_WAIT ? (int)wait : TIMER_LONGEST_WAIT;
}

/* Fires what is due and returns how many that were. */
int timer_run(void)
{
    int64_t now = timer_clock();
    int fired = 0;

    while (!link_empty(&queue)) {
        struct timer *timer = LINK_ENTRY(queue.next, struct timer, link);
        if (timer->due > now) {
            break;
        }
        timer_cancel(timer);
        int again = timer->fire(timer->data);
        fired++;
        if (again != TIMER_STOP) {
            timer->due += again > 0 ? again : 1;
            if (timer->due <= now) {
                timer->due = now + 1;
            }
            enqueue(timer);
        }
    }
    return fired;
}
