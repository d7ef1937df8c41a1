/* x86_64.c: x86-64 under Linux: code that a lent thread runs, and where a thread goes on that was stopped in a call.
 *
 * Both pieces of code touch neither the stack nor the flags of the thread, and read what they need from behind themselves.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "../attach.h"

enum { USER_CODE = 0x33, INSTRUCTION = 2 /* bytes of `syscall` */ };
/* What a call returns inside the kernel where it is to begin again (include/linux/errno.h). */
enum { RESTART_SYS = 512, RESTART_NOINTR = 513, RESTART_NOHAND = 514, RESTART_BLOCK = 516 };

/* The registers that a system call or our code changes, in the order in which it takes them back. */
struct resumed {
    uint64_t rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, rip;
};

struct spawn_values {
    uint64_t flags, stack, cleared, block, all, mask, data, size, argument, entry;
    struct resumed resumed;
};

#define RESUME(values)                       \
    "    mov " values "+0(%rip), %rax\n"     \
    "    mov " values "+8(%rip), %rcx\n"     \
    "    mov " values "+16(%rip), %rdx\n"    \
    "    mov " values "+24(%rip), %rsi\n"    \
    "    mov " values "+32(%rip), %rdi\n"    \
    "    mov " values "+40(%rip), %r8\n"     \
    "    mov " values "+48(%rip), %r9\n"     \
    "    mov " values "+56(%rip), %r10\n"    \
    "    mov " values "+64(%rip), %r11\n"    \
    "    jmp *" values "+72(%rip)\n"

#define SET_MASK(from)                    \
    "    mov $14, %eax\n" /* rt_sigprocmask, SIG_SETMASK */ \
    "    mov $2, %edi\n"                  \
    "    lea " from "(%rip), %rsi\n"      \
    "    mov $0, %edx\n"                  \
    "    mov $8, %r10d\n"                 \
    "    syscall\n"

__asm__(".section .rodata\n"
        ".balign 16\n"
        "call_code:\n"
        "    syscall\n" RESUME("1f") ".balign 8\n"
        "1:  .fill 10, 8, 0\n"
        "call_code_end:\n"
        ".balign 16\n"
        "spawn_code:\n" SET_MASK("1f+32")
        "    mov $56, %eax\n" /* clone */
        "    mov 1f+0(%rip), %rdi\n"
        "    mov 1f+8(%rip), %rsi\n"
        "    mov $0, %edx\n"
        "    mov 1f+16(%rip), %r10\n"
        "    mov 1f+24(%rip), %r8\n"
        "spawn_call:\n"
        "    syscall\n"
        "    mov %rax, %rcx\n"
        "    jrcxz 2f\n" /* leaves the flags alone */
        SET_MASK("1f+40") RESUME("1f+80")
        "2:  mov $10, %eax\n" /* mprotect, read and write; the stack is part of it */
        "    mov 1f+48(%rip), %rdi\n"
        "    mov 1f+56(%rip), %rsi\n"
        "    mov $3, %edx\n"
        "    syscall\n"
        "    test %rax, %rax\n"
        "    jnz 3f\n"
        "    mov 1f+64(%rip), %rdi\n"
        "    xor %ebp, %ebp\n"
        "    call *1f+72(%rip)\n"
        "3:  mov $60, %eax\n" /* exit */
        "    mov $1, %edi\n"
        "    syscall\n"
        "    hlt\n"
        ".balign 8\n"
        "1:  .fill 20, 8, 0\n"
        "spawn_code_end:\n"
        ".text\n");
extern const uint8_t call_code[], call_code_end[], spawn_code[], spawn_call[], spawn_code_end[];

_Static_assert(sizeof(struct resumed) == 10 * 8 && sizeof(struct spawn_values) == 20 * 8, "the code above says so");

int arch_was_interrupted(const struct lent *lent) {
    const struct user_regs_struct *found = &lent->found;
    /* close() has closed the descriptor all the same. */
    return (long)found->orig_rax >= 0 && (long)found->rax == -EINTR && found->orig_rax != SYS_close;
}

