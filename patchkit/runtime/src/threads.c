/* threads.c: brings every thread of the process to a standstill at a good place, or lets them all go on.
 *
 * The worker signals each thread; the handler parks it (pk__park) until the round is over. A thread that is found in an
 * unsafe place is let go alone and asked again, while the others wait: what it waits for may be one of them, then it blocks,
 * which is a good place. All of it has an end.
 *
 * Order of the shared words: the worker writes `call`, then `state` (release), and signals; a thread reads `state` (acquire)
 * before `call`. It writes `context`, then `state` (release), then `arrived`; the worker reads `state` (acquire) before it
 * looks at the context. The worker adds to `round` (release) before it wakes those who wait on it. Handlers look for their
 * row while the worker adds others, so `tid` is read and written as one word.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "runtime.h"

enum { FIRST_PAUSE = 10000, LONGEST_PAUSE = 500000, ARRIVAL = 20000000 }; /* ns */

static struct pk_thread *row_of(int tid) {
    struct pk_runtime *rt = &pk__runtime;
    size_t count = __atomic_load_n(&rt->thread_count, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < count; i++)
        if (__atomic_load_n(&rt->threads[i].tid, __ATOMIC_RELAXED) == tid)
            return &rt->threads[i];
    return NULL;
}

static void arrive(void) {
    __atomic_add_fetch(&pk__runtime.arrived, 1, __ATOMIC_RELEASE);
    pk__futex_wake(&pk__runtime.arrived);
}

/* With the signals blocked that the thread itself blocks: what it does now may start others, which inherit that. */
static void run_errand(struct pk_thread *self) {
    const struct pk_errand *errand = &pk__runtime.errand;
    uint64_t mask;
    pk__copy(&mask, &((ucontext_t *)self->context)->uc_sigmask, sizeof mask);
    pk__call4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&mask, sizeof mask);
    errand->run(errand->argument);
    pk__call4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask);
    __atomic_store_n(&self->lent, 0, __ATOMIC_RELEASE);
    arrive();
}

/* Runs in the handler: everything of the thread is saved below us, and nothing of it moves until we return. */
void pk__park(void *context) {
    struct pk_runtime *rt = &pk__runtime;
    struct pk_thread *self = row_of(pk__tid());
    uint64_t interrupted = pk__now();
    long call = -1;
    if (self) {
        /* A copy: on our way out of here the worker may ask again already, with another call. */
        call = __atomic_load_n(&self->state, __ATOMIC_ACQUIRE) == PK_RUNNING ? (long)self->call : -1;
        uint32_t round = __atomic_load_n(&rt->round, __ATOMIC_ACQUIRE);
        self->context = context;
        self->thread_pointer = pk__thread_pointer();
        __atomic_store_n(&self->state, PK_PARKED, __ATOMIC_RELEASE);
        arrive();
        while (__atomic_load_n(&self->state, __ATOMIC_ACQUIRE) == PK_PARKED) {
            if (__atomic_load_n(&self->lent, __ATOMIC_ACQUIRE))
                run_errand(self);
            else
                pk__futex_wait(&rt->round, round, 0);
            round = __atomic_load_n(&rt->round, __ATOMIC_ACQUIRE);
        }
    }
    pk__restart(context, call, self ? &self->wait : NULL, interrupted);
}

static void let_go(struct pk_thread *thread) {
    thread->signalled = 0;
    __atomic_exchange_n(&thread->state, PK_FREED, __ATOMIC_ACQ_REL);
}

static void wake_all(void) {
    __atomic_add_fetch(&pk__runtime.round, 1, __ATOMIC_RELEASE);
    pk__futex_wake(&pk__runtime.round);
}

static void set_tid(struct pk_thread *row, int tid) { __atomic_store_n(&row->tid, tid, __ATOMIC_RELAXED); }

static struct pk_thread *add(int tid) {
    struct pk_runtime *rt = &pk__runtime;
    struct pk_thread *row = row_of(tid);
    if (!row)
        row = row_of(-1);
    else
        return row;
    size_t fresh = !row;
    if (fresh && rt->thread_count == PK_MOST_THREADS)
        return NULL;
    if (fresh)
        row = &rt->threads[rt->thread_count];
    pk__zero(&row->state, sizeof *row - offsetof(struct pk_thread, state));
    row->call = -1;
    row->epoch = rt->epoch;
    set_tid(row, tid);
    __atomic_store_n(&rt->thread_count, rt->thread_count + fresh, __ATOMIC_RELEASE);
    return row;
}

