/* attach.h: what the parts of patchkit-attach share. It brings the runtime into a process that was started without it.
 *
 * Words
 *   lent    a thread of the process that we hold for a moment: stopped, its registers known
 *   cave    zero bytes between the end of a module's code and the end of its last page: executable, and used by nobody
 *   call    a piece of code with one system call that, whatever becomes of us, leads its thread back to where it was
 *
 * The rule that everything here keeps: at each instruction, if we are killed, the process goes on as if nothing had been.
 * A thread's registers are only ever changed as a whole, by one request, and only to a state from which the thread finds
 * its way by itself. No code of the program or of a library is called in a lent thread, so it does not matter which
 * locks it holds. The runtime's library is placed, relocated and protected by us, not by the loader.
 */
#ifndef PK_ATTACH_H
#define PK_ATTACH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

/* Why something was not done; `code` is known to `patchkit explain`, and empty where another try may do it. */
struct problem {
    const char *code;
    char text[300];
};

const struct problem *fail(const char *code, const char *format, ...) __attribute__((format(printf, 2, 3)));
const struct problem *again(const char *format, ...) __attribute__((format(printf, 1, 2)));
int may_try_again(const struct problem *problem);

uint64_t now_us(void);

/* The process, as long as it lives: `memory` is bound to its address space and not to its number. */
struct target {
    pid_t pid;
    int memory;
    uint64_t deadline; /* us */
};

int read_target(const struct target *target, uint64_t place, void *ret, size_t size);
/* Writes also where the process itself may not; `tid` is a thread that is stopped. */
int write_target(const struct target *target, pid_t tid, uint64_t place, const void *from, size_t size);

/* maps.c */
const struct problem *find_cave(const struct target *target, size_t size, uint64_t *ret);
int has_runtime(const struct target *target);

/* threads.c */
struct thread_list {
    pid_t *tids;
    size_t count;
};
const struct problem *list_threads(const struct target *target, struct thread_list *ret);
/* The signals that every thread blocks: bit 0 is signal 1. */
uint64_t blocked_by_all(const struct target *target, const struct thread_list *threads);
int has_pending_signal(const struct target *target, pid_t tid, uint64_t mask);

/* lending.c */
enum stop { NOT_STOPPED, AT_SIGNAL, AT_CALL, ENDED };

struct lent {
    const struct target *target;
    pid_t tid;
    enum stop stop;
    int signal; /* that the kernel is about to deliver; negative where the whole process is stopped; else 0 */
    int lost;   /* it runs our code, and we do not know when it will have left it */
    uint64_t mask;
    struct user_regs_struct found;   /* as the kernel had stopped it */
    struct user_regs_struct settled; /* the same place, as the thread can reach it by itself */
    uint64_t since;                  /* us */
};

const struct problem *borrow(const struct target *target, pid_t tid, struct lent *ret);
void give_back(struct lent *lent);
/* Makes the thread run the code that begins with these registers, up to the end of the call whose instruction ends at
 * `after`; returns that call's result. Where it cannot be done the thread may have been given back already. */
const struct problem *run_in(struct lent *lent, const struct user_regs_struct *begin, uint64_t after, int64_t *ret);

/* library.c */
struct library {
    uint8_t *image;
    size_t size;  /* of its pages */
    size_t data;  /* offset of what must be writable: all from there on */
    size_t entry; /* offset of the function that begins the runtime */
    const char *path;
};
const struct problem *open_library(const char *path, struct library *ret);
void relocate_library(struct library *library, uint64_t place);

/* arch/<name>.c: code for the process, and what its registers mean. */
struct spawning {
    uint64_t stack_top, cleared, thread_block, data, data_size, argument, entry;
};
enum { LARGEST_CALL = 512 };
/* Whether the thread runs as we know it; then `settled` is filled in. */
int arch_settle(struct lent *lent);
int arch_was_interrupted(const struct lent *lent); /* its call was given up for our sake */
uint64_t arch_place(const struct user_regs_struct *registers);
uint64_t arch_thread_block(const struct user_regs_struct *registers);
size_t arch_call_size(void);
/* Code for one system call, its number first; `begin` gets the registers with which it has to be entered at `place`.
 * Returns where the call's instruction ends. */
uint64_t arch_write_call(uint8_t *ret, const struct lent *lent, uint64_t place, const long numbers[7],
                         struct user_regs_struct *begin);
/* Code that starts the runtime's first thread; returns its size, and in `after` where the call's instruction ends. */
size_t arch_write_spawn(uint8_t *ret, const struct lent *lent, uint64_t place, const struct spawning *spawning,
                        struct user_regs_struct *begin, uint64_t *after);
/* What compiled code looks for in the block of a thread, taken from another one of the same process. */
size_t arch_fill_block(const struct target *target, uint64_t from, uint64_t place, uint64_t ret[8]);
/* Value of a relocation, or 0 where its kind is unknown. */
int arch_relocate(unsigned kind, uint8_t *at, uint64_t place, uint64_t symbol, int64_t addend);

#endif
