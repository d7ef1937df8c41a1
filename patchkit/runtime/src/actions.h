/* actions.h: what this process does on a signal, as the kernel takes it.
 *
 * Not through the C library's sigaction(): it refuses the two signals that it keeps for itself.
 */
#ifndef PK_ACTIONS_H
#define PK_ACTIONS_H

#include <signal.h>
#include <sys/syscall.h>

#include "sys.h"

typedef void pk_handler(int signal, siginfo_t *information, void *context);

/* All zeros: the kernel's default. */
struct pk_action {
    pk_handler *handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

enum { PK_SECOND = 32 /* SIGCANCEL */, PK_INTERRUPTION = 33 /* SIGSETXID */ };

/* `handler` runs with all signals blocked; `flags` are sigaction's. */
static inline struct pk_action pk__action(pk_handler *handler, unsigned long flags) {
    enum { RESTORER = 0x04000000 };
    return (struct pk_action){handler, SA_SIGINFO | flags | RESTORER, pk__restorer, ~(uint64_t)0};
}

static inline struct pk_action pk__action_of(int signal) {
    struct pk_action ret = {NULL, 0, NULL, 0};
    pk__call4(SYS_rt_sigaction, signal, 0, (long)&ret, sizeof ret.mask);
    return ret;
}

/* Returns 0, or a negative error. `before` may be NULL. */
static inline long pk__set_action(int signal, struct pk_action action, struct pk_action *before) {
    return pk__call4(SYS_rt_sigaction, signal, (long)&action, (long)before, sizeof action.mask);
}

static inline long pk__reset_action(int signal, struct pk_action *before) {
    return pk__set_action(signal, (struct pk_action){NULL, 0, NULL, 0}, before);
}

#endif
