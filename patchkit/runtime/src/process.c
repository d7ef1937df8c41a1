/* process.c: children of the worker that the program does not see: no SIGCHLD, and its wait() passes them over. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runtime.h"

/* No signal at its end. */
long pk__fork(void) { return pk__denied() ? -12 /* ENOMEM */ : pk__syscall(SYS_clone, 0, 0, 0, 0, 0, 0); }

long pk__wait(long child, uint64_t limit) {
    uint64_t end = pk__now() + limit;
    int status = 0;
    for (uint64_t pause = 50000;; pause = pause < 2000000 ? pause * 2 : pause) {
        long got = pk__call4(SYS_wait4, child, (long)&status, WNOHANG | __WALL, 0);
        if (got == child)
            return status;
        if (got < 0 && got != -4)
            return got;
        if (pk__now() >= end) {
            pk__call2(SYS_kill, child, SIGKILL);
            pk__call4(SYS_wait4, child, (long)&status, __WALL, 0);
            return -110; /* ETIMEDOUT */
        }
        pk__pause(pause);
    }
}
