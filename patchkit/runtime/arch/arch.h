/* arch.h: everything that differs from one processor to another; arch/<name>.c implements it. */
#ifndef PK_ARCH_H
#define PK_ARCH_H

#include <stddef.h>
#include <stdint.h>

enum { PK_REGISTERS = 17 }; /* by their DWARF numbers; the last is the place of execution */

#if defined(__x86_64__)
enum { PK_REG_BP = 6, PK_REG_SP = 7, PK_REG_IP = 16, PK_MACHINE = 62, PK_JUMP_SIZE = 5 };
#else
#error "patchkit's runtime knows x86-64 only: add arch/<name>.c"
#endif

struct pk_registers {
    uint64_t value[PK_REGISTERS];
    uintptr_t place[PK_REGISTERS]; /* where on the stack each value lies, 0 for what a register holds at the interruption */
};

/* The registers that a function gives back as it got them, which may hold what its callers keep. */
enum { PK_PRESERVED = 6 };
extern const uint8_t pk__preserved[PK_PRESERVED];
/* Bytes below the stack pointer that a function may use. */
enum { PK_RED_ZONE = 128 };

long pk__syscall(long number, long a, long b, long c, long d, long e, long f);

/* The registers of a thread that the kernel has interrupted for a signal; `context` is the handler's third argument. */
void pk__context_registers(const void *context, struct pk_registers *ret);
/* What the system call that it waits in was given; zeros where it is in none. */
enum { PK_ARGUMENTS = 6 };
void pk__context_arguments(const void *context, uint64_t ret[PK_ARGUMENTS]);
/* Where the signal's context keeps a register, by its DWARF number. */
uint64_t *pk__context_slot(void *context, unsigned number);
/* Whether the thread was interrupted in, right before or right after a system call. */
int pk__context_at_call(const void *context);
/* Where the context keeps argument number `index` of the system call that was interrupted. */
uint64_t *pk__context_argument(void *context, unsigned index);
/* The number of the call that has ended with EINTR here, or -1. `number` is the call's where it is known from elsewhere,
 * else negative. */
long pk__context_interrupted(const void *context, long number);
/* Makes that call, `number`, begin again when the handler returns. */
void pk__context_restart(void *context, long number);
/* The number of the call that was interrupted, or -1. */
long pk__context_call(const void *context);

/* Writes the jump from `from` to `to`; returns 0 where `to` is out of its reach. Writes PK_JUMP_SIZE bytes. */
int pk__write_jump(uint8_t *from, uintptr_t to);
/* Where the jump at `from` leads; 0 where none stands there. */
uintptr_t pk__read_jump(const uint8_t *from);

/* Starts a thread of the process that the C library does not know: own stack, all signals blocked, `tcb` as its thread
 * pointer. Returns its id or a negative error. */
long pk__spawn(void *stack_top, void *tcb, void (*run)(void *), void *argument, int *cleared_at_end);
/* Ends the calling thread after unmapping its stack: the stack cannot be used any more. */
__attribute__((noreturn)) void pk__finish(void *stack, size_t size);
/* The thread block of the running thread, from which a new one takes what compiled code looks for. */
void pk__fill_tcb(void *tcb);

/* What makes the running thread's own variables its own. */
uint64_t pk__thread_pointer(void);
void pk__set_thread_pointer(uint64_t pointer);

/* Runs `run` so that it can be left from a signal's handler: returns 0, or what pk__land was given. Not nested. */
int pk__try(void (*run)(void *), void *argument);
/* Makes the interrupted thread, which is inside pk__try, return from it with `why` when the handler ends. */
void pk__land(void *context, int why);

/* Update points. A stub is PK_STUB_SIZE bytes within reach of the code; it leads a thread into the runtime and then to
 * pk__point_targets[number]. */
enum { PK_STUB_SIZE = 16 };
void pk__write_stub(uint8_t *at, uint32_t number);
extern uint64_t *pk__point_targets;
/* What a thread at an update point sends itself: the siginfo_t of an interruption; see signals.c. */
extern int32_t pk__interruption[32];
/* If `ret` are the registers of a thread that waits in a stub, makes them those of the function's entry. */
int pk__leave_stub(struct pk_registers *ret);

/* The signal handler's way back to the interrupted code. */
void pk__restorer(void);

/* Before anything stops: registering for pk__code_changed takes the kernel 20 ms where there are several threads. */
void pk__expect_changes(void);

/* After code was changed: makes sure that no processor runs what it had fetched before. */
void pk__code_changed(void);

#endif
