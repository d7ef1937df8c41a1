/* bring.c: the runtime brought into the process: memory, its image, its first thread; and all of it taken back.
 *
 *     code page | the library: code, constants, data | attachment | thread block | stack
 *
 * Everything from the data on becomes writable, by the thread itself before it uses any of it.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include "bring.h"

enum { PAGE = 4096, STACK = 64 << 10, ANSWER = 5000000 /* us */ };

static size_t attachment_at(const struct bringing *b) { return PAGE + b->library->size; }
static size_t total_size(const struct bringing *b) { return attachment_at(b) + 2 * PAGE + STACK; }

/* One system call in the lent thread. The cave is emptied again unless somebody might still be in it. */
static const struct problem *call_in(struct bringing *b, struct lent *lent, const long numbers[7], int64_t *ret) {
    static const uint8_t zeros[LARGEST_CALL];
    uint8_t code[LARGEST_CALL];
    struct user_regs_struct begin;
    uint64_t place;
    size_t size = arch_call_size();
    const struct problem *problem = find_cave(b->target, size, &place);
    if (problem)
        return problem;
    uint64_t after = arch_write_call(code, lent, place, numbers, &begin);
    if (!write_target(b->target, lent->tid, place, code, size))
        return fail("PKL201", "the system does not let the process's memory be written");
    problem = run_in(lent, &begin, after, ret);
    if (!problem)
        ptrace(PTRACE_SETREGS, lent->tid, 0, &lent->settled);
    if (!lent->lost)
        write_target(b->target, lent->tid, place, zeros, size);
    return problem;
}

static const struct problem *make_room(struct bringing *b, struct lent *lent) {
    long numbers[7] = {SYS_mmap, 0, (long)total_size(b), PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
    int64_t result = 0;
    const struct problem *problem = call_in(b, lent, numbers, &result);
    if (!problem && result < 0)
        return fail("PKL206", "it gets no executable memory: %s", strerror((int)-result));
    if (!problem)
        b->place = (uint64_t)result;
    return problem;
}

static int fill_room(struct bringing *b, const struct lent *lent) {
    struct pk_attachment attachment = *b->settings;
    uint64_t at = b->place + attachment_at(b), block[8];
    attachment.alive = 1;
    attachment.state = PK_ATTACHING;
    attachment.stack = at + 2 * PAGE;
    attachment.stack_size = STACK;
    size_t size = arch_fill_block(b->target, arch_thread_block(&lent->settled), at + PAGE, block);
    relocate_library(b->library, b->place + PAGE);
    return write_target(b->target, lent->tid, b->place + PAGE, b->library->image, b->library->size) &&
           write_target(b->target, lent->tid, at, &attachment, sizeof attachment) &&
           write_target(b->target, lent->tid, at + PAGE, block, size);
}

static const struct problem *start_thread(struct bringing *b, struct lent *lent) {
    uint8_t code[PAGE];
    struct user_regs_struct begin;
    uint64_t after, at = b->place + attachment_at(b), data = b->place + PAGE + b->library->data;
    struct spawning spawning = {
        .stack_top = b->place + total_size(b),
        .cleared = at + offsetof(struct pk_attachment, alive),
        .thread_block = at + PAGE,
        .data = data,
        .data_size = b->place + total_size(b) - data,
        .argument = at,
        .entry = b->place + PAGE + b->library->entry,
    };
    size_t size = arch_write_spawn(code, lent, b->place, &spawning, &begin, &after);
    int64_t result = 0;
    if (!write_target(b->target, lent->tid, b->place, code, size) || !fill_room(b, lent))
        return fail("PKL201", "the system does not let the process's memory be written");
    const struct problem *problem = run_in(lent, &begin, after, &result);
    if (!problem && result < 0)
        return fail("PKL206", "it gets no thread: %s", strerror((int)-result));
    return problem;
}

static const struct problem *bring_by(struct bringing *b, pid_t tid) {
    struct lent lent;
    const struct problem *problem = borrow(b->target, tid, &lent);
    if (problem)
        return problem;
    if (!b->place)
        problem = make_room(b, &lent);
    if (!problem)
        problem = start_thread(b, &lent);
    give_back(&lent);
    b->still = now_us() - lent.since;
    b->in_use = !problem || lent.lost;
    return problem;
}

static const struct problem *remove_by(struct bringing *b, pid_t tid) {
    long numbers[7] = {SYS_munmap, (long)b->place, (long)total_size(b), 0, 0, 0, 0};
    struct lent lent;
    int64_t result;
    const struct problem *problem = borrow(b->target, tid, &lent);
    if (problem)
        return problem;
    problem = call_in(b, &lent, numbers, &result);
    give_back(&lent);
    return problem;
}

/* Tries one thread after the other until one does it, or what is wrong is not a matter of threads. */
static const struct problem *by_some_thread(struct bringing *b, const struct problem *(*act)(struct bringing *, pid_t)) {
    for (;;) {
        struct thread_list threads;
        const struct problem *problem = list_threads(b->target, &threads);
        if (problem)
            return problem;
        b->settings->avoid = blocked_by_all(b->target, &threads);
        problem = again("no thread is awake or can be woken");
        for (size_t i = 0; i < threads.count && may_try_again(problem); i++)
            problem = act(b, threads.tids[i]);
        if (!may_try_again(problem))
            return problem;
        if (now_us() >= b->target->deadline)
            return fail("PKL205", "%s", problem->text);
        struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
    }
}

static int read_attachment(const struct bringing *b, struct pk_attachment *ret) {
    return read_target(b->target, b->place + attachment_at(b), ret, sizeof *ret);
}

static const struct problem *await_answer(struct bringing *b) {
    struct pk_attachment attachment = {.state = PK_ATTACHING, .alive = 1};
    struct timespec pause = {0, 200000};
    for (uint64_t end = now_us() + ANSWER; now_us() < end; nanosleep(&pause, NULL)) {
        if (!read_attachment(b, &attachment))
            return fail("PKL006", "it ended while the runtime began");
        if (attachment.state == PK_ATTACHED)
            return NULL;
        if (!attachment.alive)
            break;
    }
    if (attachment.alive) /* it goes on there, so its memory has to stay */
        return fail("PKL206", "the runtime's thread does not come to an end");
    attachment.text[sizeof attachment.text - 1] = 0;
    b->in_use = 0;
    return fail("PKL206", "%s", attachment.text[0] ? attachment.text : "it may not have memory that is written and then run");
}

const struct problem *bring_runtime(struct bringing *b) {
    static struct problem kept;
    const struct problem *problem = by_some_thread(b, bring_by);
    if (!problem)
        problem = await_answer(b);
    if (!problem)
        return NULL;
    kept = *problem;
    if (b->place && !b->in_use)
        by_some_thread(b, remove_by);
    return &kept;
}
