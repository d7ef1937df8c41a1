/* waits.c MS MODE…: for each mode a thread waits in one system call, for MS milliseconds or, with -1, as long as it takes, and
 * tells how that ended. On standard input `say` prints the version, and anything else wakes everybody up. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static __thread int pipes[2], polled;
static int *ends[20], listener, futex_word;
static struct sockaddr_un address = {AF_UNIX, "waits.socket"};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int wanted;
static sem_t semaphore;
static long limit; /* ms */
static sigset_t only;

__attribute__((noinline)) const char *version(void) { return "VERSION"; }

static struct timespec after(clockid_t clock, long ms) {
    struct timespec at = {0, 0};
    if (ms < 0)
        return at;
    clock_gettime(clock, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

static struct timespec span(void) { return (struct timespec){limit / 1000, limit % 1000 * 1000000}; }

static long wait_read(void) {
    char letter;
    return read(pipes[0], &letter, 1);
}
static long wait_accept(void) { return accept(listener, NULL, NULL) > 0; }
static long wait_epoll(void) {
    struct epoll_event event;
    return epoll_wait(polled, &event, 1, (int)limit);
}
static long wait_poll(void) {
    struct pollfd one = {pipes[0], POLLIN, 0};
    return poll(&one, 1, (int)limit);
}
static long wait_ppoll(void) {
    struct pollfd one = {pipes[0], POLLIN, 0};
    struct timespec time = span();
    return ppoll(&one, 1, &time, NULL);
}
static long wait_select(void) {
    fd_set set;
    struct timeval time = {limit / 1000, limit % 1000 * 1000};
    FD_ZERO(&set);
    FD_SET(pipes[0], &set);
    return select(pipes[0] + 1, &set, NULL, NULL, &time);
}
static long wait_condition(void) {
    long result = 0;
    pthread_mutex_lock(&mutex);
    while (!wanted && !result) {
        struct timespec end = after(CLOCK_REALTIME, limit);
        result = limit < 0 ? pthread_cond_wait(&condition, &mutex) : pthread_cond_timedwait(&condition, &mutex, &end);
    }
    pthread_mutex_unlock(&mutex);
    return result;
}
static long wait_futex(void) {
    struct timespec time = span();
    return syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, limit < 0 ? NULL : &time, NULL, 0);
}
static long wait_semaphore(void) {
    struct timespec end = after(CLOCK_REALTIME, limit);
    return limit < 0 ? sem_wait(&semaphore) : sem_timedwait(&semaphore, &end);
}
static long wait_nanosleep(void) {
    struct timespec time = span(), left;
    return nanosleep(&time, &left);
}
static long wait_usleep(void) { return usleep((useconds_t)limit * 1000); }
static long wait_absolute(void) {
    struct timespec end = after(CLOCK_MONOTONIC, limit);
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
}
static long wait_sigtimedwait(void) {
    struct timespec time = span();
    return sigtimedwait(&only, NULL, &time);
}
static long wait_sigwait(void) {
    int got = 0;
    return sigwait(&only, &got) ? -1 : got == SIGUSR2;
}
static long wait_child(void) {
    pid_t child = fork();
    if (child == 0) {
        char letter;
        _exit(read(pipes[0], &letter, 1) == 1 ? 7 : 8);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : -1;
}

static const struct {
    const char *name;
    long (*wait)(void);
} modes[] = {
    {"read", wait_read},           {"accept", wait_accept},
    {"epoll_wait", wait_epoll},    {"poll", wait_poll},
    {"ppoll", wait_ppoll},         {"select", wait_select},
    {"condition", wait_condition}, {"futex", wait_futex},
    {"semaphore", wait_semaphore}, {"nanosleep", wait_nanosleep},
    {"usleep", wait_usleep},       {"clock_nanosleep", wait_absolute},
    {"sigtimedwait", wait_sigtimedwait}, {"sigwait", wait_sigwait},
    {"waitpid", wait_child},
};

static void wake(pthread_t *threads, int count) {
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&address, sizeof address))
        perror("wake");
    for (int i = 0; i < count; i++)
        if (write(ends[i][1], "x", 1) != 1 || pthread_kill(threads[i], SIGUSR2))
            perror("wake");
    pthread_mutex_lock(&mutex);
    wanted = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    __atomic_store_n(&futex_word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    sem_post(&semaphore);
}

static void prepare_own(void) {
    static int count;
    struct epoll_event event = {EPOLLIN, {0}};
    polled = epoll_create1(0);
    if (pipe(pipes) || epoll_ctl(polled, EPOLL_CTL_ADD, pipes[0], &event))
        exit(1);
    ends[__atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST)] = pipes;
}

static void *work(void *given) {
    const char *name = given;
    long (*wait)(void) = NULL;
    struct timespec begin, end;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(name, modes[i].name) == 0)
            wait = modes[i].wait;
    prepare_own();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    dprintf(1, "%s waits\n", name);
    errno = 0;
    long result = wait();
    int error = errno;
    clock_gettime(CLOCK_MONOTONIC, &end);
    long ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    dprintf(1, "%s ended %ld %s %ld\n", name, result, result < 0 ? strerrorname_np(error) : "-", ms);
    return NULL;
}

static void prepare(void) {
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(address.sun_path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4))
        exit(1);
    sem_init(&semaphore, 0, 0);
    sigemptyset(&only);
    sigaddset(&only, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &only, NULL);
}

int main(int count, char **words) {
    char line[64];
    pthread_t threads[20];
    limit = atol(words[1]);
    prepare();
    for (int i = 0; i < count - 2; i++)
        if (pthread_create(&threads[i], NULL, work, words[i + 2]))
            return 1;
    while (fgets(line, sizeof line, stdin))
        if (strcmp(line, "say\n") == 0)
            dprintf(1, "%s\n", version());
        else
            wake(threads, count - 2);
    return 0;
}