int arch_settle(struct lent *lent) {
    struct user_regs_struct *settled = &lent->settled;
    *settled = lent->found;
    if (settled->cs != USER_CODE)
        return 0;
    if ((long)settled->orig_rax < 0)
        return 1;
    /* As arch_do_signal_or_restart() of the kernel does when no handler is to run. */
    long result = (long)settled->rax;
    if (result == -RESTART_SYS || result == -RESTART_NOINTR || result == -RESTART_NOHAND || arch_was_interrupted(lent)) {
        settled->rax = settled->orig_rax;
        settled->rip -= INSTRUCTION;
    } else if (result == -RESTART_BLOCK) {
        settled->rax = SYS_restart_syscall;
        settled->rip -= INSTRUCTION;
    }
    settled->orig_rax = (unsigned long long)-1;
    return 1;
}

uint64_t arch_place(const struct user_regs_struct *registers) { return registers->rip; }

uint64_t arch_thread_block(const struct user_regs_struct *registers) { return registers->fs_base; }

static struct resumed resumed_of(const struct user_regs_struct *r) {
    return (struct resumed){r->rax, r->rcx, r->rdx, r->rsi, r->rdi, r->r8, r->r9, r->r10, r->r11, r->rip};
}

size_t arch_call_size(void) { return (size_t)(call_code_end - call_code); }

uint64_t arch_write_call(uint8_t *ret, const struct lent *lent, uint64_t place, const long numbers[7],
                         struct user_regs_struct *begin) {
    struct resumed values = resumed_of(&lent->settled);
    size_t size = arch_call_size();
    memcpy(ret, call_code, size);
    memcpy(ret + size - sizeof values, &values, sizeof values);
    *begin = lent->settled;
    begin->rax = (uint64_t)numbers[0];
    begin->rdi = (uint64_t)numbers[1];
    begin->rsi = (uint64_t)numbers[2];
    begin->rdx = (uint64_t)numbers[3];
    begin->r10 = (uint64_t)numbers[4];
    begin->r8 = (uint64_t)numbers[5];
    begin->r9 = (uint64_t)numbers[6];
    begin->rip = place;
    return place + INSTRUCTION;
}

size_t arch_write_spawn(uint8_t *ret, const struct lent *lent, uint64_t place, const struct spawning *spawning,
                        struct user_regs_struct *begin, uint64_t *after) {
    struct spawn_values values = {
        .flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                 CLONE_CHILD_CLEARTID,
        .stack = spawning->stack_top,
        .cleared = spawning->cleared,
        .block = spawning->thread_block,
        .all = ~(uint64_t)0,
        .mask = lent->mask,
        .data = spawning->data,
        .size = spawning->data_size,
        .argument = spawning->argument,
        .entry = spawning->entry,
        .resumed = resumed_of(&lent->settled),
    };
    size_t size = (size_t)(spawn_code_end - spawn_code);
    memcpy(ret, spawn_code, size);
    memcpy(ret + size - sizeof values, &values, sizeof values);
    *begin = lent->settled;
    begin->rip = place;
    *after = place + (uint64_t)(spawn_call - spawn_code) + INSTRUCTION;
    return size;
}

/* The block points at itself twice; the guards are those of the process. Source: tcbhead_t of glibc. */
size_t arch_fill_block(const struct target *target, uint64_t from, uint64_t place, uint64_t ret[8]) {
    memset(ret, 0, 8 * sizeof ret[0]);
    ret[0] = ret[2] = place;
    read_target(target, from + 40, &ret[5], 16);
    return 8 * sizeof ret[0];
}

int arch_relocate(unsigned kind, uint8_t *at, uint64_t place, uint64_t symbol, int64_t addend) {
    uint64_t value;
    switch (kind) {
    case R_X86_64_RELATIVE: value = place + (uint64_t)addend; break;
    case R_X86_64_64: value = symbol ? symbol + (uint64_t)addend : 0; break;
    case R_X86_64_GLOB_DAT:
    case R_X86_64_JUMP_SLOT: value = symbol; break;
    default: return 0;
    }
    memcpy(at, &value, sizeof value);
    return 1;
}
