/* unwind.c: goes up a stack by call frame information (.eh_frame), reading and never running anything.
 *
 * Called by the worker on the registers of parked threads. The stack is read through the kernel, so that wrong information
 * ends the walk and not the process. Sources: DWARF 5 section 6.4; Linux Standard Base, .eh_frame and .eh_frame_hdr.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/uio.h>

#include "runtime.h"

enum { MOST_STATES = 8, MOST_OPERANDS = 32 };

int pk__peek(uintptr_t place, void *ret, size_t size) {
    struct iovec to = {ret, size}, from = {(void *)place, size};
    return pk__syscall(SYS_process_vm_readv, pk__pid(), (long)&to, 1, (long)&from, 1, 0) == (long)size;
}

/* A reader over call frame information; `bad` stays set once it has run out. */
struct cursor {
    const uint8_t *at, *end;
    int bad;
};

static uint64_t fixed(struct cursor *c, size_t size) {
    uint64_t value = 0;
    if (c->bad || c->at > c->end || (size_t)(c->end - c->at) < size) {
        c->bad = 1;
        return 0;
    }
    pk__copy(&value, c->at, size);
    c->at += size;
    return value;
}

static uint64_t uleb(struct cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = fixed(c, 1);
        if (shift < 64)
            value |= (byte & 127) << shift;
        if (!(byte & 128))
            return value;
    }
}

