/* payload.c: proves that a payload holds together, before anything in it is followed. Called by the worker; pure. */
#include "../include/patchkit_migration.h"
#include "runtime.h"

struct extent {
    const struct pk_table *table;
    size_t row;
    const char *name;
};

static const struct pk_error *bad(const char *what) {
    return pk__fail("PKL102", "the payload is damaged: its %s cannot be", what);
}

const void *pk__rows(const struct pk_payload *payload, const struct pk_table *table) {
    return (const uint8_t *)payload + table->offset;
}

const char *pk__string(const struct pk_payload *payload, uint32_t offset) {
    return (const char *)pk__rows(payload, &payload->strings) + offset;
}

static uint64_t image_size(const struct pk_payload *payload) {
    uint64_t size = 0;
    for (int i = 0; i < PK_SEGMENTS; i++)
        size += payload->segment[i];
    return size;
}

static int fits(uint64_t start, uint64_t size, uint64_t whole) { return start <= whole && size <= whole - start; }

static const struct pk_error *check_header(const struct pk_payload *payload, size_t size) {
    if (size < sizeof *payload || !pk__equal(payload->magic, PK_PAYLOAD_MAGIC, sizeof payload->magic))
        return bad("beginning");
    if (payload->machine != PK_MACHINE)
        return pk__fail("PKL110", "the payload is for another processor (ELF machine %d)", (int64_t)payload->machine);
    if (payload->flags & ~PK_NEEDS_MIGRATION)
        return pk__fail("PKB805", "the update needs what this runtime does not know yet (%x)", (uint64_t)payload->flags);
    if (payload->size != size || payload->from_size > PK_ID_SIZE || payload->to_size > PK_ID_SIZE || !payload->to_size)
        return bad("size");
    for (int i = 0; i < PK_SEGMENTS; i++)
        if (payload->segment[i] % PK_PAGE || payload->segment[i] > 1u << 30)
            return bad("segments");
    if (payload->stored > image_size(payload) || payload->image < sizeof *payload || !fits(payload->image, payload->stored, size))
        return bad("image");
    return NULL;
}

static const struct pk_error *check_tables(const struct pk_payload *p) {
    const struct extent extents[] = {
        {&p->strings, 1, "strings"},
        {&p->olds, sizeof(struct pk_old), "olds"},
        {&p->news, sizeof(struct pk_new), "news"},
        {&p->imports, sizeof(struct pk_import), "imports"},
        {&p->relocations, sizeof(struct pk_relocation), "relocations"},
        {&p->patches, sizeof(struct pk_patch), "patches"},
        {&p->old_functions, sizeof(struct pk_function), "old functions"},
        {&p->new_functions, sizeof(struct pk_function), "new functions"},
        {&p->references, sizeof(uint64_t), "references"},
        {&p->broken, sizeof(struct pk_broken), "broken functions"},
        {&p->pinned, sizeof(struct pk_broken), "pinned functions"},
        {&p->points, sizeof(uint32_t), "update points"},
        {&p->expects, sizeof(struct pk_expect), "expectations"},
        {&p->unwind, sizeof(struct pk_unwind), "unwind table"},
        {&p->needed, sizeof(uint32_t), "libraries"},
        {&p->transfers, sizeof(struct pk_transfer), "transfers"},
        {&p->strays, sizeof(uint32_t), "strays"},
        {&p->down_broken, sizeof(struct pk_broken), "functions broken on the way back"},
        {&p->down_pinned, sizeof(struct pk_broken), "functions pinned on the way back"},
    };
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
        const struct pk_table *table = extents[i].table;
        if (table->count > p->size / extents[i].row || !fits(table->offset, table->count * extents[i].row, p->image) ||
            (extents[i].row > 1 && table->offset % 8))
            return bad(extents[i].name);
    }
    if (!p->strings.count || *pk__string(p, (uint32_t)(p->strings.count - 1)))
        return bad("strings");
    return NULL;
}

static int is_string(const struct pk_payload *p, uint32_t offset) { return offset < p->strings.count; }

static int check_news(const struct pk_payload *p, uint64_t size) {
    const struct pk_new *row = pk__rows(p, &p->news);
    for (uint64_t i = 0; i < p->news.count; i++, row++) {
        uint64_t entries = p->segment[PK_TEXT];
        if (!is_string(p, row->name) || (row->old != PK_NONE && row->old >= p->olds.count))
            return 0;
        if (row->place != PK_NOWHERE ? !fits(row->place, row->kind == PK_FUNCTION ? 1 : row->size, size) : row->old == PK_NONE)
            return 0;
        if (row->entry != PK_NOWHERE && (row->entry < entries || !fits(row->entry - entries, 8, p->segment[PK_ENTRIES])))
            return 0;
    }
    return 1;
}

static uint64_t width(unsigned kind) { return kind == PK_ABS32 || kind == PK_PC32 || kind == PK_TPOFF32 ? 4 : 8; }

static int check_relocations(const struct pk_payload *p, uint64_t size) {
    const struct pk_relocation *row = pk__rows(p, &p->relocations);
    for (uint64_t i = 0; i < p->relocations.count; i++, row++) {
        uint64_t limit = row->target == PK_OLD ? p->olds.count : row->target == PK_IMPORT ? p->imports.count : 1;
        if (row->kind < PK_ABS64 || row->kind > PK_TPOFF64 || row->target < PK_SELF || row->target > PK_IMPORT ||
            (row->target != PK_SELF && row->index >= limit) || !fits(row->place, width(row->kind), size))
            return 0;
    }
    return 1;
}

