/* coroutines.c: a coroutine sleeps on a stack of the program's own while version after version comes. `start` begins it,
 * `end` lets it run to its end, `say` prints the version. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* As large as the stacks that others map: what comes next is mapped beside the last one. */
enum { STACK = 132 * 4096, STACKS = 64 };

static ucontext_t outside, inside;

__attribute__((noinline)) const char *version(void) { return "VERSION"; }

__attribute__((noinline)) static void sleep_inside(const char *began) {
    swapcontext(&inside, &outside);
    dprintf(1, "began in %s, ended in %s\n", began, version());
}

static void run(void) {
    sleep_inside("VERSION");
}

static void start(void) {
    char *stack = NULL;
    for (int i = 0; i < STACKS; i++)
        stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = STACK;
    inside.uc_link = &outside;
    makecontext(&inside, run, 0);
    swapcontext(&outside, &inside);
    dprintf(1, "started\n");
}

int main(void) {
    char line[64];
    dprintf(1, "ready\n");
    while (read(0, line, sizeof line) > 0) {
        if (line[0] == 's' && line[1] == 't')
            start();
        else if (line[0] == 'e')
            swapcontext(&outside, &inside);
        else
            dprintf(1, "%s\n", version());
    }
    return 0;
}
