/* signals.c MODE: ways in which a program uses signals. `say` on standard input prints the version and what was counted;
 * MODE decides what else happens. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int counts[65], pipes[2];
static char *page;

__attribute__((noinline)) const char *version(void) { return "VERSION"; }

static void count_signal(int number) { __atomic_add_fetch(&counts[number], 1, __ATOMIC_SEQ_CST); }

/* Makes the page that was touched writable, as garbage collectors do. */
static void on_fault(int number, siginfo_t *information, void *context) {
    (void)context;
    count_signal(number);
    if ((char *)information->si_addr < page || (char *)information->si_addr >= page + 4096)
        _exit(9);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void block_in_handler(int number) {
    char letter;
    dprintf(1, "in the handler\n");
    if (read(pipes[0], &letter, 1) == 1)
        count_signal(number);
    dprintf(1, "handled by %s\n", version());
}

static void handle(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(number, &action, NULL);
}

static void own_stack(void) {
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaltstack(&stack, NULL);
}

static void *fault_often(void *unused) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)unused;
    own_stack();
    page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaction(SIGSEGV, &action, NULL);
    for (;;) {
        *(volatile char *)page = 1;
        mprotect(page, 4096, PROT_READ);
        usleep(100);
    }
    return NULL;
}

static void *send_often(void *thread) {
    for (;;) {
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        kill(getpid(), SIGUSR2);
        usleep(200);
    }
    return NULL;
}

static void *await_all(void *set) {
    int number;
    for (;;)
        if (sigwait(set, &number) == 0)
            count_signal(number);
    return NULL;
}

static void *read_signals(void *set) {
    int file = signalfd(-1, set, SFD_CLOEXEC);
    struct signalfd_siginfo one;
    while (read(file, &one, sizeof one) == sizeof one)
        count_signal((int)one.ssi_signo);
    return NULL;
}

static void *raise_in_thread(void *unused) {
    (void)unused;
    own_stack();
    raise(SIGUSR1);
    for (;;)
        pause();
    return NULL;
}

static int start(const char *mode) {
    static pthread_t main_thread;
    static sigset_t all;
    pthread_t thread;
    main_thread = pthread_self();
    sigfillset(&all);
    if (pipe(pipes))
        return -1;
    if (strcmp(mode, "handlers") == 0) {
        handle(SIGUSR1, count_signal, SA_RESTART);
        handle(SIGUSR2, count_signal, 0);
        return pthread_create(&thread, NULL, send_often, &main_thread);
    }
    if (strcmp(mode, "faults") == 0)
        return pthread_create(&thread, NULL, fault_often, NULL);
    if (strcmp(mode, "in-handler") == 0 || strcmp(mode, "on-own-stack") == 0) {
        handle(SIGUSR1, block_in_handler, SA_RESTART | (mode[0] == 'o' ? SA_ONSTACK : 0));
        return pthread_create(&thread, NULL, raise_in_thread, NULL);
    }
    /* These block everything in every thread. */
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    if (strcmp(mode, "sigwait") == 0)
        return pthread_create(&thread, NULL, await_all, &all);
    if (strcmp(mode, "signalfd") == 0)
        return pthread_create(&thread, NULL, read_signals, &all);
    return strcmp(mode, "blocked");
}

int main(int count, char **words) {
    char line[64];
    if (count < 2 || start(words[1]))
        return 1;
    dprintf(1, "ready\n");
    for (;;) {
        ssize_t got = read(0, line, sizeof line - 1);
        if (got == 0 || (got < 0 && errno != EINTR))
            return 0;
        if (got > 0 && line[0] == 's') {
            for (int i = 1; i < 65; i++)
                if (counts[i])
                    dprintf(1, "count %d %d\n", i, counts[i]);
            dprintf(1, "%s\n", version());
        } else if (got > 0 && write(pipes[1], "x", 1) != 1)
            return 1;
    }
}
