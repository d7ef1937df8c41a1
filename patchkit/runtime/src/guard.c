/* guard.c: code of the update runs here, in the worker, while all other threads are parked; whatever it does, the process
 * goes on.
 *
 * The signals of a crash come here for that long, on a stack of their own, and a timer ends what does not end. Nobody else
 * can crash meanwhile; a signal that somebody sends from outside is sent on afterwards.
 */
#define _GNU_SOURCE
#include <time.h>

#include "actions.h"
#include "runtime.h"

enum { STACK = 32 << 10, TOO_LONG = 1000 };

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
enum { CRASHES = sizeof crashes / sizeof *crashes };

struct event {
    void *value;
    int signal, notify, thread, zero[11];
};

static int guarded; /* thread id of the worker while it is under guard */
static int foreign; /* a signal that came from outside */

static uint64_t bit(int signal) { return (uint64_t)1 << (signal - 1); }

/* A rehearsal's copy has a number of its own. */
static void on_crash(int signal, siginfo_t *information, void *context) {
    if (information->si_code <= 0 && information->si_pid != pk__pid())
        foreign = signal;
    else if (pk__tid() == guarded)
        pk__land(context, signal);
}

void pk__too_long(void *context) {
    if (guarded && pk__tid() == guarded)
        pk__land(context, TOO_LONG);
}

static void take(struct pk_action *before) {
    for (int i = 0; i < CRASHES; i++)
        pk__set_action(crashes[i], pk__action(on_crash, SA_ONSTACK), &before[i]);
}

static void give_back(const struct pk_action *before) {
    for (int i = 0; i < CRASHES; i++)
        pk__set_action(crashes[i], before[i], NULL);
}

static int start_timer(uint64_t limit) {
    struct event event = {&pk__runtime, PK_INTERRUPTION, 4 /* SIGEV_THREAD_ID */, pk__tid(), {0}};
    struct itimerspec end = {{0, 0}, {(time_t)(limit / 1000000000u), (long)(limit % 1000000000u)}};
    int timer = -1;
    if (pk__denied() || pk__call3(SYS_timer_create, CLOCK_MONOTONIC, (long)&event, (long)&timer) < 0)
        return -1;
    pk__call4(SYS_timer_settime, timer, 0, (long)&end, 0);
    return timer;
}

static const struct pk_error *judge(int why, const char *what) {
    if (!why)
        return NULL;
    if (why == TOO_LONG)
        return pk__fail("PKL122", "%s took too long, and was ended", what);
    return pk__fail("PKL122", "%s crashed with signal %d", what, (int64_t)why);
}

const struct pk_error *pk__guard(void (*run)(void *), void *argument, uint64_t limit, const char *const *what) {
    struct pk_action before[CRASHES];
    uint64_t open = bit(PK_INTERRUPTION), mask = 0;
    for (int i = 0; i < CRASHES; i++)
        open |= bit(crashes[i]);
    uint8_t *memory = pk__map(STACK);
    if (!memory)
        return pk__fail("PKL104", "there is no memory to run the update's code under guard");
    stack_t stack = {.ss_sp = memory, .ss_size = STACK, .ss_flags = 0}, none = {.ss_flags = SS_DISABLE};
    pk__call2(SYS_sigaltstack, (long)&stack, 0);
    pk__take_interruptions();
    take(before);
    foreign = 0;
    guarded = pk__tid();
    int timer = start_timer(limit), why = 0;
    if (timer >= 0) { /* else nothing would end what does not end */
        pk__call4(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&open, (long)&mask, sizeof mask);
        why = pk__try(run, argument);
        pk__call4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask);
        pk__call1(SYS_timer_delete, timer);
    }
    guarded = 0;
    give_back(before);
    pk__call2(SYS_sigaltstack, (long)&none, 0);
    pk__unmap(memory, STACK);
    if (foreign)
        pk__call2(SYS_kill, pk__pid(), foreign);
    return timer < 0 ? pk__fail("PKL104", "the system gives no timer to end the update's code with") : judge(why, *what);
}