static void task_path(char *buffer, size_t size, int tid, const char *file) {
    struct pk_text path = {buffer, size, 0};
    pk__put(&path, "/proc/self/task/");
    pk__put_number(&path, tid);
    pk__put(&path, file);
}

/* The call that the thread is blocked in, for the C libraries whose code does not show it. */
static int64_t blocked_call(int tid) {
    char path[64], line[64];
    task_path(path, sizeof path, tid, "/syscall");
    if (pk__read_file(path, line, sizeof line) <= 0 || line[0] < '0' || line[0] > '9')
        return -1;
    uint64_t number;
    pk__number(line, &number);
    return (int64_t)number;
}

/* Returns 0, also where the thread has ended, or a negative error where it goes on and knows of nothing. */
static long ask(struct pk_thread *thread) {
    thread->call = blocked_call(thread->tid);
    thread->signalled = 1;
    thread->safe = 0;
    __atomic_store_n(&thread->state, PK_RUNNING, __ATOMIC_RELEASE);
    long result = pk__interrupt(thread->tid);
    if (result == -ESRCH)
        set_tid(thread, -1);
    else if (result < 0)
        thread->signalled = 0;
    return result == -ESRCH ? 0 : result;
}

/* Shows every thread but the worker; returns the sum of what `visit` returns, or a negative error, its own too. */
static long each_thread(long (*visit)(struct pk_thread *thread, void *data), void *data) {
    char buffer[4096];
    int directory = pk__open("/proc/self/task", O_RDONLY | O_DIRECTORY, 0);
    if (directory < 0)
        return directory;
    long sum = 0, got = 0;
    while (sum >= 0 && (got = pk__call3(SYS_getdents64, directory, (long)buffer, sizeof buffer)) > 0)
        for (long at = 0; sum >= 0 && at < got;) {
            const struct pk_entry *entry = (const struct pk_entry *)(buffer + at);
            at += entry->length;
            uint64_t tid;
            pk__number(entry->name, &tid);
            if (!tid || (int)tid == pk__runtime.worker)
                continue;
            struct pk_thread *thread = add((int)tid);
            long result = thread ? visit(thread, data) : -E2BIG;
            sum = result < 0 ? result : sum + result;
        }
    pk__close(directory);
    return got < 0 ? got : sum;
}

static int is_parked(const struct pk_thread *thread) { return __atomic_load_n(&thread->state, __ATOMIC_ACQUIRE) == PK_PARKED; }

static long ask_unless_parked(struct pk_thread *thread, void *data) {
    int *parked = data;
    if (is_parked(thread)) {
        ++*parked;
        return 0;
    }
    long result = thread->signalled ? 0 : ask(thread);
    return result < 0 ? result : thread->tid > 0;
}

/* Asks every thread that is not parked yet; returns how many there are, or a negative error. The kernel ends a list of
 * threads early where one ends while it is read, so those who are parked have to be as many as there are. */
static long ask_all(void) {
    int parked = 0;
    long asked = each_thread(ask_unless_parked, &parked);
    return asked ? asked : pk__thread_total() > parked + 1 /* the worker */;
}

static int all_parked(void) {
    struct pk_runtime *rt = &pk__runtime;
    for (size_t i = 0; i < rt->thread_count; i++)
        if (rt->threads[i].tid > 0 && rt->threads[i].signalled &&
            __atomic_load_n(&rt->threads[i].state, __ATOMIC_ACQUIRE) != PK_PARKED)
            return 0;
    return 1;
}

static void wait_for_arrivals(uint64_t end) {
    struct pk_runtime *rt = &pk__runtime;
    for (uint64_t now = pk__now(); now < end && !all_parked(); now = pk__now()) {
        uint32_t arrived = __atomic_load_n(&rt->arrived, __ATOMIC_ACQUIRE);
        if (!all_parked())
            pk__futex_wait(&rt->arrived, arrived, end - now);
    }
}

/* A thread that has ended meanwhile does not count. */
static void forget_ended(void) {
    struct pk_runtime *rt = &pk__runtime;
    for (size_t i = 0; i < rt->thread_count; i++)
        if (rt->threads[i].tid > 0 && __atomic_load_n(&rt->threads[i].state, __ATOMIC_ACQUIRE) != PK_PARKED &&
            pk__call3(SYS_tgkill, rt->pid, rt->threads[i].tid, 0) < 0)
            set_tid(&rt->threads[i], -1);
}

