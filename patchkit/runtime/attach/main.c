/* main.c: patchkit-attach PID LIBRARY TIMEOUT-MS DIRECTORY SIGNERS. Writes one line, `ok` or `error`, with fields after tabs
 * as docs/protocol.md has them; patchkit reads it and puts it in words. What cannot be read of the process is patchkit's
 * to check beforehand.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bring.h"

static struct problem problem;

static const struct problem *put(const char *code, const char *format, va_list arguments) {
    char text[sizeof problem.text]; /* the arguments may come from the problem itself */
    vsnprintf(text, sizeof text, format, arguments);
    problem.code = code;
    memcpy(problem.text, text, sizeof text);
    return &problem;
}

const struct problem *fail(const char *code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    put(code, format, arguments);
    va_end(arguments);
    return &problem;
}

const struct problem *again(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    put("", format, arguments);
    va_end(arguments);
    return &problem;
}

int may_try_again(const struct problem *found) { return found && !found->code[0]; }

uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int read_target(const struct target *target, uint64_t place, void *ret, size_t size) {
    return pread(target->memory, ret, size, (off_t)place) == (ssize_t)size;
}

/* Some systems keep that file from writing where the process may not write, and let a tracer do it. */
static int poke(pid_t tid, uint64_t place, const uint8_t *from, size_t size) {
    for (size_t at = 0; at < size; at += sizeof(long)) {
        size_t part = size - at < sizeof(long) ? size - at : sizeof(long);
        errno = 0;
        long word = part < sizeof word ? ptrace(PTRACE_PEEKDATA, tid, place + at, 0) : 0;
        memcpy(&word, from + at, part);
        if (errno || ptrace(PTRACE_POKEDATA, tid, place + at, word) < 0)
            return 0;
    }
    return 1;
}

int write_target(const struct target *target, pid_t tid, uint64_t place, const void *from, size_t size) {
    return pwrite(target->memory, from, size, (off_t)place) == (ssize_t)size || poke(tid, place, from, size);
}

/* One at a time: the name is free again when its owner ends, however that is. */
static int take_turn(const struct target *target) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int turn = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "patchkit-attach-%d", target->pid);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    struct timespec pause = {0, 5000000};
    while (bind(turn, (struct sockaddr *)&name, size) < 0) {
        if (errno != EADDRINUSE || now_us() >= target->deadline)
            return 0;
        nanosleep(&pause, NULL);
    }
    return 1;
}

static const struct problem *open_target(struct target *ret, const char *pid, const char *timeout) {
    char path[64];
    ret->pid = atoi(pid);
    ret->deadline = now_us() + strtoull(timeout, NULL, 10) * 1000;
    snprintf(path, sizeof path, "/proc/%d/mem", ret->pid);
    ret->memory = open(path, O_RDWR | O_CLOEXEC);
    if (ret->memory >= 0)
        return NULL;
    return fail(errno == ENOENT ? "PKL006" : "PKL201", "its memory cannot be opened: %s", strerror(errno));
}

static int finish(const struct problem *found, const char *result, const struct bringing *b) {
    if (found) {
        printf("error\tcode=%s\ttext=%s\n", found->code, found->text);
        return 1;
    }
    printf("ok\tresult=%s\tstill-us=%lu\n", result, b->still);
    return 0;
}

int main(int count, char **arguments) {
    static struct pk_attachment settings;
    struct library library;
    struct target target;
    struct bringing bringing = {.target = &target, .library = &library, .settings = &settings};
    if (count != 6)
        return 2;
    /* A key that ends a command shall not end this in the middle; being killed is another matter. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    snprintf(settings.directory, sizeof settings.directory, "%s", arguments[4]);
    snprintf(settings.signers, sizeof settings.signers, "%s", arguments[5]);
    const struct problem *found = open_target(&target, arguments[1], arguments[3]);
    if (!found)
        found = open_library(arguments[2], &library);
    if (found)
        return finish(found, "", &bringing);
    if (!take_turn(&target))
        return finish(fail("PKL201", "another patchkit is attaching to it"), "", &bringing);
    if (has_runtime(&target))
        return finish(NULL, "already", &bringing);
    return finish(bring_runtime(&bringing), "attached", &bringing);
}
