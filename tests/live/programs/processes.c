/* processes.c MODE: what a process does with itself. `say` on standard input makes every process print its number and version,
 * in that order of birth; `fork` makes the newest one fork. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int to_child = -1; /* the pipe to the child that this process made last */

__attribute__((noinline)) const char *version(void) { return "VERSION"; }

static void fork_one(void) {
    int pipes[2];
    if (pipe(pipes))
        exit(1);
    if (fork() == 0) {
        dup2(pipes[0], 0);
        close(pipes[1]);
        close(pipes[0]);
        if (to_child >= 0)
            close(to_child);
        to_child = -1;
        dprintf(1, "child %d\n", getpid());
        return;
    }
    close(pipes[0]);
    if (to_child >= 0)
        close(to_child);
    to_child = pipes[1];
}

static void close_from(int lowest) {
    for (int i = lowest; i < 1024; i++)
        close(i);
}

static void use_up_descriptors(void) {
    struct rlimit few = {64, 64};
    setrlimit(RLIMIT_NOFILE, &few);
    while (dup(0) >= 0) {
    }
}

/* Standard input and output are kept, since the test speaks through them. */
static void become_daemon(void) {
    if (fork())
        _exit(0);
    setsid();
    if (fork())
        _exit(0);
    if (chdir("/"))
        exit(1);
    close_from(3);
}

static void change_root(const char *place) {
    if (chroot(place) || chdir("/"))
        exit(1);
}

static void obey(const char *word, char **words) {
    if (strcmp(word, "daemon") == 0)
        become_daemon();
    else if (strcmp(word, "close") == 0)
        close_from(3);
    else if (strcmp(word, "setuid") == 0) {
        if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
            exit(1);
    } else if (strcmp(word, "undumpable") == 0)
        prctl(PR_SET_DUMPABLE, 0);
    else if (strcmp(word, "descriptors") == 0)
        use_up_descriptors();
    else if (strcmp(word, "chroot") == 0)
        change_root(words[2]);
    else if (strcmp(word, "exec") == 0 || strcmp(word, "exec-without") == 0) {
        if (word[4])
            unsetenv("LD_PRELOAD");
        execl("/proc/self/exe", "server", "none", (char *)NULL);
    }
}

/* Not by stdio, whose buffer a fork would copy. */
static int read_line(char *line, size_t size) {
    for (size_t i = 0; i + 1 < size; i++) {
        if (read(0, line + i, 1) != 1)
            return 0;
        if (line[i] == '\n') {
            line[i] = 0;
            return 1;
        }
    }
    return 0;
}

int main(int count, char **words) {
    char line[64];
    if (count < 2)
        return 1;
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    obey(words[1], words);
    dprintf(1, "ready %d\n", getpid());
    while (read_line(line, sizeof line)) {
        if (to_child >= 0 && dprintf(to_child, "%s\n", line) < 0)
            return 1;
        if (strcmp(line, "say") == 0)
            dprintf(1, "%d %s\n", getpid(), version());
        else if (strcmp(line, "fork") == 0 && to_child < 0)
            fork_one();
        else if (strcmp(line, "open") == 0)
            dprintf(1, "opened %d\n", open("/dev/null", O_RDONLY));
        else
            obey(line, words);
    }
    return 0;
}