/* Looks at the stacks that were not found safe yet; returns how many threads are in no good place, or not parked. */
static long judge_all(const struct pk_gathering *gathering) {
    struct pk_runtime *rt = &pk__runtime;
    long unsafe = 0;
    for (size_t i = 0; i < rt->thread_count; i++) {
        struct pk_thread *thread = &rt->threads[i];
        if (thread->tid < 0 || (thread->safe && thread->state == PK_PARKED))
            continue;
        if (__atomic_load_n(&thread->state, __ATOMIC_ACQUIRE) == PK_PARKED)
            pk__judge(thread, gathering->image, &rt->scratch->stack, gathering->reverting);
        else {
            thread->safe = 0;
            if (!thread->reason) /* else it was seen, and has not come again yet */
                thread->reason = "it does not take the runtime's signal: it sleeps where no signal wakes, or is not glibc's";
        }
        unsafe += !thread->safe;
    }
    return unsafe;
}

static void let_unsafe_go(void) {
    struct pk_runtime *rt = &pk__runtime;
    for (size_t i = 0; i < rt->thread_count; i++) {
        struct pk_thread *thread = &rt->threads[i];
        if (thread->tid > 0 && !thread->safe && __atomic_load_n(&thread->state, __ATOMIC_ACQUIRE) == PK_PARKED)
            let_go(thread);
    }
    wake_all();
}

/* Until a second look at the list of threads shows no new one. Returns 1 where all that exist are parked, or a negative
 * error where they cannot be listed or asked. */
static int park_everyone(uint64_t end) {
    for (;;) {
        long asked = ask_all();
        if (asked < 0)
            return (int)asked;
        if (asked == 0) {
            forget_ended(); /* one that was let go, and ended before it was asked again */
            return 1;
        }
        uint64_t soon = pk__now() + ARRIVAL;
        wait_for_arrivals(soon < end ? soon : end);
        forget_ended();
        if (!all_parked() || pk__now() >= end)
            return 0;
    }
}

