/* gathering.c: threads that count, wait, and come and go, gathered and released again and again: `gathering TIMES`.
 *
 * Built together with threads.c and sys.c. While all threads stand still, nothing of theirs may change, and what is written
 * then they have to see, both without an atomic word of their own: the thread sanitizer says whether the order that
 * threads.c promises is there. Ends with 0, and prints how often it gathered, and how many threads at most.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../patchkit/runtime/src/runtime.h"

enum { COUNTERS = 3, CHURNERS = 2, MOST_OTHERS = 8, CHANCE = 5 };

struct pk_runtime pk__runtime;
int32_t pk__interruption[32];
static struct pk_scratch scratch;
static pid_t others[MOST_OTHERS]; /* threads of a sanitizer's own, which take no signal */
static int other_count;

/* Of the program, all without a lock between the threads and the worker. */
static long counts[COUNTERS + CHURNERS];
static long generation;
static int seen_backwards;
static int ending;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER, creating = PTHREAD_MUTEX_INITIALIZER;
static int ticks[2]; /* a pipe */

/* What a thread did comes before its end, and its end before it is missing in a list of threads. The kernel sees to that,
 * which a sanitizer cannot know. */
static int ended;
static void end_of_thread(void) { __atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE); }
static void after_ends(void) { (void)__atomic_load_n(&ended, __ATOMIC_ACQUIRE); }
void __real_pk__close(int file);
void __wrap_pk__close(int file) { /* the list of threads, once it was read */
    after_ends();
    __real_pk__close(file);
}

int __real_pk__thread_total(void);
int __wrap_pk__thread_total(void) { return __real_pk__thread_total() - other_count; }

static uint64_t state = 88172645463325252u; /* of the worker */
static unsigned chance(unsigned of) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % of);
}

const struct pk_error *pk__fail(const char *code, const char *format, ...) {
    fprintf(stderr, "%s: %s\n", code, format);
    exit(1);
}
void pk__log(const char *format, ...) { (void)format; }
void pk__arm_points(void) {}
void pk__disarm_points(void) {}
void pk__take_interruptions(void) {}
void pk__restart(void *context, long number, struct pk_wait *wait, uint64_t interrupted) {
    (void)context, (void)number, (void)wait, (void)interrupted;
}

/* Some are in no good place at first. What the thread wrote of itself is read as the real one reads it. */
void pk__judge(struct pk_thread *thread, const struct pk_image *image, struct pk_stack *stack, int reverting) {
    (void)image, (void)stack, (void)reverting;
    thread->safe = thread->context && thread->thread_pointer && chance(CHANCE) > 0;
}

long pk__interrupt(int tid) {
    for (int i = 0; i < other_count; i++)
        if (others[i] == tid)
            return -ESRCH;
    if (!syscall(SYS_tgkill, getpid(), tid, SIGUSR1))
        return 0;
    after_ends();
    return -errno;
}

static void on_interruption(int signal, siginfo_t *information, void *context) {
    (void)signal, (void)information;
    int before = errno;
    pk__park(context);
    end_of_thread(); /* perhaps */
    errno = before;
}

/* The thread sanitizer hands a signal on when a call ends, but not while one waits for a lock, of ours or of the library's
 * own. So nobody waits here but in system calls. */
static void take(pthread_mutex_t *lock) {
    while (pthread_mutex_trylock(lock))
        usleep(50);
}

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

/* The thread sanitizer loses a signal that comes to a thread before the first call in which that waits: it makes the place
 * where it notes them only then, and not as one step. So a thread begins with the signal blocked, and waits once. Without it
 * nothing is blocked: a thread may stand still with a lock of a sanitizer's that others need to begin, and wait for. */
static void block(int how) {
#ifdef __SANITIZE_THREAD__
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(how, &set, NULL);
#else
    (void)how;
#endif
}

static void start(pthread_t *thread, void *(*function)(void *), void *data) {
    block(SIG_BLOCK);
    if (pthread_create(thread, NULL, function, data))
        exit(3);
    block(SIG_UNBLOCK);
}

static void take_signals(void) {
    usleep(1);
    block(SIG_UNBLOCK);
}

static int goes_on(void) { return !__atomic_load_n(&ending, __ATOMIC_RELAXED); }

static void look(long *newest) {
    long now = generation;
    if (now < *newest)
        seen_backwards = 1;
    *newest = now;
}

static void *count_up(void *data) {
    long newest = 0;
    take_signals();
    while (goes_on()) {
        take(&counting);
        ++*(long *)data;
        pthread_mutex_unlock(&counting);
        if (write(ticks[1], "ticks", 5) < 0 && errno != EAGAIN)
            exit(3);
        look(&newest);
        free(malloc(100));
        usleep(200);
    }
    return NULL;
}

static void *wait_once(void *data) {
    char byte;
    take_signals();
    if (read(ticks[0], &byte, 1) < 0)
        exit(3);
    take(&counting);
    ++*(long *)data;
    pthread_mutex_unlock(&counting);
    end_of_thread();
    return NULL;
}

static void *churn(void *data) {
    long newest = 0;
    take_signals();
    while (goes_on()) {
        pthread_t threads[3];
        take(&creating);
        for (int i = 0; i < 3; i++)
            start(&threads[i], wait_once, data);
        look(&newest);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        pthread_mutex_unlock(&creating);
    }
    return NULL;
}

static void *nothing(void *data) { return data; }

static void find_others(void) {
    pthread_t thread; /* with the first of which some come */
    if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
        exit(3);
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        pid_t tid = atoi(entry->d_name);
        if (tid > 0 && tid != pk__runtime.worker && other_count < MOST_OTHERS)
            others[other_count++] = tid;
    }
    closedir(tasks);
}

static int gather_once(size_t *most) {
    long before[COUNTERS + CHURNERS];
    size_t parked = 0;
    struct pk_gathering gathering = {.limit = 60000000000u, .begun = pk__now()};
    if (pk__gather(&gathering))
        return 1;
    for (size_t i = 0; i < pk__runtime.thread_count; i++)
        parked += pk__runtime.threads[i].tid > 0;
    *most = parked > *most ? parked : *most;
    memcpy(before, counts, sizeof before);
    generation++;
    pk__pause(300000);
    int same = !memcmp(before, counts, sizeof before);
    pk__release();
    return !same;
}

int main(int count, char **words) {
    int times = count > 1 ? atoi(words[1]) : 100;
    size_t most = 0;
    pthread_t threads[COUNTERS + CHURNERS];
    struct sigaction action = {.sa_sigaction = on_interruption, .sa_flags = SA_SIGINFO | SA_RESTART};
    pk__runtime.pid = getpid();
    pk__runtime.worker = (int)syscall(SYS_gettid);
    pk__runtime.scratch = &scratch;
    sigaction(SIGUSR1, &action, NULL);
    find_others();
    if (pipe2(ticks, O_NONBLOCK) || fcntl(ticks[0], F_SETFL, 0))
        return 3;
    for (int i = 0; i < COUNTERS + CHURNERS; i++)
        start(&threads[i], i < COUNTERS ? count_up : churn, &counts[i]);
    for (int i = 0; i < times; i++) {
        if (gather_once(&most))
            return 4;
        pk__pause(chance(2000000));
    }
    __atomic_store_n(&ending, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < COUNTERS + CHURNERS; i++) {
        if (i == COUNTERS)
            close(ticks[1]); /* whoever reads comes to the end */
        pthread_join(threads[i], NULL);
    }
    printf("gathered %d most %zu\n", times, most);
    return seen_backwards ? 5 : 0;
}
