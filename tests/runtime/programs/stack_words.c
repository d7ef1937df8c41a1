/* stack_words.c: parks a thread in a signal handler, and prints which of its words a walk shows, and as whose.
 *
 * Linked with the runtime's objects. The thread keeps marks in a local array, in a register that is kept across calls, below
 * its stack pointer, and on a stack of its own for a signal whose handler is interrupted in turn.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime.h"

#define MARK(n) (0x5ca1ab1e00000000u + (n))

static struct pk_thread row;
static int parked, done, waiting_tid;
static int pipes[2];

static void park(int number, siginfo_t *information, void *context) {
    (void)number;
    (void)information;
    row.tid = gettid();
    row.context = context;
    __atomic_store_n(&parked, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST))
        usleep(1000);
}

static void on_other_stack(int number) {
    volatile uint64_t local = MARK(3);
    char letter;
    (void)number;
    while (read(pipes[0], &letter, 1) == 1)
        local++;
}

/* The mark in a register: rbx is kept by read(), and saved where read() or what it calls needs it. */
static __attribute__((noinline)) long in_register(int descriptor, char *letter) {
    register uint64_t kept __asm__("rbx") = MARK(2);
    __asm__ volatile("" : "+r"(kept));
    long got = read(descriptor, letter, 1);
    __asm__ volatile("" : "+r"(kept));
    return got + (kept == MARK(2));
}

static void *run(void *nested) {
    volatile uint64_t locals[4] = {MARK(1), 1, 2, 3};
    stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    char letter;
    sigaltstack(&stack, NULL);
    __atomic_store_n(&waiting_tid, gettid(), __ATOMIC_SEQ_CST);
    if (nested)
        raise(SIGUSR2);
    in_register(pipes[0], &letter);
    return (void *)(uintptr_t)locals[0];
}

/* Whether the thread waits in read(), system call number 0. */
static int is_reading(void) {
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", __atomic_load_n(&waiting_tid, __ATOMIC_SEQ_CST));
    return pk__read_file(path, text, sizeof text) > 2 && text[0] == '0' && text[1] == ' ';
}

static int show(void *data, const struct pk_word *word) {
    static const char *const owners[] = {"nobody", "library", "program"};
    uint64_t *count = data;
    ++*count;
    if (word->value > MARK(0) && word->value <= MARK(9))
        printf("mark %d %s %s %s\n", (int)(word->value - MARK(0)), owners[word->owner], word->number < 0 ? "stack" : "register",
               *word->place == word->value ? "there" : "elsewhere");
    return word->value == MARK(9);
}

static int count_frame(void *data, const struct pk_live *frame) {
    (void)frame;
    ++*(uint64_t *)data;
    return 0;
}

int main(int count, char **words) {
    struct sigaction parking = {.sa_sigaction = park, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction other = {.sa_handler = on_other_stack, .sa_flags = SA_ONSTACK | SA_RESTART};
    pthread_t thread;
    uint64_t shown = 0, frames = 0;
    (void)words;
    sigaction(SIGUSR1, &parking, NULL);
    sigaction(SIGUSR2, &other, NULL);
    pk__runtime.scratch = pk__map(sizeof *pk__runtime.scratch);
    pk__find_modules();
    if (!pk__runtime.scratch || pipe(pipes) || pthread_create(&thread, NULL, run, count > 1 ? &thread : NULL))
        return 2;
    while (!is_reading())
        usleep(1000);
    pthread_kill(thread, SIGUSR1);
    while (!__atomic_load_n(&parked, __ATOMIC_SEQ_CST))
        usleep(1000);
    int complete = pk__each_frame(&row, count_frame, &frames);
    int stopped = pk__each_stack_word(&row, show, &shown);
    printf("complete %d stopped %d enough %d\n", complete, stopped, frames > 3 && shown > 100);
    fflush(stdout);
    _exit(0);
}