/* Rows of threads are kept from one gathering to the next: one may still be on its way out of the handler. */
static const struct pk_error *begin(void) {
    struct pk_runtime *rt = &pk__runtime;
    if (!rt->threads)
        rt->threads = pk__map(PK_MOST_THREADS * sizeof *rt->threads);
    if (!rt->threads)
        return pk__fail("PKL104", "there is no memory for the list of threads");
    for (size_t i = 0; i < rt->thread_count; i++) {
        rt->threads[i].signalled = rt->threads[i].safe = 0;
        rt->threads[i].reason = rt->threads[i].function = NULL;
    }
    pk__take_interruptions();
    __atomic_store_n(&rt->gathering, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

void pk__release(void) {
    struct pk_runtime *rt = &pk__runtime;
    pk__disarm_points();
    __atomic_store_n(&rt->waiting, 0, __ATOMIC_RELAXED);
    for (size_t i = 0; i < rt->thread_count; i++)
        if (rt->threads[i].tid > 0)
            let_go(&rt->threads[i]);
    __atomic_store_n(&rt->gathering, 0, __ATOMIC_SEQ_CST);
    wake_all();
}

static const struct pk_error *unlisted(int error) {
    if (error == -EAGAIN)
        return pk__fail("PKL113", "the system queues no signal for its threads: as many are pending as its user may have");
    if (error == -E2BIG)
        return pk__fail("PKL113", "it has more than %d threads, of which this runtime cannot keep count", (int64_t)PK_MOST_THREADS);
    return pk__fail("PKL113", "the process does not see its own threads in /proc/self/task (error %d)", (int64_t)-error);
}

const struct pk_error *pk__gather(struct pk_gathering *gathering) {
    uint64_t pause = FIRST_PAUSE, end = gathering->begun + gathering->limit;
    const struct pk_error *error = begin();
    if (error)
        return error;
    __atomic_store_n(&pk__runtime.waiting, 1, __ATOMIC_RELAXED);
    for (int64_t rounds = 1, armed = 0;; rounds++) {
        int complete = park_everyone(end);
        if (complete < 0)
            return unlisted(complete);
        long unsafe = judge_all(gathering);
        if (complete && unsafe == 0) {
            pk__log("all threads stand still after %d rounds, %d us", rounds, (int64_t)((pk__now() - gathering->begun) / 1000));
            return NULL;
        }
        if (complete && !armed) { /* all stand still, so their code may be changed */
            pk__arm_points();
            armed = 1;
        }
        if (pk__now() >= end) {
            wait_for_arrivals(pk__now() + ARRIVAL); /* so that their stacks can be shown */
            return pk__fail("PKL107", "not every thread came to a place where the update may happen within %d ms",
                            (int64_t)(gathering->limit / 1000000));
        }
        let_unsafe_go();
        pk__pause(pause);
        pause = pause * 2 < LONGEST_PAUSE ? pause * 2 : LONGEST_PAUSE;
    }
}

struct lending {
    int (*fits)(const struct pk_thread *thread);
    uint64_t limit;
    int begun, done;
};

static int await(uint32_t *word, uint32_t value, uint64_t limit) {
    uint64_t end = pk__now() + limit;
    for (uint64_t now = pk__now(); now < end && __atomic_load_n(word, __ATOMIC_ACQUIRE) != value; now = pk__now()) {
        uint32_t arrived = __atomic_load_n(&pk__runtime.arrived, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
            pk__futex_wait(&pk__runtime.arrived, arrived, end - now);
    }
    return __atomic_load_n(word, __ATOMIC_ACQUIRE) == value;
}

static long lend(struct pk_thread *thread, void *data) {
    struct lending *lending = data;
    if (lending->begun || thread->signalled) /* it will be let go at the end */
        return 0;
    long result = ask(thread);
    if (result < 0 || thread->tid < 0)
        return result;
    if (!await(&thread->state, PK_PARKED, ARRIVAL))
        return 0;
    if (lending->fits(thread)) {
        lending->begun = 1;
        __atomic_store_n(&thread->lent, 1, __ATOMIC_RELEASE);
        wake_all();
        lending->done = await(&thread->lent, 0, lending->limit);
    }
    let_go(thread);
    wake_all();
    return 0;
}

int pk__lend(int (*fits)(const struct pk_thread *thread), const struct pk_errand *errand, uint64_t limit) {
    struct lending lending = {fits, limit, 0, 0};
    uint64_t end = pk__now() + limit;
    if (begin())
        return -ENOMEM;
    pk__runtime.errand = *errand;
    while (!lending.begun && pk__now() < end) {
        long result = each_thread(lend, &lending);
        if (result < 0)
            break;
        if (!lending.begun)
            pk__pause(LONGEST_PAUSE);
    }
    pk__release();
    return lending.done ? 0 : lending.begun ? -ETIMEDOUT : -EAGAIN;
}

static void report_thread(struct pk_thread *thread, void (*tell)(const char *line)) {
    char line[1024], path[64], name[32] = "?";
    struct pk_text text = {line, sizeof line, 0};
    task_path(path, sizeof path, thread->tid, "/comm");
    long length = pk__read_file(path, name, sizeof name);
    if (length > 0 && name[length - 1] == '\n')
        name[length - 1] = 0;
    pk__put(&text, "fact\tname=thread\ttid=");
    pk__put_number(&text, thread->tid);
    pk__put(&text, "\tcomm=");
    pk__put(&text, name);
    pk__put(&text, "\twhere=");
    pk__put(&text, thread->function ? thread->function : "");
    pk__put(&text, "\treason=");
    pk__put(&text, thread->reason ? thread->reason : "");
    tell(line);
}

static void report_frames(const struct pk_thread *thread, void (*tell)(const char *line)) {
    const struct pk_stack *stack = &pk__runtime.scratch->stack;
    char line[1024];
    for (size_t i = 0; i < stack->count; i++) {
        const struct pk_frame *frame = &stack->frames[i];
        struct pk_text text = {line, sizeof line, 0};
        pk__put(&text, "fact\tname=frame\ttid=");
        pk__put_number(&text, thread->tid);
        pk__put(&text, "\ttext=");
        pk__put(&text, frame->function ? frame->function : "?");
        pk__put(&text, " in ");
        pk__put(&text, frame->module && *frame->module ? frame->module : "unknown code");
        tell(line);
    }
}

void pk__report_threads(const struct pk_gathering *gathering, void (*tell)(const char *line)) {
    struct pk_runtime *rt = &pk__runtime;
    for (size_t i = 0; i < rt->thread_count; i++) {
        struct pk_thread *thread = &rt->threads[i];
        if (thread->tid < 0 || thread->safe)
            continue;
        report_thread(thread, tell);
        if (__atomic_load_n(&thread->state, __ATOMIC_ACQUIRE) != PK_PARKED)
            continue;
        pk__judge(thread, gathering->image, &rt->scratch->stack, gathering->reverting);
        report_frames(thread, tell);
    }
}
