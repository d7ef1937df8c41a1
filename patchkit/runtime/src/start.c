/* start.c: how the runtime comes to be in a process, and how it is woken.
 *
 * Between requests there is one page, the signals' handlers, and nothing else. A handler runs in any thread at any place,
 * so it makes system calls only.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "attachment.h"
#include "runtime.h"

/* Of the worker: the lowest part of its stack is closed, so that whatever recurses without end does not run into what lies
 * below; its thread block stands in the middle of the block. */
enum { STACK = 576 << 10, CLOSED = 64 << 10, BLOCK = 16 << 10 };

struct pk_runtime pk__runtime = {.requested = -1};

extern char **environ __attribute__((weak));

const struct pk_error *pk__fail(const char *code, const char *format, ...) {
    struct pk_error *error = &pk__runtime.error;
    char kept[PK_ERROR_SIZE]; /* the arguments may come from the error itself */
    struct pk_text text = {kept, sizeof kept, 0};
    kept[0] = 0;
    va_list arguments;
    va_start(arguments, format);
    pk__format(&text, format, arguments);
    va_end(arguments);
    error->code = code;
    pk__copy(error->text, kept, sizeof kept);
    return error;
}

void pk__file_name(struct pk_text *ret, const char *suffix) {
    pk__put(ret, pk__runtime.directory);
    pk__put(ret, "/");
    pk__put_number(ret, pk__runtime.pid);
    pk__put(ret, suffix);
}

/* A forked child has its own life: what its parent was doing is not done here. */
void pk__own(void) {
    struct pk_runtime *rt = &pk__runtime;
    int pid = pk__pid();
    if (rt->pid == pid)
        return;
    rt->pid = pid;
    rt->gathering = rt->waiting = rt->serving = rt->arrived = 0;
    rt->worker = 0;
    rt->thread_count = 0;
    rt->state = PK_IDLE;
    pk__close(rt->requested);
    rt->requested = -1;
    pk__disarm_points();
}

/* Runs as the worker, from its first instruction to its last. */
static void work(void *memory) {
    struct pk_runtime *rt = &pk__runtime;
    rt->stack = (struct pk_span){(uintptr_t)memory, (uintptr_t)memory + STACK + BLOCK, PK_OF_NOBODY};
    pk__serve(NULL);
    __atomic_store_n(&rt->worker, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&rt->serving, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&rt->requested, __ATOMIC_SEQ_CST) >= 0) /* too late for this one */
        pk__wake();
    pk__finish(memory, STACK + BLOCK);
}

static int use_directory(const char *path) {
    struct stat status;
    pk__call3(SYS_mkdirat, AT_FDCWD, (long)path, 0700);
    int euid = (int)pk__call0(SYS_geteuid);
    return pk__call4(SYS_newfstatat, AT_FDCWD, (long)path, (long)&status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(status.st_mode) && (int)status.st_uid == euid && !(status.st_mode & 077);
}

/* docs/protocol.md lists the places. The user may have changed since the start, so it is asked anew. */
static int find_directory(void) {
    struct pk_runtime *rt = &pk__runtime;
    static char named[sizeof rt->directory];
    static int known;
    if (!known) {
        pk__copy(named, rt->directory, sizeof named);
        known = 1;
    }
    if (named[0] && use_directory(named))
        return 1;
    static const char *const forms[2][2] = {{"/run/user/", "/patchkit"}, {"/tmp/patchkit-", ""}};
    for (int i = 0; i < 2; i++) {
        struct pk_text text = {rt->directory, sizeof rt->directory, 0};
        pk__put(&text, forms[i][0]);
        pk__put_number(&text, pk__call0(SYS_geteuid));
        pk__put(&text, forms[i][1]);
        if (use_directory(rt->directory))
            return 1;
    }
    return 0;
}

void pk__wake(void) {
    struct pk_runtime *rt = &pk__runtime;
    if (__atomic_exchange_n(&rt->serving, 1, __ATOMIC_SEQ_CST))
        return;
    uint64_t all = ~(uint64_t)0, before = 0;
    pk__call4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all);
    uint8_t *memory = find_directory() ? pk__map(STACK + BLOCK) : NULL;
    long thread = -1;
    if (memory && !pk__denied() && pk__call3(SYS_mprotect, (long)memory, CLOSED, PROT_NONE) == 0) {
        uint8_t *block = memory + STACK + BLOCK / 2;
        pk__fill_tcb(block);
        thread = pk__denied() ? -1 : pk__spawn(memory + STACK, block, work, memory, NULL);
    }
    if (thread < 0) {
        pk__unmap(memory, STACK + BLOCK);
        __atomic_store_n(&rt->serving, 0, __ATOMIC_SEQ_CST);
    }
    pk__call4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before);
}

static const char *setting(const char *name) {
    size_t length = pk__length(name);
    for (char **at = &environ ? environ : NULL; at && *at; at++)
        if (pk__starts(*at, name) && (*at)[length] == '=')
            return *at + length + 1;
    return NULL;
}

