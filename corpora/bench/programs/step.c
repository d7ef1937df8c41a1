/* step PID: runs the threads of a process one instruction at a time until standard input ends, and at each byte of it, as
 * soon as all threads are blocked, prints how many instructions the process has run so far, the kernel's not among them,
 * and how many of them in shared libraries. Writes a line when it has begun.
 *
 * Counters of the processor are not there in many virtual machines, and what runs programs by translating them does not
 * run the signals and mappings of a runtime that changes code as the kernel would. This changes nothing of the process.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void seize_all(const char *pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/task", pid);
    DIR *threads = opendir(path);
    if (!threads)
        exit(2);
    for (struct dirent *entry; (entry = readdir(threads));) {
        pid_t tid = atoi(entry->d_name);
        if (tid > 0 && (ptrace(PTRACE_SEIZE, tid, 0, 0) || ptrace(PTRACE_INTERRUPT, tid, 0, 0)))
            exit(2);
    }
    closedir(threads);
}

enum { QUIET = 10 /* ms without a step */, MOST = 64 };

static unsigned long starts[MOST], ends[MOST];
static int libraries;

static void find_libraries(const char *pid) {
    char path[64], line[1024], rights[8];
    snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "r");
    while (maps && libraries < MOST && fgets(line, sizeof line, maps))
        if (strstr(line, ".so") && sscanf(line, "%lx-%lx %4s", &starts[libraries], &ends[libraries], rights) == 3 &&
            rights[2] == 'x')
            libraries++;
    if (maps)
        fclose(maps);
}

static int is_library(unsigned long place) {
    for (int i = 0; i < libraries; i++)
        if (place >= starts[i] && place < ends[i])
            return 1;
    return 0;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Returns whether a byte has come; ends at the end of the input. */
static int is_asked(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;
    if (poll(&input, 1, 0) <= 0)
        return 0;
    if (read(STDIN_FILENO, &byte, 1) != 1)
        exit(0);
    return 1;
}

int main(int argc, char **argv) {
    unsigned long long count = 0, others = 0;
    if (argc != 2)
        return 2;
    find_libraries(argv[1]);
    seize_all(argv[1]);
    puts("stepping");
    fflush(stdout);
    for (double asked = 0, last = 0;;) { /* when, in ms; 0: not */
        int status;
        pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);
        if (tid < 0)
            return 1;
        if (tid == 0) {
            if (!asked)
                asked = is_asked() ? now() : 0;
            else if (now() - (asked > last ? asked : last) > QUIET) {
                printf("%llu %llu\n", count, others);
                fflush(stdout);
                asked = 0;
            }
            continue;
        }
        last = now();
        if (!WIFSTOPPED(status))
            continue;
        int event = status >> 16, signal = WSTOPSIG(status);
        if (!event && signal == SIGTRAP) {
            count++;
            others += is_library((unsigned long)ptrace(PTRACE_PEEKUSER, tid, offsetof(struct user_regs_struct, rip), 0));
        }
        ptrace(PTRACE_SINGLESTEP, tid, 0, event || signal == SIGTRAP ? 0 : signal);
    }
}
