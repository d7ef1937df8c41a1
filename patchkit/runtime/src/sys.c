/* sys.c: see sys.h. Called by all of the runtime, also while other threads stand still; takes no lock. */
#define _GNU_SOURCE
#include "sys.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { HUGE = 2 << 20 };

#ifdef PK_FAULTS
/* Counts down to an allocation that fails; 0: none does. Written from outside: corpora/bench/faults. */
uint32_t pk__fail_allocation;

int pk__denied(void) {
    return pk__fail_allocation && __atomic_sub_fetch(&pk__fail_allocation, 1, __ATOMIC_RELAXED) == 0;
}
#endif

void *pk__map(size_t size) {
    if (pk__denied())
        return NULL;
    long result =
        pk__syscall(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (PK__FAILED(result))
        return NULL;
    pk__prefer_huge((void *)result, size);
    return (void *)result;
}

void pk__prefer_huge(void *start, size_t size) {
    if (size >= HUGE)
        pk__call3(SYS_madvise, (long)start, (long)size, MADV_HUGEPAGE);
}

void pk__unmap(const void *start, size_t size) {
    if (start)
        pk__call2(SYS_munmap, (long)start, (long)size);
}

int pk__open(const char *path, int flags, int mode) {
    return (int)pk__call4(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, mode);
}

void pk__close(int descriptor) {
    if (descriptor >= 0)
        pk__call1(SYS_close, descriptor);
}

long pk__read(int descriptor, void *ret, size_t size) { return pk__call3(SYS_read, descriptor, (long)ret, (long)size); }

long pk__read_file(const char *path, char *ret, size_t size) {
    int descriptor = pk__open(path, O_RDONLY, 0);
    if (descriptor < 0)
        return descriptor;
    size_t used = 0;
    long got = 0;
    while (used + 1 < size && (got = pk__read(descriptor, ret + used, size - 1 - used)) > 0)
        used += (size_t)got;
    pk__close(descriptor);
    ret[used] = 0;
    return got < 0 ? got : (long)used;
}

uint64_t pk__now(void) {
    struct timespec now = {0, 0};
    pk__call2(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t pk__clock(void) {
    struct timespec now = {0, 0};
    pk__call2(SYS_clock_gettime, CLOCK_REALTIME, (long)&now);
    return now.tv_sec;
}

int pk__pid(void) { return (int)pk__call0(SYS_getpid); }

int pk__tid(void) { return (int)pk__call0(SYS_gettid); }

/* A directory has two links of its own; this one has another for each thread. */
int pk__thread_total(void) {
    struct stat found;
    if (pk__call4(SYS_newfstatat, AT_FDCWD, (long)"/proc/self/task", (long)&found, 0) < 0 || found.st_nlink < 2)
        return 0;
    return (int)found.st_nlink - 2;
}

static struct timespec span(uint64_t ns) {
    return (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
}

void pk__pause(uint64_t ns) {
    struct timespec wanted = span(ns);
    pk__call2(SYS_nanosleep, (long)&wanted, 0);
}

void pk__futex_wait(uint32_t *word, uint32_t value, uint64_t ns) {
    struct timespec limit = span(ns);
    pk__call4(SYS_futex, (long)word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, ns ? (long)&limit : 0);
}

void pk__futex_wake(uint32_t *word) { pk__call3(SYS_futex, (long)word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX); }

void pk__copy(void *to, const void *from, size_t size) {
    uint8_t *target = to;
    const uint8_t *source = from;
    for (; size >= 8; size -= 8, target += 8, source += 8)
        __builtin_memcpy(target, source, 8);
    for (; size; size--)
        *target++ = *source++;
}

void pk__zero(void *to, size_t size) {
    uint8_t *target = to;
    const uint64_t none = 0;
    for (; size >= 8; size -= 8, target += 8) {
        __builtin_memcpy(target, &none, 8);
        __asm__ volatile("" ::: "memory"); /* so that no compiler makes a call of it */
    }
    for (volatile uint8_t *rest = target; size; size--)
        *rest++ = 0;
}

int pk__equal(const void *a, const void *b, size_t size) {
    const uint8_t *one = a, *other = b;
    for (; size; size--)
        if (*one++ != *other++)
            return 0;
    return 1;
}

size_t pk__length(const char *text) {
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

int pk__same(const char *a, const char *b) {
    for (; *a && *a == *b; a++)
        b++;
    return *a == *b;
}

int pk__starts(const char *text, const char *prefix) {
    for (; *prefix; prefix++)
        if (*text++ != *prefix)
            return 0;
    return 1;
}

static void swap(uint8_t *a, uint8_t *b, size_t size) {
    for (; size; size--, a++, b++) {
        uint8_t kept = *a;
        *a = *b;
        *b = kept;
    }
}

static void sift(uint8_t *rows, size_t root, size_t end, size_t size, int (*compare)(const void *, const void *)) {
    for (size_t child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && compare(rows + child * size, rows + (child + 1) * size) < 0)
            child++;
        if (compare(rows + root * size, rows + child * size) >= 0)
            return;
        swap(rows + root * size, rows + child * size, size);
    }
}

void pk__sort(void *rows, size_t count, size_t size, int (*compare)(const void *, const void *)) {
    for (size_t root = count / 2; root > 0; root--)
        sift(rows, root - 1, count, size, compare);
    for (size_t end = count; end > 1; end--) {
        swap(rows, (uint8_t *)rows + (end - 1) * size, size);
        sift(rows, 0, end - 1, size, compare);
    }
}

void pk__put_bytes(struct pk_text *text, const char *more, size_t size) {
    while (size && text->used + 1 < text->size) {
        text->start[text->used++] = *more++;
        size--;
    }
    if (text->size)
        text->start[text->used] = 0;
}

void pk__put(struct pk_text *text, const char *more) { pk__put_bytes(text, more, pk__length(more)); }

static void put_digits(struct pk_text *text, uint64_t number, unsigned base) {
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = "0123456789abcdef"[number % base];
    while (number /= base);
    pk__put_bytes(text, digits + at, sizeof digits - at);
}

void pk__put_number(struct pk_text *text, int64_t number) {
    if (number < 0)
        pk__put(text, "-");
    put_digits(text, number < 0 ? (uint64_t)0 - (uint64_t)number : (uint64_t)number, 10);
}

void pk__put_hex(struct pk_text *text, uint64_t number) { put_digits(text, number, 16); }

void pk__put_id(struct pk_text *text, const uint8_t *id, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char digits[2] = {"0123456789abcdef"[id[i] >> 4], "0123456789abcdef"[id[i] & 15]};
        pk__put_bytes(text, digits, 2);
    }
}

void pk__format(struct pk_text *text, const char *format, __builtin_va_list arguments) {
    for (; *format; format++) {
        if (*format != '%' || !format[1]) {
            pk__put_bytes(text, format, 1);
            continue;
        }
        switch (*++format) {
        case 's': pk__put(text, __builtin_va_arg(arguments, const char *)); break;
        case 'd': pk__put_number(text, __builtin_va_arg(arguments, int64_t)); break;
        case 'x': pk__put_hex(text, __builtin_va_arg(arguments, uint64_t)); break;
        default: pk__put_bytes(text, format, 1);
        }
    }
}

const char *pk__number(const char *text, uint64_t *ret) {
    uint64_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    *ret = value;
    return text;
}
