/* payload.h: the bytes of a bundle's member `payload`, as patchkit/bundle writes them and the runtime maps them.
 *
 * A payload carries the whole code of the new version, laid out and linked as far as that is possible before the process
 * is known. What is left are references to the running program ("olds") and to shared libraries ("imports"). All integers
 * are little-endian; every table starts on 8 bytes; every index and offset is checked before anything is mapped.
 *
 * Words
 *   key      64-bit identity of a function or variable of a program, the same in every version: see patchkit/bundle/keys.py
 *   image    the mapped part: four segments in a row, each a multiple of PK_PAGE; offsets into it are "image offsets"
 *   old      a function or variable of the running version that the payload refers to
 *   new      a function or variable of the version that the payload brings, adopted from an old one or inside the image
 *   entry    the one address of a function that pointers hold for ever: its first address in this process. For functions
 *            that a payload adds it is an 8-byte slot of the segment ENTRIES (jmp rel32), so that code can go and come
 *   code     where the current version of a function starts
 *
 * How olds are found: a process that was started as the version `from` has them at base + place. One that was updated to
 * `from` has them where the payload that brought it says, by key. A required old that is not found refuses the update.
 */
#ifndef PK_PAYLOAD_H
#define PK_PAYLOAD_H

#include <stdint.h>

#define PK_PAYLOAD_MAGIC "PKPAYLD3"
#define PK_PAGE 4096u
#define PK_NONE UINT32_MAX
#define PK_NOWHERE UINT64_MAX

enum pk_segment { PK_TEXT, PK_ENTRIES, PK_RODATA, PK_DATA, PK_SEGMENTS };

enum pk_kind {
    PK_FUNCTION = 1,
    PK_VARIABLE = 2, /* mutable storage */
    PK_CONST = 3,    /* never written: .rodata, .data.rel.ro */
    PK_TLS = 4       /* thread-local: its place is the offset from the thread pointer, negative as two's complement */
};

/* A part of the payload: `offset` from its start in bytes, `count` rows (bytes for `strings`). */
struct pk_table {
    uint64_t offset;
    uint64_t count;
};

struct pk_payload {
    char magic[8];
    uint32_t machine; /* ELF e_machine, 62 is x86-64 */
    uint32_t flags;   /* PK_NEEDS_*; an unknown one refuses the payload */
    uint64_t size;    /* of the whole payload in bytes */
    uint8_t from[32]; /* build-ids, zero-padded */
    uint8_t to[32];
    uint32_t from_size; /* in bytes */
    uint32_t to_size;
    uint64_t image;                /* where the image's bytes start in the payload, behind all tables */
    uint64_t segment[PK_SEGMENTS]; /* sizes in bytes, multiples of PK_PAGE */
    uint64_t stored;               /* bytes of the image that the payload holds; the rest, the end of DATA, is zero */
    uint64_t plan;                 /* image offset of a struct pk_plan in RODATA; PK_NOWHERE: no state is converted */
    uint64_t down;                 /* the same of the plan that converts it back; PK_NOWHERE: there is none */
    uint64_t from_code; /* of the code of `from` as an update brings it, 0 where it is not known: see pk_transfer */
    uint64_t to_code;   /* the same of this image */
    struct pk_table strings;       /* NUL-terminated, offset 0 is the empty string */
    struct pk_table olds;
    struct pk_table news;
    struct pk_table imports;
    struct pk_table relocations;
    struct pk_table patches;
    struct pk_table old_functions; /* of the executable with build-id `from`; places are base-relative */
    struct pk_table new_functions; /* of TEXT; places are image offsets */
    struct pk_table references;    /* of both: uint64_t keys */
    struct pk_table broken;
    struct pk_table pinned;
    struct pk_table points;  /* uint32_t index into olds: functions whose entry is an update point */
    struct pk_table expects; /* tables that may only be replaced while they hold what they held at the start */
    struct pk_table unwind;
    struct pk_table needed; /* uint32_t strings: sonames */
    struct pk_table transfers;
    struct pk_table strays; /* uint32_t index into olds: a frame that holds such an address is not moved */
    struct pk_table down_broken; /* on the way back, beside those of the way there */
    struct pk_table down_pinned;
};

/* The state of the program has to be converted: refused by a runtime that cannot. */
#define PK_NEEDS_MIGRATION 1u