static void keep_setting(const char *name, char *ret, size_t size) {
    const char *value = setting(name);
    struct pk_text text = {ret, size, 0};
    if (value && pk__length(value) < size)
        pk__put(&text, value);
}

/* The page whose name tells the outside that the runtime is here. */
static int mark(int signal) {
    char name[32];
    struct pk_text text = {name, sizeof name, 0};
    pk__put(&text, "patchkit-");
    pk__put_number(&text, PK_ABI);
    pk__put(&text, "-");
    pk__put_number(&text, signal);
    int file = (int)pk__call2(SYS_memfd_create, (long)name, 1 /* MFD_CLOEXEC */);
    if (file < 0)
        return 0;
    pk__call2(SYS_ftruncate, file, PK_PAGE);
    long page = pk__syscall(SYS_mmap, 0, PK_PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    pk__close(file);
    return !PK__FAILED(page);
}

static int is_privileged(const uint64_t *auxiliary) {
    for (; auxiliary[0] != AT_NULL; auxiliary += 2)
        if (auxiliary[0] == AT_SECURE)
            return auxiliary[1] != 0;
    return 0;
}

/* Everything but the signal, which is not had in the same way by a program that starts and by one that runs. Returns 0
 * where the runtime must keep off. */
static int prepare(void) {
    struct pk_runtime *rt = &pk__runtime;
    uint64_t auxiliary[128] = {0};
    long got = pk__read_file("/proc/self/auxv", (char *)auxiliary, sizeof auxiliary - 16);
    if (rt->on || got <= 0 || is_privileged(auxiliary))
        return 0;
    rt->pid = pk__pid();
    pk__find_program(&rt->program, auxiliary);
    return rt->program.code_end != 0;
}

__attribute__((constructor)) static void start(void) {
    struct pk_runtime *rt = &pk__runtime;
    if (setting("PATCHKIT_OFF") || !prepare())
        return;
    keep_setting("PATCHKIT_RUN_DIR", rt->directory, sizeof rt->directory);
    keep_setting("PATCHKIT_TRUSTED_KEYS", rt->signers, sizeof rt->signers);
    rt->trusted = rt->signers[0] ? rt->signers : NULL;
    rt->signal = pk__take_signal();
    rt->on = rt->signal && mark(rt->signal);
}

static const char *start_late(const struct pk_attachment *attachment) {
    struct pk_runtime *rt = &pk__runtime;
    if (!prepare())
        return "the program is privileged, or /proc does not show what it is";
    pk__copy(rt->directory, attachment->directory, sizeof rt->directory);
    pk__copy(rt->signers, attachment->signers, sizeof rt->signers);
    rt->trusted = rt->signers[0] ? rt->signers : NULL;
    pk__find_modules();
    rt->signal = pk__take_late_signal(attachment->avoid);
    if (!rt->signal)
        return "it has no real-time signal left: all are caught, ignored or blocked";
    rt->on = mark(rt->signal);
    if (!rt->on)
        pk__give_signal_back(rt->signal);
    return rt->on ? NULL : "it may not have one more page of memory";
}

/* Where a process begins that somebody attached to (../attach/bring.c): on a thread of our own, with all signals blocked. */
PK_PUBLIC void pk__attached(struct pk_attachment *attachment);
void pk__attached(struct pk_attachment *attachment) {
    const char *reason = start_late(attachment);
    struct pk_text text = {attachment->text, sizeof attachment->text, 0};
    if (reason)
        pk__put(&text, reason);
    __atomic_store_n(&attachment->state, reason ? PK_NOT_ATTACHED : PK_ATTACHED, __ATOMIC_RELEASE);
    pk__finish((void *)attachment->stack, attachment->stack_size);
}

void pk__update_point(void) {
    struct pk_runtime *rt = &pk__runtime;
    if (__builtin_expect(__atomic_load_n(&rt->waiting, __ATOMIC_RELAXED) != 0, 0) && rt->pid == pk__pid())
        pk__interrupt(pk__tid());
}

/* A worker that is there already may be waiting for somebody to connect: the signal has it look again. */
int pk__request_update(const char *path) {
    struct pk_runtime *rt = &pk__runtime;
    int32_t none = -1;
    pk__own();
    int bundle = rt->on ? pk__open(path, O_RDONLY, 0) : -1;
    if (bundle < 0)
        return -1;
    if (!__atomic_compare_exchange_n(&rt->requested, &none, bundle, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        pk__close(bundle);
        return -1;
    }
    pk__wake();
    pk__call3(SYS_tgkill, rt->pid, __atomic_load_n(&rt->worker, __ATOMIC_SEQ_CST), rt->signal);
    return 0;
}

enum pk_result pk__request_result(char *ret, size_t size) {
    const struct pk_runtime *rt = &pk__runtime;
    if (__atomic_load_n(&rt->requested, __ATOMIC_SEQ_CST) >= 0)
        return PK_WAITING;
    if (ret && size && rt->answer != PK_NOT_ASKED) {
        struct pk_text text = {ret, size, 0};
        pk__put(&text, rt->answer_text);
    }
    return (enum pk_result)rt->answer;
}
