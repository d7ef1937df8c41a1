/* patchkit.h: what a program may call. No program has to: without a call the runtime does the same.
 *
 * A program that is built with this header runs with and without the runtime: where it is absent, or off, the calls do
 * nothing and say so. `patchkit runtime --cflags --libs` prints what a build needs.
 */
#ifndef PATCHKIT_H
#define PATCHKIT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of the update that the program asked for last. */
enum pk_result {
    PK_NOT_ASKED, /* for none, or the runtime is absent */
    PK_WAITING,   /* not known yet */
    PK_UPDATED,   /* the process runs the new version */
    PK_REFUSED    /* it goes on as before, for a reason that pk_request_result() gives */
};

#ifdef PK_RUNTIME
#define PK_PUBLIC __attribute__((visibility("default")))
PK_PUBLIC void pk__update_point(void);
PK_PUBLIC int pk__request_update(const char *path);
PK_PUBLIC enum pk_result pk__request_result(char *ret, size_t size);
#else
/* The address of a function of the runtime, NULL where that is absent. It is asked for through the global offset table: a
 * linker takes the weak reference of a program at a fixed address for 0 once and for all, unless there is no other. */
#define PK_FIND(name, ret) __asm__(".weak " name "\n\tmovq " name "@GOTPCREL(%%rip), %0" : "=r"(ret))

/* Marks a place where this thread may be while an update happens. Costs two loads while none is waiting. */
static inline void pk_update_point(void) {
    void (*call)(void);
    PK_FIND("pk__update_point", call);
    if (call)
        call();
}

/* Asks for the update in the bundle at `path`, as `patchkit apply` would: it happens soon after, in a thread of the
 * runtime, when every thread of the program is at a good place. Returns 0, or -1 where the bundle cannot be opened, another
 * request is waiting, or the runtime is off or absent. */
static inline int pk_request_update(const char *path) {
    int (*call)(const char *);
    PK_FIND("pk__request_update", call);
    return call ? call(path) : -1;
}

/* Tells what became of the last request; `ret` (of `size` bytes, may be NULL) gets a sentence, with the id of a rule in
 * front where it was refused. */
static inline enum pk_result pk_request_result(char *ret, size_t size) {
    enum pk_result (*call)(char *, size_t);
    PK_FIND("pk__request_result", call);
    if (ret && size)
        ret[0] = 0;
    return call ? call(ret, size) : PK_NOT_ASKED;
}
#undef PK_FIND
#endif

#ifdef __cplusplus
}
#endif
#endif
