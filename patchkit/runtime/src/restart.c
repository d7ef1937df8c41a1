/* restart.c: a system call that the runtime interrupted begins again, with what is left of its time.
 *
 * Called at the end of the runtime's handlers. The kernel begins most calls again by itself; it ends those below with EINTR.
 * Some of them tell what was left of their time. The others are taken to have begun when they were first interrupted, which
 * the call carries along: one whose limit is a number has its end in the upper half of that register, which the kernel
 * does not look at; one whose limit is in memory is pointed at a limit of ours. So a call is prolonged once, by less than
 * its limit, however often it is interrupted.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtime.h"

/* Sets one of our ends apart from what else may stand in the upper half of a register. */
static const uint32_t ours = 0xa5c396e1u;

enum { NONE = -1, SLACK = 600000 /* ms that a thread may have been parked */ };

/* Where a call has a limit, by the number of its argument. */
struct limits {
    int number;  /* an `int`, milliseconds */
    int pointer; /* to a struct timespec, which stays as it is */
    int rest;    /* to another one, in which the kernel has left the rest */
};

static int is_wall_clock(uint64_t clock) {
    return clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID && (int32_t)clock >= 0;
}

static uint64_t argument(void *context, unsigned index) { return *pk__context_argument(context, index); }

static struct limits limits_of(void *context, long call) {
    switch (call) {
    case SYS_poll: return (struct limits){2, NONE, NONE};
    case SYS_epoll_wait:
    case SYS_epoll_pwait: return (struct limits){3, NONE, NONE};
    case SYS_rt_sigtimedwait: return (struct limits){NONE, 2, NONE};
    case SYS_semtimedop:
    case SYS_epoll_pwait2: return (struct limits){NONE, 3, NONE};
    case SYS_futex:
        if ((argument(context, 1) & FUTEX_CMD_MASK) == FUTEX_WAIT)
            return (struct limits){NONE, 3, NONE};
        break;
    case SYS_nanosleep: return argument(context, 1) ? (struct limits){NONE, 0, 1} : (struct limits){NONE, 0, NONE};
    case SYS_clock_nanosleep:
        if (argument(context, 1) & TIMER_ABSTIME || !is_wall_clock(argument(context, 0)))
            break;
        return argument(context, 3) ? (struct limits){NONE, 2, 3} : (struct limits){NONE, 2, NONE};
    }
    return (struct limits){NONE, NONE, NONE};
}

static uint64_t until(uint64_t end) {
    uint64_t now = pk__now();
    return end > now ? end - now : 0;
}

static uint64_t ns_of(const int64_t time[2]) { return (uint64_t)time[0] * 1000000000u + (uint64_t)time[1]; }

static void set(int64_t time[2], uint64_t ns) {
    time[0] = (int64_t)(ns / 1000000000u);
    time[1] = (int64_t)(ns % 1000000000u);
}

/* Rounded so that nothing ends too early. */
static void shorten_number(uint64_t *limit, uint64_t interrupted) {
    uint32_t end = (uint32_t)(*limit >> 32) ^ ours, now = (uint32_t)(pk__now() / 1000000);
    int64_t whole = (int32_t)*limit, left = (int32_t)(end - now);
    if (whole <= 0)
        return;
    if (left > whole + 1 || left < -SLACK) { /* none of our ends: this is the first time */
        uint32_t parked = now - (uint32_t)(interrupted / 1000000);
        left = whole - (parked ? parked - 1 : 0);
        end = now + 1 + (uint32_t)left;
    }
    left = left < whole ? left : whole;
    *limit = (uint64_t)(end ^ ours) << 32 | (uint32_t)(left > 0 ? left : 0);
}

static void shorten_pointer(uint64_t *limit, struct pk_wait *wait, uint64_t interrupted) {
    int64_t whole[2];
    if (!*limit || !wait)
        return;
    if (*limit != (uint64_t)wait->left) {
        if (!pk__peek(*limit, whole, sizeof whole))
            return;
        wait->end = interrupted + ns_of(whole);
        *limit = (uint64_t)wait->left;
    }
    set(wait->left, until(wait->end));
}

/* A sleep wrote what was left of it when it was interrupted: it goes on with that. */
static void shorten_sleep(uint64_t *limit, uint64_t rest, uint64_t interrupted) {
    int64_t left[2];
    if (pk__peek(rest, left, sizeof left)) {
        set((int64_t *)rest, until(interrupted + ns_of(left)));
        *limit = rest;
    }
}

void pk__restart(void *context, long number, struct pk_wait *wait, uint64_t interrupted) {
    long call = pk__context_interrupted(context, number);
    if (call < 0 || call == SYS_close) /* the descriptor is closed all the same */
        return;
    struct limits at = limits_of(context, call);
    if (at.rest != NONE)
        shorten_sleep(pk__context_argument(context, (unsigned)at.pointer), argument(context, (unsigned)at.rest), interrupted);
    else if (at.number != NONE)
        shorten_number(pk__context_argument(context, (unsigned)at.number), interrupted);
    else if (at.pointer != NONE)
        shorten_pointer(pk__context_argument(context, (unsigned)at.pointer), wait, interrupted);
    pk__context_restart(context, call);
}
