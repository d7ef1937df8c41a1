/* patchkit.h: what a program may call. No program has to: without a call the runtime does the same. */
#ifndef PATCHKIT_H
#define PATCHKIT_H

#ifdef __cplusplus
extern "C" {
#endif

#define PK_PUBLIC __attribute__((visibility("default")))

/* Marks a place where this thread may be while an update happens. Costs one load while none is waiting. */
PK_PUBLIC void pk_update_point(void);

/* Asks for the update in the bundle at `path`, as `patchkit apply` would: it happens soon after, in a thread of the
 * runtime. Returns 0, or -1 where the bundle cannot be opened or the runtime is off. */
PK_PUBLIC int pk_request_update(const char *path);

#ifdef __cplusplus
}
#endif
#endif
