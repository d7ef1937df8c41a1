/* signals.c: the two signals that the runtime lives by.
 *
 * The reserved one wakes it: it comes from outside, and may be blocked by all threads but one. Where all block it, glibc's
 * signal for pthread_cancel() does, which no program can block either: it is ours until the program first cancels a thread.
 *
 * Threads are interrupted for a gathering by the signal that glibc keeps for setuid() in threaded programs, since no program
 * can block that one: glibc takes it out of every mask. Ours are told from glibc's by how they are sent (SI_QUEUE with our
 * mark, where glibc sends SI_TKILL), and its own handler passes ours over (nptl/setxid: it looks at si_code), so neither gets
 * in the other's way.
 *
 * The handlers run in any thread at any place: they make system calls only.
 */
#define _GNU_SOURCE
#include "actions.h"
#include "runtime.h"

enum { WAKE = 0x70617463 }; /* what the second one has to carry: docs/protocol.md */
enum { FIRST = 34, LAST = 64 }; /* of the signals that a program may use */

int __libc_allocate_rtsig(int high) __attribute__((weak));

_Static_assert(sizeof(siginfo_t) == sizeof pk__interruption, "the kernel's siginfo_t has 128 bytes");
int32_t pk__interruption[32];

static struct pk_action before; /* glibc's own, once it has one */

static void on_wake(int signal, siginfo_t *information, void *context) {
    uint64_t interrupted = pk__now();
    int is_meant = signal != PK_SECOND || (information->si_code == SI_QUEUE && information->si_value.sival_int == WAKE);
    pk__own();
    if (pk__tid() == pk__runtime.worker) /* it waits for somebody, and has to look again */
        return;
    if (is_meant)
        pk__wake();
    pk__restart(context, -1, NULL, interrupted);
}

static void on_interruption(int signal, siginfo_t *information, void *context) {
    struct pk_runtime *rt = &pk__runtime;
    if (information->si_code == SI_TIMER && information->si_value.sival_ptr == rt) {
        pk__too_long(context);
        return;
    }
    if (information->si_code != SI_QUEUE || information->si_value.sival_ptr != rt) {
        if ((uintptr_t)before.handler > (uintptr_t)SIG_IGN)
            before.handler(signal, information, context);
        return;
    }
    pk__own();
    if (__atomic_load_n(&rt->gathering, __ATOMIC_SEQ_CST))
        pk__park(context);
    else
        pk__restart(context, -1, NULL, pk__now());
}

static struct pk_action second_before;

static int take(int signal) { return pk__set_action(signal, pk__action(on_wake, SA_RESTART), NULL) == 0; }

/* What is ignored before the program has run was inherited, and is not its own. */
static int is_inherited(const struct pk_action *action) { return (uintptr_t)action->handler <= (uintptr_t)SIG_IGN; }

static void take_second(void) {
    second_before = pk__action_of(PK_SECOND);
    if (is_inherited(&second_before)) /* a program cannot ignore it */
        take(PK_SECOND);
}

int pk__take_signal(void) {
    int signal = __libc_allocate_rtsig ? __libc_allocate_rtsig(0) : 64;
    struct pk_action action = pk__action_of(signal);
    if (signal <= 0 || !is_inherited(&action) || !take(signal))
        return 0;
    take_second();
    return signal;
}

/* The program has been running, so some may be its own. What the C library gives out is given to nobody else later; its
 * function takes no lock and looks at nothing of a thread. */
int pk__take_late_signal(uint64_t avoid) {
    int (*allocate)(int) = (int (*)(int))pk__find_symbol("__libc_allocate_rtsig", "");
    for (int next = LAST; next >= FIRST; next--) {
        int signal = allocate ? allocate(0) : next;
        if (signal < 1)
            return 0;
        if (!(avoid >> (signal - 1) & 1) && !pk__action_of(signal).handler && take(signal)) {
            take_second();
            return signal;
        }
    }
    return 0;
}

void pk__give_signal_back(int signal) {
    if (pk__action_of(PK_SECOND).handler == on_wake)
        pk__set_action(PK_SECOND, second_before, NULL);
    pk__reset_action(signal, NULL);
}

/* It stays: an interruption may reach a thread long after a gathering that was given up. */
void pk__take_interruptions(void) {
    struct pk_action theirs = {NULL, 0, NULL, 0};
    pk__set_action(PK_INTERRUPTION, pk__action(on_interruption, SA_RESTART), &theirs);
    if (theirs.handler != on_interruption)
        before = theirs;
    siginfo_t *information = (siginfo_t *)pk__interruption;
    information->si_signo = PK_INTERRUPTION;
    information->si_code = SI_QUEUE;
    information->si_pid = pk__runtime.pid;
    information->si_value.sival_ptr = &pk__runtime;
}

long pk__interrupt(int tid) {
    return pk__call4(SYS_rt_tgsigqueueinfo, pk__runtime.pid, tid, PK_INTERRUPTION, (long)pk__interruption);
}
