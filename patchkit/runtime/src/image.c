/* image.c: brings a payload's image into the process, where nothing refers to it yet.
 *
 * Called by the worker while the program runs. The image is placed within 2 GB of the executable, since code reaches
 * 2 GB; every reference is bound; then the segments get the protection that they keep.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "runtime.h"

enum { STEP = 16 << 20, REACH = 1 << 30 };

static size_t image_size(const struct pk_payload *payload) {
    size_t size = 0;
    for (int i = 0; i < PK_SEGMENTS; i++)
        size += payload->segment[i];
    return size;
}

static uint8_t *map_at(uintptr_t place, size_t size) {
    if (pk__denied())
        return NULL;
    long result = pk__syscall(SYS_mmap, (long)place, (long)size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (PK__FAILED(result))
        return NULL;
    if ((uintptr_t)result != place) { /* a kernel that does not know the flag */
        pk__unmap((void *)result, size);
        return NULL;
    }
    return (uint8_t *)result;
}

/* Below the executable first, as the heap grows above it; above it for one that is loaded at a fixed low address. */
uint8_t *pk__map_near(const struct pk_program *program, size_t size) {
    uintptr_t low = program->code_start & ~(uintptr_t)(STEP - 1), high = program->code_end + (STEP - 1);
    size_t room = (size + STEP - 1) & ~(size_t)(STEP - 1);
    for (uintptr_t away = room; away < REACH && away + STEP < low; away += STEP) {
        uint8_t *place = map_at(low - away, size);
        if (place)
            return place;
    }
    for (uintptr_t away = REACH / 2; away + room < REACH + REACH / 2; away += STEP) {
        uint8_t *place = map_at(((high & ~(uintptr_t)(STEP - 1)) + away), size);
        if (place)
            return place;
    }
    return NULL;
}

static size_t slots_for(uint64_t count) {
    size_t size = 16;
    while (size < 2 * count)
        size *= 2;
    return size;
}

static const struct pk_error *make_tables(struct pk_image *image) {
    const struct pk_payload *payload = image->payload;
    image->by_key_size = slots_for(payload->news.count);
    size_t words = (payload->olds.count + payload->imports.count + 2) * sizeof(uintptr_t);
    size_t inherited = image->before ? image->before->undo_count : 0;
    size_t undo = (2 * payload->patches.count + inherited + 1) * sizeof(struct pk_undo);
    image->tables_size = words + undo + image->by_key_size * sizeof(uint32_t);
    uint8_t *at = image->tables = pk__map(image->tables_size);
    if (!at)
        return pk__fail("PKL104", "there is no memory for the tables of the update");
    image->olds = (uintptr_t *)at;
    image->imports = image->olds + payload->olds.count + 1;
    image->undo = (struct pk_undo *)(at + words);
    image->by_key = (uint32_t *)(at + words + undo);
    const struct pk_new *news = pk__rows(payload, &payload->news);
    for (uint32_t i = 0; i < payload->news.count; i++) {
        size_t slot = news[i].key & (image->by_key_size - 1);
        while (image->by_key[slot])
            slot = (slot + 1) & (image->by_key_size - 1);
        image->by_key[slot] = i + 1;
    }
    return NULL;
}

const struct pk_new *pk__find_new(const struct pk_image *image, uint64_t key) {
    const struct pk_new *news = pk__rows(image->payload, &image->payload->news);
    for (size_t slot = key & (image->by_key_size - 1); image->by_key[slot]; slot = (slot + 1) & (image->by_key_size - 1))
        if (news[image->by_key[slot] - 1].key == key)
            return &news[image->by_key[slot] - 1];
    return NULL;
}

uintptr_t pk__new_address(const struct pk_image *image, const struct pk_new *row) {
    if (row->entry != PK_NOWHERE)
        return (uintptr_t)image->place + row->entry;
    if (row->old != PK_NONE && (row->kind == PK_FUNCTION || row->place == PK_NOWHERE))
        return image->olds[row->old];
    return (uintptr_t)image->place + row->place;
}

/* Where the old `row` is in this process; 0 where it is not. A thread-local one's place is an offset. */
static uintptr_t find_old(const struct pk_old *row) {
    const struct pk_runtime *rt = &pk__runtime;
    if (!rt->current)
        return row->kind == PK_TLS ? row->place : rt->program.base + row->place;
    const struct pk_new *found = pk__find_new(rt->current, row->key);
    return found ? pk__new_address(rt->current, found) : 0;
}

static const struct pk_error *find_olds(struct pk_image *image) {
    const struct pk_old *row = pk__rows(image->payload, &image->payload->olds);
    for (uint64_t i = 0; i < image->payload->olds.count; i++, row++) {
        image->olds[i] = find_old(row);
        if (!image->olds[i] && !(row->flags & PK_OLD_OPTIONAL))
            return pk__fail("PKL106", "the process has no %s, which the update builds upon", pk__string(image->payload, row->name));
    }
    return NULL;
}

