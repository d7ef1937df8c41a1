/* x86_64.c: x86-64 under Linux. Called from everywhere in the runtime; knows none of its structures. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "../src/sys.h"

long pk__syscall(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* DWARF numbers the registers in its own order (System V ABI for AMD64, figure 3.36). */
static const uint8_t in_dwarf_order[PK_REGISTERS] = {
    REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
    REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
};

void pk__context_registers(const void *context, struct pk_registers *ret) {
    const ucontext_t *interrupted = context;
    for (size_t i = 0; i < PK_REGISTERS; i++)
        ret->value[i] = (uint64_t)interrupted->uc_mcontext.gregs[in_dwarf_order[i]];
    pk__zero(ret->place, sizeof ret->place);
}

const uint8_t pk__preserved[PK_PRESERVED] = {3, 6, 12, 13, 14, 15}; /* rbx rbp r12 to r15 */

uint64_t *pk__context_slot(void *context, unsigned number) {
    return (uint64_t *)&((ucontext_t *)context)->uc_mcontext.gregs[in_dwarf_order[number]];
}

static const uint8_t *place(const void *context) {
    return (const uint8_t *)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

static int is_syscall(const uint8_t *code) { return code[0] == 0x0f && code[1] == 0x05; }

int pk__context_at_call(const void *context) {
    const uint8_t *code = place(context);
    /* The byte before the first of a page may not be there, but code never starts with a call that has returned. */
    return is_syscall(code) || (((uintptr_t)code & 4095) >= 2 && is_syscall(code - 2));
}

static const uint8_t arguments[PK_ARGUMENTS] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};

uint64_t *pk__context_argument(void *context, unsigned index) {
    return (uint64_t *)&((ucontext_t *)context)->uc_mcontext.gregs[arguments[index]];
}

void pk__context_arguments(const void *context, uint64_t ret[PK_ARGUMENTS]) {
    int waits = pk__context_at_call(context);
    for (int i = 0; i < PK_ARGUMENTS; i++)
        ret[i] = waits ? (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[arguments[i]] : 0;
}

long pk__context_call(const void *context) {
    const uint8_t *code = place(context);
    if (is_syscall(code))
        return (long)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RAX];
    if (((uintptr_t)code & 4095) < 7 || !is_syscall(code - 2) || code[-7] != 0xb8)
        return -1;
    return (long)code[-6] | (long)code[-5] << 8 | (long)code[-4] << 16 | (long)code[-3] << 24;
}

long pk__context_interrupted(const void *context, long number) {
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = place(context);
    if (registers[REG_RAX] != -4 /* EINTR */ || ((uintptr_t)code & 4095) < 2 || !is_syscall(code - 2))
        return -1;
    long known = pk__context_call(context);
    return known < 0 ? number : known;
}

void pk__context_restart(void *context, long number) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RAX] = number;
    registers[REG_RIP] -= 2;
}

int pk__write_jump(uint8_t *from, uintptr_t to) {
    int64_t distance = (int64_t)(to - ((uintptr_t)from + PK_JUMP_SIZE));
    if (distance != (int32_t)distance)
        return 0;
    int32_t near = (int32_t)distance;
    from[0] = 0xe9;
    pk__copy(from + 1, &near, sizeof near);
    return 1;
}

uintptr_t pk__read_jump(const uint8_t *from) {
    int32_t near;
    pk__copy(&near, from + 1, sizeof near);
    return from[0] == 0xe9 ? (uintptr_t)from + PK_JUMP_SIZE + (uintptr_t)(intptr_t)near : 0;
}

/* clone(2) by hand: the child returns on the new stack, where the C library's wrapper would expect a thread of its own. */
__asm__(".text\n"
        ".hidden pk__clone\n"
        ".globl pk__clone\n"
        ".type pk__clone,@function\n"
        "pk__clone:\n" /* rdi flags, rsi stack top, rdx ctid, rcx tls, r8 run, r9 argument */
        "    .cfi_startproc\n"
        "    mov %rdx, %r10\n"
        "    xor %edx, %edx\n"
        "    sub $16, %rsi\n"
        "    mov %r8, (%rsi)\n"
        "    mov %r9, 8(%rsi)\n"
        "    mov %rcx, %r8\n"
        "    mov $56, %eax\n"
        "    syscall\n"
        "    test %rax, %rax\n"
        "    jz 1f\n"
        "    ret\n"
        "1:  .cfi_undefined rip\n"
        "    xor %ebp, %ebp\n"
        "    pop %rax\n"
        "    pop %rdi\n"
        "    call *%rax\n"
        "    hlt\n"
        "    .cfi_endproc\n"
        ".size pk__clone,.-pk__clone\n");
long pk__clone(unsigned long flags, void *stack, int *cleared, void *tls, void (*run)(void *), void *argument);

long pk__spawn(void *stack_top, void *tcb, void (*run)(void *), void *argument, int *cleared_at_end) {
    unsigned long flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x80000 | 0x200000;
    /* VM FS FILES SIGHAND THREAD SYSVSEM SETTLS CHILD_CLEARTID */
    return pk__clone(flags, stack_top, cleared_at_end, tcb, run, argument);
}

void pk__finish(void *stack, size_t size) {
    __asm__ volatile("syscall\n"
                     "    xor %%edi, %%edi\n"
                     "    mov $60, %%eax\n"
                     "    syscall\n"
                     "    hlt"
                     :
                     : "a"((long)SYS_munmap), "D"(stack), "S"(size)
                     : "rcx", "r11", "memory");
    __builtin_unreachable();
}