static int64_t sleb(struct cursor *c) {
    uint64_t value = 0, byte;
    unsigned shift = 0;
    do {
        byte = fixed(c, 1);
        if (shift < 64)
            value |= (byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    return (int64_t)(shift < 64 && byte & 64 ? value | ~(uint64_t)0 << shift : value);
}

/* A pointer as DW_EH_PE_* says; `data` is what data-relative ones are relative to. */
static uint64_t pointer(struct cursor *c, unsigned encoding, uintptr_t data) {
    uint64_t here = (uint64_t)c->at, value;
    if (encoding == 0xff)
        return 0;
    switch (encoding & 15) {
    case 0: case 4: case 12: value = fixed(c, 8); break;
    case 1: value = uleb(c); break;
    case 2: value = fixed(c, 2); break;
    case 3: value = fixed(c, 4); break;
    case 9: value = (uint64_t)sleb(c); break;
    case 10: value = (uint64_t)(int64_t)(int16_t)fixed(c, 2); break;
    case 11: value = (uint64_t)(int64_t)(int32_t)fixed(c, 4); break;
    default: c->bad = 1; return 0;
    }
    if (!value)
        return 0;
    switch (encoding & 0x70) {
    case 0x10: value += here; break;
    case 0x30: value += data; break;
    case 0: break;
    default: c->bad = 1;
    }
    if (encoding & 0x80)
        c->bad |= !pk__peek(value, &value, 8);
    return value;
}

enum rule_kind { SAME, UNDEFINED, AT_CFA, IS_CFA, OTHER_REGISTER, AT_EXPRESSION, IS_EXPRESSION };

struct rule {
    enum rule_kind kind;
    int64_t offset; /* or the register */
    const uint8_t *expression;
};

struct row {
    struct rule registers[PK_REGISTERS];
    uint64_t cfa_register;
    int64_t cfa_offset;
    const uint8_t *cfa_expression;
};

/* What a module or an image occupies: nothing beside it is read. */
struct bounds {
    const uint8_t *start, *end;
};

/* The place `size` bytes on; where that is beyond the end, the end. */
static const uint8_t *within(struct cursor *c, uint64_t size) {
    if (c->bad || size > (uint64_t)(c->end - c->at)) {
        c->bad = 1;
        return c->end;
    }
    return c->at + size;
}

/* What one common entry and one frame description say. */
struct frame_info {
    struct cursor common, own;
    uint64_t code_align, return_register;
    int64_t data_align;
    unsigned encoding;
    int augmented, is_signal;
    uint64_t start, size;
};

/* A reader of the entry at `entry` behind its length; it is bad where that is no entry within `bounds`. */
static struct cursor open_entry(const uint8_t *entry, const struct bounds *bounds) {
    struct cursor c = {entry, bounds->end, entry < bounds->start || entry > bounds->end};
    uint64_t length = fixed(&c, 4);
    if (c.bad || length == 0 || length > (uint64_t)(c.end - c.at)) /* 0xffffffff begins the 64-bit form, which nobody writes */
        c.bad = 1;
    else
        c.end = c.at + length;
    return c;
}

static void read_common(const uint8_t *entry, const struct bounds *bounds, struct frame_info *ret) {
    struct cursor c = open_entry(entry, bounds);
    fixed(&c, 4);
    unsigned version = (unsigned)fixed(&c, 1);
    const char *augmentation = (const char *)c.at;
    while (fixed(&c, 1)) {
    }
    if (c.bad) {
        ret->common = c;
        return;
    }
    ret->code_align = uleb(&c);
    ret->data_align = sleb(&c);
    ret->return_register = version == 1 ? fixed(&c, 1) : uleb(&c);
    ret->encoding = 0;
    if (*augmentation == 'z') {
        uint64_t size = uleb(&c);
        const uint8_t *behind = within(&c, size);
        ret->augmented = 1;
        for (const char *letter = augmentation + 1; *letter; letter++)
            switch (*letter) {
            case 'R': ret->encoding = (unsigned)fixed(&c, 1); break;
            case 'P': {
                unsigned encoding = (unsigned)fixed(&c, 1);
                pointer(&c, encoding & 0x7f, 0);
                break;
            }
            case 'L': fixed(&c, 1); break;
            case 'S': ret->is_signal = 1; break;
            }
        c.at = behind;
    } else if (*augmentation)
        c.bad = 1;
    ret->common = c;
}

static int read_description(const uint8_t *entry, const struct bounds *bounds, struct frame_info *ret) {
    pk__zero(ret, sizeof *ret);
    struct cursor c = open_entry(entry, bounds);
    const uint8_t *here = c.at;
    uint64_t back = fixed(&c, 4);
    if (c.bad || !back || back > (uint64_t)(here - bounds->start))
        return 0;
    read_common(here - back, bounds, ret);
    ret->start = pointer(&c, ret->encoding, 0);
    ret->size = pointer(&c, ret->encoding & 15, 0);
    if (ret->augmented) {
        uint64_t size = uleb(&c);
        c.at = within(&c, size);
    }
    ret->own = c;
    return !c.bad && !ret->common.bad && c.at <= c.end;
}

/* The frame description for `place` in a module: .eh_frame_hdr is a table sorted by address. */
static const uint8_t *find_in_module(const struct pk_module *module, uintptr_t place) {
    if (!module->unwind || module->unwind_size < 4 || module->unwind[0] != 1 || module->unwind[3] != 0x3b)
        return NULL;
    struct cursor c = {module->unwind + 4, module->unwind + module->unwind_size, 0};
    pointer(&c, module->unwind[1], (uintptr_t)module->unwind);
    uint64_t count = pointer(&c, module->unwind[2], (uintptr_t)module->unwind);
    const int32_t *table = (const int32_t *)c.at;
    uint64_t low = 0, high = count;
    if (c.bad || (uint64_t)(c.end - c.at) / 8 < count || (uintptr_t)table % sizeof *table)
        return NULL;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if ((uintptr_t)module->unwind + (uintptr_t)(int64_t)table[2 * middle] <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? module->unwind + table[2 * (low - 1) + 1] : NULL;
}

static const uint8_t *find_in_image(const struct pk_image *image, uintptr_t place) {
    const struct pk_unwind *table = pk__rows(image->payload, &image->payload->unwind);
    uint64_t offset = place - (uintptr_t)image->place, low = 0, high = image->payload->unwind.count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (table[middle].start <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? image->place + table[low - 1].fde : NULL;
}

static const uint8_t *find_description(uintptr_t place, struct bounds *bounds) {
    for (const struct pk_image *image = pk__runtime.images; image; image = image->older)
        if (!image->text_gone && place - (uintptr_t)image->place < image->payload->segment[PK_TEXT]) {
            *bounds = (struct bounds){image->place, image->place + image->size};
            return find_in_image(image, place);
        }
    const struct pk_module *module = pk__module_of(place);
    if (!module)
        return NULL;
    *bounds = (struct bounds){(const uint8_t *)module->start, (const uint8_t *)module->end};
    return find_in_module(module, place);
}

static void set_rule(struct row *row, uint64_t number, enum rule_kind kind, int64_t offset, const uint8_t *expression) {
    if (number < PK_REGISTERS)
        row->registers[number] = (struct rule){kind, offset, expression};
}

/* An offset as it stands in the information, in bytes. */
static int64_t scaled(uint64_t count, const struct frame_info *info) { return (int64_t)(count * (uint64_t)info->data_align); }

static const uint8_t *skip_expression(struct cursor *c) {
    const uint8_t *start = c->at;
    uint64_t size = uleb(c);
    if (size > (uint64_t)(c->end - c->at))
        c->bad = 1;
    else
        c->at += size;
    return start;
}

/* The instructions that have an opcode byte of their own. Returns 0 for one that is not known. */
static int run_extended(unsigned opcode, struct cursor *c, const struct frame_info *info, struct row *row) {
    uint64_t number;
    switch (opcode) {
    case 0x00: return 1;
    case 0x05: number = uleb(c); set_rule(row, number, AT_CFA, scaled(uleb(c), info), NULL); return 1;
    case 0x07: set_rule(row, uleb(c), UNDEFINED, 0, NULL); return 1;
    case 0x08: set_rule(row, uleb(c), SAME, 0, NULL); return 1;
    case 0x09: number = uleb(c); set_rule(row, number, OTHER_REGISTER, (int64_t)uleb(c), NULL); return 1;
    case 0x0c: row->cfa_register = uleb(c); row->cfa_offset = (int64_t)uleb(c); row->cfa_expression = NULL; return 1;
    case 0x0d: row->cfa_register = uleb(c); return 1;
    case 0x0e: row->cfa_offset = (int64_t)uleb(c); return 1;
    case 0x0f: row->cfa_expression = skip_expression(c); return 1;
    case 0x10: number = uleb(c); set_rule(row, number, AT_EXPRESSION, 0, skip_expression(c)); return 1;
    case 0x11: number = uleb(c); set_rule(row, number, AT_CFA, scaled((uint64_t)sleb(c), info), NULL); return 1;
    case 0x12: row->cfa_register = uleb(c); row->cfa_offset = scaled((uint64_t)sleb(c), info); row->cfa_expression = NULL; return 1;
    case 0x13: row->cfa_offset = scaled((uint64_t)sleb(c), info); return 1;
    case 0x14: number = uleb(c); set_rule(row, number, IS_CFA, scaled(uleb(c), info), NULL); return 1;
    case 0x15: number = uleb(c); set_rule(row, number, IS_CFA, scaled((uint64_t)sleb(c), info), NULL); return 1;
    case 0x16: number = uleb(c); set_rule(row, number, IS_EXPRESSION, 0, skip_expression(c)); return 1;
    case 0x2e: uleb(c); return 1; /* GNU_args_size */
    default: return 0;
    }
}

/* Runs instructions until `place` is passed; `initial` is what DW_CFA_restore goes back to. */
static int run(struct cursor c, const struct frame_info *info, uintptr_t place, const struct row *initial, struct row *row) {
    static struct row kept[MOST_STATES]; /* the worker is alone, and its stack small */
    unsigned depth = 0;
    uintptr_t at = info->start;
    while (c.at < c.end && !c.bad) {
        unsigned opcode = (unsigned)fixed(&c, 1), low = opcode & 63;
        uint64_t advance = 0;
        switch (opcode >> 6) {
        case 1: advance = low; break;
        case 2: set_rule(row, low, AT_CFA, scaled(uleb(&c), info), NULL); continue;
        case 3: if (initial && low < PK_REGISTERS) row->registers[low] = initial->registers[low]; continue;
        default:
            if (opcode == 0x01) { at = pointer(&c, info->encoding, 0); if (at > place) return 1; continue; }
            if (opcode == 0x02) advance = fixed(&c, 1);
            else if (opcode == 0x03) advance = fixed(&c, 2);
            else if (opcode == 0x04) advance = fixed(&c, 4);
            else if (opcode == 0x06) { uint64_t n = uleb(&c); if (initial && n < PK_REGISTERS) row->registers[n] = initial->registers[n]; continue; }
            else if (opcode == 0x0a) { if (depth == MOST_STATES) return 0; kept[depth++] = *row; continue; }
            else if (opcode == 0x0b) { if (!depth) return 0; *row = kept[--depth]; continue; }
            else if (!run_extended(opcode, &c, info, row)) return 0;
        }
        at += advance * info->code_align;
        if (at > place)
            return 1;
    }
    return !c.bad;
}

/* The operations that call frame information is written in: those of the PLT and of signal frames. */
static int evaluate(const uint8_t *expression, const struct pk_registers *registers, const uint64_t *first, uint64_t *ret) {
    struct cursor size = {expression, expression + 10, 0};
    uint64_t length = uleb(&size);
    struct cursor c = {size.at, size.at + length, 0};
    uint64_t stack[MOST_OPERANDS];
    unsigned n = 0;
    if (first)
        stack[n++] = *first;
    while (c.at < c.end && !c.bad) {
        unsigned opcode = (unsigned)fixed(&c, 1);
        if (n > MOST_OPERANDS - 2)
            return 0;
        if (opcode >= 0x30 && opcode <= 0x4f) { stack[n++] = opcode - 0x30; continue; }
        if (opcode >= 0x70 && opcode <= 0x8f) {
            int64_t offset = sleb(&c);
            if (opcode - 0x70 >= PK_REGISTERS) return 0;
            stack[n++] = registers->value[opcode - 0x70] + (uint64_t)offset;
            continue;
        }
        unsigned wanted = opcode == 0x06 || opcode == 0x23 || opcode == 0x12 ? 1 : opcode >= 0x1a && opcode <= 0x2f ? 2 : 0;
        if (n < wanted)
            return 0;
        switch (opcode) {
        case 0x06: if (!pk__peek(stack[n - 1], &stack[n - 1], 8)) return 0; break;
        case 0x08: stack[n++] = fixed(&c, 1); break;
        case 0x09: stack[n++] = (uint64_t)(int64_t)(int8_t)fixed(&c, 1); break;
        case 0x0a: stack[n++] = fixed(&c, 2); break;
        case 0x0b: stack[n++] = (uint64_t)(int64_t)(int16_t)fixed(&c, 2); break;
        case 0x0c: stack[n++] = fixed(&c, 4); break;
        case 0x0d: stack[n++] = (uint64_t)(int64_t)(int32_t)fixed(&c, 4); break;
        case 0x10: stack[n++] = uleb(&c); break;
        case 0x11: stack[n++] = (uint64_t)sleb(&c); break;
        case 0x12: stack[n] = stack[n - 1]; n++; break;
        case 0x1a: n--; stack[n - 1] &= stack[n]; break;
        case 0x1c: n--; stack[n - 1] -= stack[n]; break;
        case 0x21: n--; stack[n - 1] |= stack[n]; break;
        case 0x22: n--; stack[n - 1] += stack[n]; break;
        case 0x23: stack[n - 1] += uleb(&c); break;
        case 0x24: n--; stack[n - 1] = stack[n] < 64 ? stack[n - 1] << stack[n] : 0; break;
        case 0x2a: n--; stack[n - 1] = (int64_t)stack[n - 1] >= (int64_t)stack[n]; break;
        case 0x2f: return 0;
        default: return 0;
        }
    }
    if (!n || c.bad)
        return 0;
    *ret = stack[n - 1];
    return 1;
}

static int find_cfa(const struct row *row, const struct pk_registers *registers, uint64_t *ret) {
    if (row->cfa_expression)
        return evaluate(row->cfa_expression, registers, NULL, ret);
    if (row->cfa_register >= PK_REGISTERS)
        return 0;
    *ret = registers->value[row->cfa_register] + (uint64_t)row->cfa_offset;
    return 1;
}

/* `place` becomes where the value was loaded from, 0 where it was not loaded. */
static int restore(const struct rule *rule, unsigned number, uint64_t cfa, const struct pk_registers *registers, uint64_t *ret,
                   uintptr_t *place) {
    *place = 0;
    switch (rule->kind) {
    case UNDEFINED: *ret = 0; return 1;
    case AT_CFA: *place = cfa + (uint64_t)rule->offset; return pk__peek(*place, ret, 8);
    case IS_CFA: *ret = cfa + (uint64_t)rule->offset; return 1;
    case OTHER_REGISTER:
        *ret = rule->offset < PK_REGISTERS ? registers->value[rule->offset] : 0;
        *place = rule->offset < PK_REGISTERS ? registers->place[rule->offset] : 0;
        return 1;
    case AT_EXPRESSION: return evaluate(rule->expression, registers, &cfa, place) && pk__peek(*place, ret, 8);
    case IS_EXPRESSION: return evaluate(rule->expression, registers, &cfa, ret);
    default:
        *ret = registers->value[number];
        *place = registers->place[number];
        return 1;
    }
}

enum pk_step pk__step(struct pk_registers *registers, int *exact) {
    static struct row row, initial;
    struct frame_info info;
    uintptr_t place = registers->value[PK_REG_IP] - (*exact ? 0 : 1);
    struct bounds bounds;
    const uint8_t *description = find_description(place, &bounds);
    if (!description || !read_description(description, &bounds, &info) || place - info.start >= info.size)
        return PK_NO_STEP;
    pk__zero(&row, sizeof row);
    row.cfa_register = PK_REGISTERS;
    if (!run(info.common, &info, UINTPTR_MAX, NULL, &row))
        return PK_NO_STEP;
    initial = row;
    if (!run(info.own, &info, place, &initial, &row) || info.return_register >= PK_REGISTERS)
        return PK_NO_STEP;
    if (row.registers[info.return_register].kind == UNDEFINED)
        return PK_LAST;
    uint64_t cfa;
    struct pk_registers above;
    if (!find_cfa(&row, registers, &cfa))
        return PK_NO_STEP;
    for (unsigned i = 0; i < PK_REGISTERS; i++)
        if (!restore(&row.registers[i], i, cfa, registers, &above.value[i], &above.place[i]))
            return PK_NO_STEP;
    if (row.registers[PK_REG_SP].kind == SAME)
        above.value[PK_REG_SP] = cfa;
    above.value[PK_REG_IP] = above.value[info.return_register];
    above.place[PK_REG_IP] = above.place[info.return_register];
    *registers = above;
    *exact = info.is_signal;
    return registers->value[PK_REG_IP] ? PK_STEPPED : PK_LAST;
}