static const struct pk_error *find_imports(struct pk_image *image) {
    const struct pk_payload *payload = image->payload;
    const uint32_t *needed = pk__rows(payload, &payload->needed);
    for (uint64_t i = 0; i < payload->needed.count; i++)
        if (!pk__is_loaded(pk__string(payload, needed[i])))
            return pk__fail("PKI504", "the new version needs %s, which the process has not loaded",
                            pk__string(payload, needed[i]));
    const struct pk_import *row = pk__rows(payload, &payload->imports);
    for (uint64_t i = 0; i < payload->imports.count; i++, row++) {
        image->imports[i] = pk__find_symbol(pk__string(payload, row->name), pk__string(payload, row->version));
        if (!image->imports[i] && !(row->flags & PK_IMPORT_WEAK))
            return pk__fail("PKL105", "no library that the process has loaded defines %s", pk__string(payload, row->name));
    }
    return NULL;
}

/* Writes one value; returns 0 where it does not fit. */
static int bind(uint8_t *place, unsigned kind, uint64_t value) {
    int64_t near;
    switch (kind) {
    case PK_ABS64:
    case PK_TPOFF64: pk__copy(place, &value, 8); return 1;
    case PK_PC64: value -= (uint64_t)place; pk__copy(place, &value, 8); return 1;
    case PK_PC32: near = (int64_t)(value - (uint64_t)place); break;
    case PK_ABS32: near = (int64_t)value; break;
    default: near = (int64_t)value;
    }
    if (near != (int32_t)near && !(kind == PK_ABS32 && value == (uint32_t)value))
        return 0;
    pk__copy(place, &near, 4);
    return 1;
}

static const struct pk_error *relocate(struct pk_image *image) {
    const struct pk_payload *payload = image->payload;
    const struct pk_relocation *row = pk__rows(payload, &payload->relocations);
    for (uint64_t i = 0; i < payload->relocations.count; i++, row++) {
        uint64_t target = row->target == PK_SELF  ? (uint64_t)image->place
                          : row->target == PK_OLD ? image->olds[row->index]
                                                  : image->imports[row->index];
        if (!target && row->target != PK_SELF && row->kind == PK_ABS64) /* weak or optional: a null pointer */
            continue;
        if (!bind(image->place + row->place, row->kind, target + (uint64_t)row->addend))
            return pk__fail("PKL103", "the new code cannot reach what it refers to at offset %d", (int64_t)row->place);
    }
    return NULL;
}

static const struct pk_error *protect(const struct pk_image *image) {
    static const int protections[PK_SEGMENTS] = {PROT_READ | PROT_EXEC, PROT_READ | PROT_EXEC, PROT_READ, PROT_READ | PROT_WRITE};
    uint8_t *at = image->place;
    for (int i = 0; i < PK_SEGMENTS; at += image->payload->segment[i++])
        if (image->payload->segment[i] &&
            (pk__denied() || pk__call3(SYS_mprotect, (long)at, (long)image->payload->segment[i], protections[i]) < 0))
            return pk__fail("PKL114", "the system does not let this process have new code (SELinux execmem, MDWE or seccomp)");
    return NULL;
}

/* Relocations are followed once; their pages go back to the system. That it may refuse costs only memory. */
static void forget_relocations(const struct pk_image *image) {
    const struct pk_table *table = &image->payload->relocations;
    uintptr_t start = (uintptr_t)image->copy + table->offset, end = start + table->count * sizeof(struct pk_relocation);
    start = (start + PK_PAGE - 1) & -(uintptr_t)PK_PAGE;
    end &= -(uintptr_t)PK_PAGE;
    if (start < end)
        pk__call3(SYS_madvise, (long)start, (long)(end - start), MADV_DONTNEED);
}

/* What the payload tells of the image stays with it; the bytes at `stored`, once in their place, need not. */
static const struct pk_error *bring(struct pk_image *image, const uint8_t *stored) {
    const struct pk_payload *payload = image->payload;
    const struct pk_error *error = make_tables(image);
    if (!error)
        error = find_olds(image);
    if (!error)
        error = find_imports(image);
    if (error)
        return error;
    image->size = image_size(payload);
    image->place = pk__map_near(&pk__runtime.program, image->size);
    if (!image->place)
        return pk__fail("PKL103", "there is no free memory within reach of the program's code for %d bytes", (int64_t)image->size);
    pk__copy(image->place, stored, payload->stored);
    error = relocate(image);
    if (error)
        return error;
    forget_relocations(image);
    return protect(image);
}

const struct pk_error *pk__load_image(const struct pk_bundle *bundle, struct pk_image **ret) {
    const struct pk_error *error = pk__check_payload(bundle->payload, bundle->payload_size);
    if (error)
        return error;
    struct pk_image *image = pk__map(sizeof *image);
    const struct pk_payload *payload = (const struct pk_payload *)bundle->payload;
    void *copy = pk__map(payload->image);
    if (!image || !copy) {
        pk__unmap(image, sizeof *image);
        pk__unmap(copy, payload->image);
        return pk__fail("PKL104", "there is no memory for the update");
    }
    pk__copy(copy, payload, payload->image);
    image->payload = image->copy = copy;
    image->copy_size = payload->image;
    image->sequence = bundle->sequence;
    image->reversible = (uint8_t)bundle->reversible;
    pk__copy(image->irreversible, bundle->irreversible, sizeof image->irreversible);
    image->before = pk__runtime.current;
    error = bring(image, (const uint8_t *)payload + payload->image);
    if (error) {
        pk__free_image(image);
        return error;
    }
    *ret = image;
    return NULL;
}

void pk__free_image(struct pk_image *image) {
    pk__unmap(image->place, image->size);
    pk__unmap(image->tables, image->tables_size);
    pk__unmap(image->copy, image->copy_size);
    pk__unmap(image, sizeof *image);
}