void pk__fill_tcb(void *tcb) {
    uint64_t *words = tcb;
    uint64_t guard, pointers;
    __asm__("mov %%fs:40, %0" : "=r"(guard));
    __asm__("mov %%fs:48, %0" : "=r"(pointers));
    words[0] = words[2] = (uint64_t)tcb;
    words[5] = guard;
    words[6] = pointers;
}

uint64_t pk__thread_pointer(void) {
    uint64_t pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer)); /* its own address stands at its start (System V ABI, thread-local storage) */
    return pointer;
}

void pk__set_thread_pointer(uint64_t pointer) { pk__call2(SYS_arch_prctl, ARCH_SET_FS, (long)pointer); }

__attribute__((used)) static uint64_t landing; /* the stack pointer in pk__try */

__asm__(".text\n"
        ".hidden pk__try\n"
        ".globl pk__try\n"
        ".type pk__try,@function\n"
        "pk__try:\n"
        "    .cfi_startproc\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    .cfi_def_cfa_offset 56\n"
        "    sub $8, %rsp\n"
        "    .cfi_def_cfa_offset 64\n"
        "    mov %rsp, landing(%rip)\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    call *%rax\n"
        "    xor %eax, %eax\n"
        ".hidden pk__landed\n"
        ".globl pk__landed\n"
        "pk__landed:\n"
        "    add $8, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size pk__try,.-pk__try\n");
extern const uint8_t pk__landed[] __attribute__((visibility("hidden")));

void pk__land(void *context, int why) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RSP] = (greg_t)landing;
    registers[REG_RIP] = (greg_t)(uint64_t)pk__landed;
    registers[REG_RAX] = why;
}

/* A stub pushes its number and comes here: the thread sends itself the reserved signal, so that the kernel saves all of it
 * and the handler keeps it until the update is over; then it goes on at the function that it was about to enter. */
uint64_t *pk__point_targets;
__asm__(".text\n"
        ".hidden pk__point_common\n"
        ".globl pk__point_common\n"
        ".type pk__point_common,@function\n"
        "pk__point_common:\n"
        "    push %rax\n"
        "    push %rcx\n"
        "    push %rdx\n"
        "    push %rsi\n"
        "    push %rdi\n"
        "    push %r10\n"
        "    push %r11\n"
        "    pushfq\n"
        "    mov $39, %eax\n" /* getpid */
        "    syscall\n"
        "    mov %eax, %edi\n"
        "    mov $186, %eax\n" /* gettid; a system call keeps rdi */
        "    syscall\n"
        "    mov %eax, %esi\n"
        "    mov pk__interruption(%rip), %edx\n" /* si_signo */
        "    lea pk__interruption(%rip), %r10\n"
        "    mov $297, %eax\n" /* rt_tgsigqueueinfo */
        "    syscall\n"
        ".hidden pk__point_arrived\n"
        ".globl pk__point_arrived\n"
        "pk__point_arrived:\n"
        "    mov 64(%rsp), %rax\n"
        "    mov pk__point_targets(%rip), %rcx\n"
        "    mov (%rcx,%rax,8), %rax\n"
        "    mov %rax, 64(%rsp)\n"
        "    popfq\n"
        "    pop %r11\n"
        "    pop %r10\n"
        "    pop %rdi\n"
        "    pop %rsi\n"
        "    pop %rdx\n"
        "    pop %rcx\n"
        "    pop %rax\n"
        "    ret\n"
        ".size pk__point_common,.-pk__point_common\n"
        ".hidden pk__restorer\n"
        ".globl pk__restorer\n"
        ".type pk__restorer,@function\n"
        "    nop\n"
        "pk__restorer:\n"
        "    mov $15, %eax\n"
        "    syscall\n"
        ".size pk__restorer,.-pk__restorer\n");
extern const uint8_t pk__point_common[] __attribute__((visibility("hidden")));
extern const uint8_t pk__point_arrived[] __attribute__((visibility("hidden")));

void pk__write_stub(uint8_t *at, uint32_t number) {
    uint64_t common = (uint64_t)pk__point_common;
    /* push number; jmp to the address in the last 8 bytes of the page, which all its stubs share. */
    at[0] = 0x68;
    pk__copy(at + 1, &number, 4);
    at[5] = 0xff;
    at[6] = 0x25;
    uintptr_t end = ((uintptr_t)at | 4095) - 7;
    int32_t offset = (int32_t)(end - ((uintptr_t)at + 11));
    pk__copy(at + 7, &offset, 4);
    pk__copy((void *)end, &common, 8);
}

int pk__leave_stub(struct pk_registers *ret) {
    if (ret->value[PK_REG_IP] != (uint64_t)pk__point_arrived)
        return 0;
    const uint64_t *stack = (const uint64_t *)ret->value[PK_REG_SP];
    ret->place[PK_REG_IP] = 0;
    ret->value[PK_REG_IP] = pk__point_targets[stack[8]];
    ret->value[PK_REG_SP] += 72;
    return 1;
}

enum { REGISTER_SYNC_CORE = 1 << 6, SYNC_CORE = 1 << 5 }; /* membarrier(2) */

void pk__expect_changes(void) { pk__call3(SYS_membarrier, REGISTER_SYNC_CORE, 0, 0); }

void pk__code_changed(void) { pk__call3(SYS_membarrier, SYNC_CORE, 0, 0); }
