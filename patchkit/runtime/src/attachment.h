/* attachment.h: what whoever attaches and the runtime that it brings agree on; see ../attach/ and start.c.
 *
 * It lies in the process, behind the runtime's own image. The thread that begins the runtime fills in `state` and `text`;
 * everything else stands there before that thread is started.
 */
#ifndef PK_ATTACHMENT_H
#define PK_ATTACHMENT_H

#include <stdint.h>

enum pk_attachment_state { PK_ATTACHING, PK_ATTACHED, PK_NOT_ATTACHED };

struct pk_attachment {
    uint32_t alive; /* not 0 until the thread has ended: the kernel clears it */
    uint32_t state; /* enum pk_attachment_state */
    uint64_t stack; /* of the thread, which gives it back */
    uint64_t stack_size;
    uint64_t avoid;      /* mask of signals that cannot wake the process: bit 0 is signal 1 */
    char directory[108]; /* as PATCHKIT_RUN_DIR, empty for none */
    char signers[256];   /* as PATCHKIT_TRUSTED_KEYS */
    char text[128];      /* why it is PK_NOT_ATTACHED */
};

#define PK_ATTACH_ENTRY "pk__attached"

#endif
