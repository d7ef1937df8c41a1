/* The maintenance thread: waits until there is work or its time has come. */
#include "cached.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake;
static pthread_t thread;
static bool wanted;
static bool stopping;

static struct timespec deadline(int milliseconds)
{
    struct timespec when;

    clock_gettime(CLOCK_MONOTONIC, &when);
    when.tv_sec += milliseconds / 1000;
    when.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (when.tv_nsec >= 1000000000) {
        when.tv_nsec -= 1000000000;
        when.tv_sec++;
    }
    return when;
}

/* With `lock` held. */
static void wait_for_work(void)
{
    struct timespec end = deadline(sweep_interval());

    while (!wanted && !stopping) {
        if (pthread_cond_timedwait(&wake, &lock, &end) != 0) {
            return;
        }
    }
}

static void *maintain_main(void *data)
{
    (void)data;
    log_thread_name("maintenance");
    stats_thread(WORKERS_MAX + 1);
    pthread_mutex_lock(&lock);
    while (!stopping) {
        wait_for_work();
        wanted = false;
        pthread_mutex_unlock(&lock);
        sweep_pass();
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

void maintain_start(void)
{
    pthread_condattr_t attributes;
    sigset_t all, before;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&wake, &attributes);
    pthread_condattr_destroy(&attributes);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&thread, NULL, maintain_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (problem != 0) {
        log_fatal("cannot start the maintenance thread: %s", strerror(problem));
    }
}

/* May be called with a shard locked. */
void maintain_wake(void)
{
    pthread_mutex_lock(&lock);
    wanted = true;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
}

void maintain_stop(void)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&wake);
}