#define PK_OLD_OPTIONAL 1u /* may be missing in a process that came by updates: it is 0 then */

struct pk_old {
    uint64_t key;
    uint64_t place; /* in an executable with build-id `from`: address minus load base; PK_TLS: thread pointer offset */
    uint64_t size;
    uint32_t name;
    uint16_t kind;
    uint16_t flags;
};

struct pk_new {
    uint64_t key;
    uint64_t place; /* image offset of the code or object; PK_NOWHERE where it is adopted from `old` */
    uint64_t entry; /* a function's slot in ENTRIES; PK_NOWHERE where it has the entry of `old`, and for what is none */
    uint64_t size;
    uint32_t old; /* index into olds, PK_NONE where it is new */
    uint32_t name;
    uint32_t kind;
    uint32_t zero;
};

#define PK_IMPORT_WEAK 1u

struct pk_import {
    uint32_t name;
    uint32_t version; /* symbol version such as GLIBC_2.2.5, 0 for any */
    uint32_t flags;
    uint32_t zero;
};

enum pk_relocation_kind {
    PK_ABS64 = 1, /* S + A */
    PK_ABS32 = 2, /* S + A, must fit zero- or sign-extended: only where the executable is not position-independent */
    PK_PC32 = 3,  /* S + A - P, must fit */
    PK_PC64 = 4,
    PK_TPOFF32 = 5, /* S is the thread pointer offset of a PK_TLS old */
    PK_TPOFF64 = 6
};

enum pk_target {
    PK_SELF = 1,  /* S is the image's address; the addend holds the image offset */
    PK_OLD = 2,   /* S is the address of olds[index]: the entry of a function */
    PK_IMPORT = 3 /* S is the address of imports[index] */
};

/* References inside the image that are relative to the place are resolved already and have no row. */
struct pk_relocation {
    uint64_t place; /* image offset */
    int64_t addend;
    uint32_t index;
    uint16_t kind;
    uint16_t target;
};

/* At the switch the entry of olds[old] becomes a jump to `code`, an image offset in TEXT. At least 5 bytes are free
 * there, and nothing jumps to the bytes 1 to 4. */
struct pk_patch {
    uint64_t code;
    uint32_t old;
    uint32_t zero;
};

/* A stretch of code, sorted by `place`. A part split off a function (.cold, .part, .isra, .constprop) is a row of its own
 * with the key of the function it came from. `reference` and `references` name the keys of everything its code mentions
 * that the same executable or image defines, sorted. */
struct pk_function {
    uint64_t key;
    uint64_t place;
    uint32_t size;
    uint32_t name;
    uint32_t reference;
    uint32_t references;
};

/* Keys of olds that code of an older version must not use after the switch (signature changed, removed, retyped): a frame
 * of a function that mentions one is not safe. `reason` is a sentence for the report. Sorted by key. */
struct pk_broken {
    uint64_t key;
    uint32_t name;
    uint32_t reason;
};

/* Functions that may not be on any stack at the switch: the same shape as pk_broken. */

/* The live bytes of olds[old] from its byte `start` on must equal `size` bytes of the image (in RODATA, relocated) at
 * `place`. */
struct pk_expect {
    uint64_t place;
    uint64_t size;
    uint32_t old;
    uint32_t start;
};

/* Sorted by `start`: the code at `start` (image offset) is described by the FDE at image offset `fde`; the unwind
 * information is in RODATA in the format of .eh_frame with resolved pc-relative pointers. */
struct pk_unwind {
    uint64_t start;
    uint64_t fde;
};

enum pk_origin { PK_FROM_EXECUTABLE = 1, PK_FROM_IMAGE = 2 };

/* A frame of the old function `key` that waits at a call may go on in the new one, which is the same code but for operands
 * that lead elsewhere. Return addresses `first` to `last`, counted from the start of the stretch `name` of the old function,
 * become `code` and what follows it at the same distances. `origin` says in which compilation of the old version: the
 * executable's, or that of an image whose to_code is this payload's from_code. Sorted by key. */
struct pk_transfer {
    uint64_t key;
    uint64_t code; /* image offset in TEXT */
    uint32_t first;
    uint32_t last;
    uint32_t name;
    uint32_t origin; /* enum pk_origin, or both */
};

#endif
