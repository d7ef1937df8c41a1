/* sys.h: system calls and memory functions of our own.
 *
 * The runtime's worker is no thread of the C library's, and runs while others stand still that may hold any of the
 * library's locks; so nothing here may call into the C library, and errno does not exist: results are negative numbers
 * as the kernel returns them.
 */
#ifndef PK_SYS_H
#define PK_SYS_H

#include <stddef.h>
#include <stdint.h>

#include "../arch/arch.h"

struct iovec;
struct msghdr;
struct sockaddr;

#define PK__FAILED(result) ((unsigned long)(result) >= (unsigned long)-4095L)

static inline long pk__call0(long number) { return pk__syscall(number, 0, 0, 0, 0, 0, 0); }
static inline long pk__call1(long number, long a) { return pk__syscall(number, a, 0, 0, 0, 0, 0); }
static inline long pk__call2(long number, long a, long b) { return pk__syscall(number, a, b, 0, 0, 0, 0); }
static inline long pk__call3(long number, long a, long b, long c) { return pk__syscall(number, a, b, c, 0, 0, 0); }
static inline long pk__call4(long number, long a, long b, long c, long d) {
    return pk__syscall(number, a, b, c, d, 0, 0);
}

/* Whether the kernel is taken to have refused memory, a descriptor or a process. Stands before each call for one whose
 * failure is not that of the whole runtime, so that a build with PK_FAULTS can have each of them fail; no other build does. */
#ifdef PK_FAULTS
int pk__denied(void);
#else
static inline int pk__denied(void) { return 0; }
#endif

/* Anonymous private memory, zeroed; NULL where there is none. */
void *pk__map(size_t size);
void pk__unmap(const void *start, size_t size);
/* Asks for large pages where there is much: to make millions of small ones, and to look up which is where, takes long. */
void pk__prefer_huge(void *start, size_t size);

int pk__open(const char *path, int flags, int mode);
void pk__close(int descriptor);
long pk__read(int descriptor, void *ret, size_t size);
/* Reads the whole file into `ret`, NUL-terminated and cut at size - 1; returns its length or a negative error. */
long pk__read_file(const char *path, char *ret, size_t size);

uint64_t pk__now(void); /* monotonic, ns */
int64_t pk__clock(void); /* seconds since 1970 */
int pk__pid(void);
int pk__tid(void);
int pk__thread_total(void); /* how many this process has by the kernel's count, 0: not known */
void pk__pause(uint64_t ns);

/* Waits while *word == value, at most `ns` (0: without limit). */
void pk__futex_wait(uint32_t *word, uint32_t value, uint64_t ns);
void pk__futex_wake(uint32_t *word);

void pk__copy(void *to, const void *from, size_t size);
static inline uint64_t pk__word(const void *place) {
    uint64_t word;
    __builtin_memcpy(&word, place, sizeof word);
    return word;
}
static inline void pk__put_word(void *place, uint64_t word) { __builtin_memcpy(place, &word, sizeof word); }
void pk__zero(void *to, size_t size);
int pk__equal(const void *a, const void *b, size_t size);
size_t pk__length(const char *text);
int pk__same(const char *a, const char *b);
int pk__starts(const char *text, const char *prefix);

/* What getdents64(2) fills in. */
struct pk_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* Sorts `count` rows of `size` bytes in place (heap sort: no memory, no recursion). */
void pk__sort(void *rows, size_t count, size_t size, int (*compare)(const void *, const void *));

/* A text under construction; what does not fit is cut. */
struct pk_text {
    char *start;
    size_t size; /* of the buffer, with the final NUL */
    size_t used;
};
void pk__put(struct pk_text *text, const char *more);
void pk__put_bytes(struct pk_text *text, const char *more, size_t size);
void pk__put_number(struct pk_text *text, int64_t number);
void pk__put_hex(struct pk_text *text, uint64_t number);
void pk__put_id(struct pk_text *text, const uint8_t *id, size_t size); /* two digits a byte */
/* Formats %s %d (int64_t) %x (uint64_t); nothing else. */
void pk__format(struct pk_text *text, const char *format, __builtin_va_list arguments);

/* Reads decimal digits; returns the first character behind them. */
const char *pk__number(const char *text, uint64_t *ret);

#endif
