/* maps.c: where in the process is room for a few bytes of code, and whether the runtime is there already. */
#define _GNU_SOURCE
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "attach.h"

enum { PAGE = 4096, ALIGNMENT = 16, MOST_HEADERS = 64 };

/* One line of /proc/PID/maps. */
struct mapping {
    uint64_t start, end, offset;
    char protection[8];
    char path[512];
};

static FILE *open_maps(const struct target *target) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", target->pid);
    return fopen(path, "re");
}

static int next_mapping(FILE *maps, struct mapping *ret) {
    char line[1024];
    if (!fgets(line, sizeof line, maps))
        return 0;
    ret->path[0] = 0;
    return sscanf(line, "%lx-%lx %7s %lx %*s %*s %511[^\n]", &ret->start, &ret->end, ret->protection, &ret->offset,
                  ret->path) >= 4;
}

int has_runtime(const struct target *target) {
    FILE *maps = open_maps(target);
    int found = 0;
    for (struct mapping mapping; maps && !found && next_mapping(maps, &mapping);)
        found = strncmp(mapping.path, "/memfd:patchkit-", 16) == 0;
    if (maps)
        fclose(maps);
    return found;
}

/* Where the code of the module whose first page is at `base` ends in the mapping, 0 where its headers do not tell. */
static uint64_t code_end(const struct target *target, uint64_t base, const struct mapping *code) {
    Elf64_Ehdr header;
    Elf64_Phdr rows[MOST_HEADERS];
    if (!read_target(target, base, &header, sizeof header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_phnum > MOST_HEADERS || !read_target(target, base + header.e_phoff, rows, header.e_phnum * sizeof rows[0]))
        return 0;
    uint64_t bias = header.e_type == ET_DYN ? base : 0;
    for (int i = 0; i < header.e_phnum; i++) {
        uint64_t end = bias + rows[i].p_vaddr + rows[i].p_memsz;
        if (rows[i].p_type == PT_LOAD && rows[i].p_flags & PF_X && end > code->start && end <= code->end &&
            code->end - end < PAGE)
            return end;
    }
    return 0;
}

/* A stretch that is not all zeros may be in use: by what the linker put there, or by one who was killed before us. */
static uint64_t free_from(const struct target *target, uint64_t start, uint64_t end, size_t size) {
    uint8_t bytes[PAGE];
    start = (start + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
    if (start >= end || !read_target(target, start, bytes, end - start))
        return 0;
    for (uint64_t at = 0, zeros = 0; at < end - start; at++) {
        zeros = bytes[at] ? 0 : zeros + 1;
        uint64_t place = (start + at + 1 - zeros + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
        if (start + at + 1 >= place + size)
            return place;
    }
    return 0;
}

const struct problem *find_cave(const struct target *target, size_t size, uint64_t *ret) {
    FILE *maps = open_maps(target);
    struct mapping mapping, first = {.path = ""};
    uint64_t place = 0;
    while (maps && !place && next_mapping(maps, &mapping)) {
        if (mapping.path[0] == '/' && mapping.offset == 0)
            first = mapping;
        if (mapping.path[0] != '/' || strcmp(mapping.protection, "r-xp") != 0 || strcmp(first.path, mapping.path) != 0)
            continue;
        uint64_t end = code_end(target, first.start, &mapping);
        place = end ? free_from(target, end, mapping.end, size) : 0;
    }
    if (maps)
        fclose(maps);
    *ret = place;
    return place ? NULL : fail("PKL205", "no module has %zu free bytes behind its code", size);
}