static int check_functions(const struct pk_payload *p, const struct pk_table *table, uint64_t limit) {
    const struct pk_function *row = pk__rows(p, table);
    uint64_t last = 0;
    for (uint64_t i = 0; i < table->count; i++, row++) {
        if (row->place < last || !is_string(p, row->name) || !fits(row->place, row->size, limit) ||
            !fits(row->reference, row->references, p->references.count))
            return 0;
        last = row->place;
    }
    return 1;
}

static int check_named(const struct pk_payload *p, const struct pk_table *table) {
    const struct pk_broken *row = pk__rows(p, table);
    for (uint64_t i = 0; i < table->count; i++, row++)
        if (!is_string(p, row->name) || !is_string(p, row->reason))
            return 0;
    return 1;
}

static int check_small(const struct pk_payload *p, uint64_t size) {
    const struct pk_old *old = pk__rows(p, &p->olds);
    for (uint64_t i = 0; i < p->olds.count; i++)
        if (!is_string(p, old[i].name))
            return 0;
    const struct pk_import *import = pk__rows(p, &p->imports);
    for (uint64_t i = 0; i < p->imports.count; i++)
        if (!is_string(p, import[i].name) || !is_string(p, import[i].version))
            return 0;
    const struct pk_patch *patch = pk__rows(p, &p->patches);
    for (uint64_t i = 0; i < p->patches.count; i++)
        if (patch[i].old >= p->olds.count || patch[i].code >= p->segment[PK_TEXT])
            return 0;
    const uint32_t *point = pk__rows(p, &p->points), *needed = pk__rows(p, &p->needed);
    for (uint64_t i = 0; i < p->points.count; i++)
        if (point[i] >= p->olds.count)
            return 0;
    for (uint64_t i = 0; i < p->needed.count; i++)
        if (!is_string(p, needed[i]))
            return 0;
    const struct pk_expect *expect = pk__rows(p, &p->expects);
    for (uint64_t i = 0; i < p->expects.count; i++)
        if (expect[i].old >= p->olds.count || !fits(expect[i].place, expect[i].size, size) ||
            !fits(expect[i].start, expect[i].size, old[expect[i].old].size))
            return 0;
    const struct pk_unwind *unwind = pk__rows(p, &p->unwind);
    for (uint64_t i = 0; i < p->unwind.count; i++)
        if (unwind[i].start >= p->segment[PK_TEXT] || !fits(unwind[i].fde, 4, size) || (i && unwind[i].start < unwind[i - 1].start))
            return 0;
    return 1;
}

static int is_plan(const struct pk_payload *p, uint64_t place) {
    uint64_t start = p->segment[PK_TEXT] + p->segment[PK_ENTRIES];
    return place >= start && place % 8 == 0 && fits(place - start, sizeof(struct pk_plan), p->segment[PK_RODATA]);
}

/* What the plan holds is code of the update like any other, and its tables are as good as that. */
static int check_plan(const struct pk_payload *p) {
    if (p->plan == PK_NOWHERE)
        return !(p->flags & PK_NEEDS_MIGRATION) && p->down == PK_NOWHERE;
    return p->flags & PK_NEEDS_MIGRATION && is_plan(p, p->plan) && (p->down == PK_NOWHERE || is_plan(p, p->down));
}

static int check_transfers(const struct pk_payload *p) {
    const struct pk_transfer *row = pk__rows(p, &p->transfers);
    uint64_t last = 0;
    for (uint64_t i = 0; i < p->transfers.count; i++, row++) {
        if (row->key < last || !row->first || row->first > row->last || !is_string(p, row->name) || !row->origin ||
            row->origin & ~(uint32_t)(PK_FROM_EXECUTABLE | PK_FROM_IMAGE) ||
            !fits(row->code, row->last - row->first, p->segment[PK_TEXT]))
            return 0;
        last = row->key;
    }
    const uint32_t *stray = pk__rows(p, &p->strays);
    for (uint64_t i = 0; i < p->strays.count; i++)
        if (stray[i] >= p->olds.count)
            return 0;
    return 1;
}

const struct pk_error *pk__check_payload(const void *data, size_t size) {
    const struct pk_payload *payload = data;
    const struct pk_error *error = check_header(payload, size);
    if (!error)
        error = check_tables(payload);
    if (error)
        return error;
    uint64_t whole = image_size(payload);
    if (!check_news(payload, whole))
        return bad("news");
    if (!check_relocations(payload, whole))
        return bad("relocations");
    if (!check_functions(payload, &payload->old_functions, UINT32_MAX) ||
        !check_functions(payload, &payload->new_functions, payload->segment[PK_TEXT]))
        return bad("functions");
    if (!check_plan(payload))
        return bad("migration");
    if (!check_named(payload, &payload->broken) || !check_named(payload, &payload->pinned) ||
        !check_named(payload, &payload->down_broken) || !check_named(payload, &payload->down_pinned) || !check_small(payload, whole) ||
        !check_transfers(payload))
        return bad("tables");
    return NULL;
}
