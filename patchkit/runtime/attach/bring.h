/* bring.h: see bring.c. */
#ifndef PK_BRING_H
#define PK_BRING_H

#include "../src/attachment.h"
#include "attach.h"

struct bringing {
    const struct target *target;
    struct library *library;
    struct pk_attachment *settings;
    uint64_t place; /* of the memory in the process, 0 before it is there */
    uint64_t still; /* us for which one thread stood still */
    int in_use;     /* by a thread, for all we know */
};

const struct problem *bring_runtime(struct bringing *bringing);

#endif
