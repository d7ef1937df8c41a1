/* The processes of the sessions, as the first process sees them. */
#include "ftpd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define STOP_PAUSES 300

static pid_t running[SESSIONS_MAX];
static int count;

static void say_no(int fd, const char *why)
{
    if (write(fd, why, strlen(why)) < 0) {
        log_write(2, "a refused client was gone already");
    }
}

/* In the child: signals are as they are for any program. */
static void begin(int fd)
{
    sigset_t none;

    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    listener_close();
    session_serve(fd);
}

/* Starts a session on a new control connection. */
void sessions_start(int fd)
{
    if (count >= options.sessions_max) {
        say_no(fd, "421 Too many sessions, try later.\r\n");
        close(fd);
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        begin(fd);
    }
    if (child < 0) {
        log_write(0, "fork: %s", strerror(errno));
        say_no(fd, "421 No session can be started, try later.\r\n");
    } else {
        running[count++] = child;
    }
    close(fd);
}

static void forget(pid_t child)
{
    for (int at = 0; at < count; at++) {
        if (running[at] == child) {
            running[at] = running[--count];
            return;
        }
    }
}

static void note_end(pid_t child, int status)
{
    static unsigned killed;

    if (WIFSIGNALED(status)) {
        killed++;
        log_write(0, "session %d was ended by signal %d, %u so far", (int)child, WTERMSIG(status), killed);
    } else {
        log_write(2, "session %d has ended, %d run", (int)child, count);
    }
}

/* Takes note of sessions that have ended. */
void sessions_reap(void)
{
    pid_t child;
    int status;

    while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
        forget(child);
        note_end(child, status);
    }
}

static void signal_all(int number)
{
    for (int at = 0; at < count; at++) {
        kill(running[at], number);
    }
}

/* Ends all sessions: those that do not listen by force. */
void sessions_stop(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};

    signal_all(SIGTERM);
    for (int waited = 0; count > 0; waited++) {
        pid_t child = waitpid(-1, NULL, WNOHANG);
        if (child < 0 && errno != EINTR) {
            break;
        }
        forget(child);
        if (child == 0) {
            nanosleep(&pause, NULL);
        }
        if (waited == STOP_PAUSES) {
            signal_all(SIGKILL);
        }
    }
}
