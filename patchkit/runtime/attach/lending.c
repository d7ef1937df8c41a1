/* lending.c: holding one thread of the process for a moment, having it run a piece of code, giving it back as it was.
 *
 * A thread that we hold goes on by itself when we end, at whatever its registers say then. So they say one of three things
 * only: what they said when it was stopped (`found`), the same place reached without the kernel's help (`settled`), or
 * the begin of code that ends in `settled`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"

enum { ARRIVAL = 200000, RUN = 3000000, MOST_PAUSE = 1000 /* us */, SIGNAL_SET = 8 /* bytes */ };
enum { OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC };

static enum stop classify(struct lent *lent, int status) {
    int signal = WSTOPSIG(status), event = status >> 16;
    lent->signal = 0;
    if (!WIFSTOPPED(status) || event == PTRACE_EVENT_EXEC) /* what we knew of its memory is gone */
        return ENDED;
    if (signal == (SIGTRAP | 0x80))
        return AT_CALL;
    if (event != PTRACE_EVENT_STOP)
        lent->signal = signal;
    else if (signal != SIGTRAP)
        lent->signal = -signal; /* the whole process is stopped; nothing is to be delivered */
    return AT_SIGNAL;
}

static enum stop wait_for_stop(struct lent *lent, uint64_t limit) {
    uint64_t end = now_us() + limit;
    lent->stop = NOT_STOPPED;
    for (uint64_t pause = 0; lent->stop == NOT_STOPPED;) {
        int status = 0;
        pid_t got = waitpid(lent->tid, &status, __WALL | WNOHANG);
        if (got == lent->tid)
            lent->stop = classify(lent, status);
        else if (got < 0)
            lent->stop = ENDED;
        else if (now_us() >= end)
            break;
        else {
            struct timespec wait = {0, (long)pause * 1000};
            nanosleep(&wait, NULL);
            pause = pause * 2 + 1 < MOST_PAUSE ? pause * 2 + 1 : MOST_PAUSE;
        }
    }
    return lent->stop;
}

/* Whether the thread is between the first and the last instruction of a restartable sequence: rseq(2) would have it begin
 * again if it were merely interrupted there, and cannot while it runs something else. */
static int is_in_sequence(const struct lent *lent) {
    struct ptrace_rseq_configuration_ {
        uint64_t area;
        uint32_t size, signature, flags, zero;
    } known;
    uint64_t sequence = 0, described[2];
    if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, lent->tid, sizeof known, &known) != sizeof known || !known.area)
        return 0;
    if (!read_target(lent->target, known.area + 8, &sequence, sizeof sequence) || !sequence)
        return 0;
    if (!read_target(lent->target, sequence + 8, described, sizeof described))
        return 1;
    return arch_place(&lent->found) - described[0] < described[1];
}

static int is_ours(const struct target *target, pid_t tid) {
    char path[64];
    int tracer = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", target->pid, tid);
    FILE *file = fopen(path, "re");
    for (char line[256]; file && fgets(line, sizeof line, file);)
        if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            break;
    if (file)
        fclose(file);
    return tracer == getpid();
}

static const struct problem *seize(const struct target *target, pid_t tid) {
    if (ptrace(PTRACE_SEIZE, tid, 0, OPTIONS) == 0 || is_ours(target, tid))
        return NULL;
    if (errno == ESRCH)
        return again("thread %d has ended", tid);
    return fail("PKL201", "thread %d cannot be traced: %s", tid, strerror(errno));
}

const struct problem *borrow(const struct target *target, pid_t tid, struct lent *ret) {
    memset(ret, 0, sizeof *ret);
    ret->target = target;
    ret->tid = tid;
    const struct problem *problem = seize(target, tid);
    if (problem)
        return problem;
    ret->since = now_us();
    ptrace(PTRACE_INTERRUPT, tid, 0, 0);
    wait_for_stop(ret, ARRIVAL);
    if (ret->stop != AT_SIGNAL)
        return ret->stop == ENDED ? again("thread %d has ended", tid) : again("thread %d sleeps where nothing wakes it", tid);
    if (ptrace(PTRACE_GETREGS, tid, 0, &ret->found) < 0 || ptrace(PTRACE_GETSIGMASK, tid, SIGNAL_SET, &ret->mask) < 0)
        return again("thread %d has ended", tid);
    if (ret->signal)
        problem = ret->signal > 0 ? again("thread %d is getting a signal", tid) : again("the process is stopped");
    else if (!arch_settle(ret))
        problem = again("thread %d runs code of another kind of machine", tid);
    else if (is_in_sequence(ret))
        problem = again("thread %d is in a sequence that must not be interrupted", tid);
    if (problem)
        give_back(ret);
    return problem;
}

/* From within a call's end to a stop at which the kernel still decides what becomes of an interrupted call. */
static void leave_call(struct lent *lent) {
    ptrace(PTRACE_SETSIGMASK, lent->tid, SIGNAL_SET, &lent->mask);
    ptrace(PTRACE_SETREGS, lent->tid, 0, &lent->settled);
    ptrace(PTRACE_INTERRUPT, lent->tid, 0, 0);
    ptrace(PTRACE_CONT, lent->tid, 0, 0);
    wait_for_stop(lent, ARRIVAL);
}

void give_back(struct lent *lent) {
    if (lent->stop == AT_CALL)
        leave_call(lent);
    if (lent->stop != AT_SIGNAL)
        return; /* it has ended, or goes on by itself */
    int goes_on = !lent->signal && arch_was_interrupted(lent) && !has_pending_signal(lent->target, lent->tid, lent->mask);
    ptrace(PTRACE_SETREGS, lent->tid, 0, goes_on ? &lent->settled : &lent->found);
    ptrace(PTRACE_DETACH, lent->tid, 0, lent->signal > 0 ? lent->signal : 0);
    lent->stop = NOT_STOPPED;
}

/* Whether the thread stands at the end of the call whose instruction ends at `after`. */
static int is_done(const struct lent *lent, uint64_t after, int *entered, int64_t *ret) {
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    ptrace(PTRACE_GET_SYSCALL_INFO, lent->tid, sizeof info, &info);
    if (info.instruction_pointer != after)
        return 0;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        *entered = 1;
    if (info.op != PTRACE_SYSCALL_INFO_EXIT || !*entered)
        return 0;
    *ret = info.exit.rval;
    return *ret > -512 || *ret <= -4096; /* else the kernel begins it again */
}

const struct problem *run_in(struct lent *lent, const struct user_regs_struct *begin, uint64_t after, int64_t *ret) {
    uint64_t end = now_us() + RUN;
    int entered = 0;
    if (ptrace(PTRACE_SETREGS, lent->tid, 0, begin) < 0)
        return again("thread %d has ended", lent->tid);
    while (now_us() < end) {
        ptrace(PTRACE_SYSCALL, lent->tid, 0, 0);
        enum stop stop = wait_for_stop(lent, RUN);
        if (stop == ENDED)
            return again("thread %d has ended", lent->tid);
        if (stop == AT_SIGNAL) { /* the signal comes first: for the thread we were never there */
            give_back(lent);
            return again("thread %d got a signal", lent->tid);
        }
        if (stop == AT_CALL && is_done(lent, after, &entered, ret))
            return NULL;
    }
    lent->lost = 1;
    return fail("PKL206", "thread %d did not come to the end of a system call", lent->tid);
}
