/* libraries.c: libraries that a new version needs, loaded by a thread of the program.
 *
 * The worker has none of what the C library keeps for a thread, so it cannot load anything. A thread of the program does, in
 * the handler of its interruption, while all others run: what they hold they give back. It has to be one that only waits:
 * blocked in a call that the program made through few functions of the C library, none of which holds anything meanwhile,
 * and with none of them further out either, where the program might be in the middle of another one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>

#include "runtime.h"

enum { MOST_LEAVES = 3, NAME = 256, WHY = 300 };
static const uint64_t LIMIT = 10000000000u; /* ns */

struct loading {
    void *(*open)(const char *name, int flags);
    int (*close)(void *handle);
    char *(*why)(void);
    int *(*error)(void);
    void *handle;
    char name[NAME], text[WHY];
};

static int only_waits(int64_t call) {
    switch (call) {
    case SYS_read: case SYS_recvfrom: case SYS_recvmsg: case SYS_accept: case SYS_accept4: case SYS_poll: case SYS_ppoll:
    case SYS_select: case SYS_pselect6: case SYS_epoll_wait: case SYS_epoll_pwait: case SYS_nanosleep:
    case SYS_clock_nanosleep: case SYS_pause: case SYS_rt_sigsuspend: case SYS_rt_sigtimedwait:
        return 1;
    default:
        return 0;
    }
}

enum part { LEAVES, PROGRAM, START };
struct look {
    enum part part;
    int leaves;
};

static int look(void *data, const struct pk_live *frame) {
    struct look *seen = data;
    const struct pk_module *module = pk__module_of(frame->registers.value[PK_REG_IP]);
    if (module && pk__is_system(module)) {
        seen->part = seen->part == LEAVES ? LEAVES : START;
        return seen->part == LEAVES && ++seen->leaves > MOST_LEAVES;
    }
    if (seen->part == START)
        return frame->end != 0; /* the outermost one may be the program's again */
    seen->part = PROGRAM;
    return 0;
}

static int fits(const struct pk_thread *thread) {
    struct look seen = {LEAVES, 0};
    if (!only_waits(thread->call) || !pk__context_at_call(thread->context))
        return 0;
    return pk__each_frame(thread, look, &seen) && seen.part != LEAVES;
}

/* In a thread of the program. */
static void load(void *argument) {
    struct loading *loading = argument;
    int before = *loading->error();
    loading->handle = loading->open(loading->name, RTLD_NOW | RTLD_GLOBAL);
    const char *why = loading->handle ? NULL : loading->why();
    struct pk_text text = {loading->text, sizeof loading->text, 0};
    pk__put(&text, why ? why : "");
    *loading->error() = before;
}

static void unload(void *argument) {
    struct loading *loading = argument;
    int before = *loading->error();
    loading->close(loading->handle);
    *loading->error() = before;
}

static int find_loader(struct loading *ret) {
    ret->open = (void *(*)(const char *, int))pk__find_symbol("dlopen", "");
    ret->close = (int (*)(void *))pk__find_symbol("dlclose", "");
    ret->why = (char *(*)(void))pk__find_symbol("dlerror", "");
    ret->error = (int *(*)(void))pk__find_symbol("__errno_location", "");
    return ret->open && ret->close && ret->why && ret->error;
}

static const struct pk_error *load_one(const char *name, struct pk_libraries *ret) {
    static struct loading loading; /* a thread that does not come to an end still has it */
    struct pk_text text = {loading.name, sizeof loading.name, 0};
    if (!find_loader(&loading))
        return pk__fail("PKI504", "the new version needs %s, and the process has nothing that could load it", name);
    pk__put(&text, name);
    loading.handle = NULL;
    int result = pk__lend(fits, &(struct pk_errand){load, &loading}, LIMIT);
    if (result == -ETIMEDOUT)
        return pk__fail("PKI504", "the start of %s, which the new version needs, does not come to its end", name);
    if (result)
        return pk__fail("PKI504", "the new version needs %s, and no thread of the process waits where it could load it", name);
    if (!loading.handle)
        return pk__fail("PKI504", "the new version needs %s, which the process cannot load: %s", name, loading.text);
    ret->handles[ret->count++] = loading.handle;
    pk__log("loaded %s", name);
    return NULL;
}

const struct pk_error *pk__load_libraries(const struct pk_payload *payload, struct pk_libraries *ret) {
    const uint32_t *needed = pk__rows(payload, &payload->needed);
    ret->count = 0;
    for (uint64_t i = 0; i < payload->needed.count; i++) {
        const char *name = pk__string(payload, needed[i]);
        if (pk__is_loaded(name))
            continue;
        if (ret->count == PK_MOST_LIBRARIES)
            return pk__fail("PKI504", "the new version needs more than %d libraries that the process has not loaded",
                            (int64_t)PK_MOST_LIBRARIES);
        const struct pk_error *error = load_one(name, ret);
        if (error)
            return error;
    }
    if (ret->count)
        pk__find_modules();
    return NULL;
}

void pk__unload_libraries(struct pk_libraries *libraries) {
    static struct loading loading;
    while (libraries->count && find_loader(&loading)) {
        loading.handle = libraries->handles[--libraries->count];
        pk__lend(fits, &(struct pk_errand){unload, &loading}, LIMIT);
    }
}
