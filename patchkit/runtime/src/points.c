/* points.c: update points. While an update waits, the entry of each named function leads into the runtime.
 *
 * Armed only while all threads are parked; disarmed by one aligned store of 8 bytes, which a running processor sees whole.
 * Stubs and their targets are never given back: a thread may be on its way through one.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "runtime.h"

enum { MOST_POINTS = 200 };

struct point {
    uint8_t *code; /* what is armed: where the current version of the function starts */
    uint64_t before, after;
};

static struct point points[MOST_POINTS];
static uint32_t point_count, target_count;
static int armed;
static uint8_t *stubs;

/* Where the function that olds[index] names starts today: new code calls it there, past its entry. */
static uint8_t *code_of(const struct pk_image *image, uint32_t index) {
    const struct pk_image *current = pk__runtime.current;
    const struct pk_old *old = (const struct pk_old *)pk__rows(image->payload, &image->payload->olds) + index;
    const struct pk_new *row = current ? pk__find_new(current, old->key) : NULL;
    return row && row->place != PK_NOWHERE ? current->place + row->place : (uint8_t *)image->olds[index];
}

static const struct pk_error *make_stubs(void) {
    if (stubs)
        return NULL;
    pk__point_targets = pk__map(PK_PAGE);
    stubs = pk__point_targets ? pk__map_near(&pk__runtime.program, PK_PAGE) : NULL;
    if (!stubs)
        return pk__fail("PKL104", "there is no memory for update points");
    for (uint32_t i = 0; i < MOST_POINTS; i++)
        pk__write_stub(stubs + i * PK_STUB_SIZE, i);
    pk__call3(SYS_mprotect, (long)stubs, PK_PAGE, PROT_READ | PROT_EXEC);
    return NULL;
}

static uint32_t target_of(uintptr_t entry) {
    uint32_t i = 0;
    while (i < target_count && pk__point_targets[i] != entry)
        i++;
    if (i == target_count && i < MOST_POINTS)
        pk__point_targets[target_count++] = entry;
    return i;
}

const struct pk_error *pk__prepare_points(const struct pk_image *image) {
    const uint32_t *index = pk__rows(image->payload, &image->payload->points);
    point_count = 0;
    const struct pk_error *error = image->payload->points.count ? make_stubs() : NULL;
    for (uint64_t i = 0; !error && i < image->payload->points.count; i++) {
        const struct pk_old *old = (const struct pk_old *)pk__rows(image->payload, &image->payload->olds) + index[i];
        uint8_t *code = code_of(image, index[i]);
        uint32_t target = target_of(image->olds[index[i]]);
        uint8_t after[8];
        pk__copy(after, code, 8);
        if (target == MOST_POINTS || point_count == MOST_POINTS || (uintptr_t)code % 8)
            return pk__fail("PKL110", "%s cannot be an update point here: its code is not aligned, or there are too many",
                            pk__string(image->payload, old->name));
        int32_t distance = (int32_t)((intptr_t)(stubs + target * PK_STUB_SIZE) - (intptr_t)(code + PK_JUMP_SIZE));
        after[0] = 0xe9;
        pk__copy(after + 1, &distance, 4);
        points[point_count].code = code;
        pk__copy(&points[point_count].before, code, 8);
        pk__copy(&points[point_count].after, after, 8);
        point_count++;
    }
    return error;
}

static void set(int on) {
    for (uint32_t i = 0; i < point_count; i++) {
        uint8_t *page = (uint8_t *)((uintptr_t)points[i].code & ~(uintptr_t)(PK_PAGE - 1));
        if (pk__call3(SYS_mprotect, (long)page, PK_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
            continue; /* it stays as it is; the update will be refused for want of an answer */
        __atomic_store_n((uint64_t *)points[i].code, on ? points[i].after : points[i].before, __ATOMIC_SEQ_CST);
        pk__call3(SYS_mprotect, (long)page, PK_PAGE, PROT_READ | PROT_EXEC);
    }
    pk__code_changed();
    armed = on;
}

void pk__arm_points(void) {
    if (point_count)
        set(1);
}

void pk__disarm_points(void) {
    if (armed)
        set(0);
}
