/* step PID: runs the threads of a process one instruction at a time until standard input ends, and prints how many
 * instructions of its own the process has run meanwhile, the kernel's not among them. Writes a line when it has begun.
 *
 * Counters of the processor are not there in many virtual machines, and what runs programs by translating them does not
 * run the signals and mappings of a runtime that changes code as the kernel would. This changes nothing of the process.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
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

static int input_has_ended(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;
    return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) == 0;
}

int main(int argc, char **argv) {
    unsigned long long count = 0;
    if (argc != 2)
        return 2;
    seize_all(argv[1]);
    puts("stepping");
    fflush(stdout);
    for (unsigned turn = 1; turn % 64 || !input_has_ended(); turn++) {
        int status;
        pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);
        if (tid < 0)
            return 1;
        if (tid == 0 || !WIFSTOPPED(status)) {
            usleep(tid == 0 && input_has_ended() ? 1000 : 0);
            continue;
        }
        int event = status >> 16, signal = WSTOPSIG(status);
        if (!event && signal == SIGTRAP)
            count++;
        ptrace(PTRACE_SINGLESTEP, tid, 0, event || signal == SIGTRAP ? 0 : signal);
    }
    printf("%llu\n", count);
    return 0;
}
