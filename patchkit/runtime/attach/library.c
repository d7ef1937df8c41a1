/* library.c: the runtime's shared library as it would lie in memory. It needs no loader: its references to others are weak
 * and stay empty, and the runtime finds by itself what it needs of the process.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/attachment.h"
#include "attach.h"

enum { PAGE = 4096 };

static const struct problem *damaged(const char *path) { return fail("PKL206", "%s is not the runtime's library", path); }

static const struct problem *map_file(const char *path, const uint8_t **ret, size_t *size) {
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) < 0)
        return fail("PKL206", "%s cannot be read: %s", path, strerror(errno));
    *size = (size_t)status.st_size;
    *ret = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    return *ret == MAP_FAILED ? damaged(path) : NULL;
}

static size_t page_up(size_t size) { return (size + PAGE - 1) & ~(size_t)(PAGE - 1); }

/* Copies the segments; the writable one is the last. */
static int lay_out(struct library *library, const uint8_t *file, size_t size) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
    if (size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_type != ET_DYN)
        return 0;
    const Elf64_Phdr *rows = (const Elf64_Phdr *)(file + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++)
        if (rows[i].p_type == PT_LOAD)
            library->size = page_up(rows[i].p_vaddr + rows[i].p_memsz);
    library->image = calloc(1, library->size);
    for (int i = 0; library->image && i < header->e_phnum; i++) {
        if (rows[i].p_type != PT_LOAD)
            continue;
        if (rows[i].p_offset + rows[i].p_filesz > size || rows[i].p_vaddr + rows[i].p_filesz > library->size || library->data)
            return 0;
        memcpy(library->image + rows[i].p_vaddr, file + rows[i].p_offset, rows[i].p_filesz);
        if (rows[i].p_flags & PF_W)
            library->data = rows[i].p_vaddr & ~(size_t)(PAGE - 1);
    }
    return library->image && library->data;
}

static size_t find_entry(const uint8_t *file) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(file + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_DYNSYM)
            continue;
        const Elf64_Sym *symbols = (const Elf64_Sym *)(file + sections[i].sh_offset);
        const char *names = (const char *)file + sections[sections[i].sh_link].sh_offset;
        for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; k++)
            if (symbols[k].st_shndx != SHN_UNDEF && strcmp(names + symbols[k].st_name, PK_ATTACH_ENTRY) == 0)
                return symbols[k].st_value;
    }
    return 0;
}

/* The table of relocations, and the symbols that they name. */
struct tables {
    const Elf64_Rela *rows;
    size_t count;
    const Elf64_Sym *symbols;
};

static struct tables find_tables(const struct library *library) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)library->image;
    const Elf64_Phdr *rows = (const Elf64_Phdr *)(library->image + header->e_phoff);
    struct tables found = {NULL, 0, NULL};
    for (int i = 0; i < header->e_phnum; i++) {
        if (rows[i].p_type != PT_DYNAMIC)
            continue;
        for (const Elf64_Dyn *entry = (const Elf64_Dyn *)(library->image + rows[i].p_vaddr); entry->d_tag != DT_NULL; entry++)
            switch (entry->d_tag) {
            case DT_RELA: found.rows = (const Elf64_Rela *)(library->image + entry->d_un.d_ptr); break;
            case DT_RELASZ: found.count = entry->d_un.d_val / sizeof(Elf64_Rela); break;
            case DT_SYMTAB: found.symbols = (const Elf64_Sym *)(library->image + entry->d_un.d_ptr); break;
            case DT_PLTRELSZ:
            case DT_RELR: found.symbols = NULL; return found; /* not as we link it */
            }
    }
    return found;
}

static int relocate(struct library *library, const struct tables *tables, uint64_t place) {
    for (size_t i = 0; i < tables->count; i++) {
        const Elf64_Rela *row = &tables->rows[i];
        const Elf64_Sym *symbol = &tables->symbols[ELF64_R_SYM(row->r_info)];
        uint64_t value = symbol->st_shndx == SHN_UNDEF ? 0 : place + symbol->st_value;
        if (row->r_offset + 8 > library->size ||
            !arch_relocate((unsigned)ELF64_R_TYPE(row->r_info), library->image + row->r_offset, place, value, row->r_addend))
            return 0;
    }
    return 1;
}

void relocate_library(struct library *library, uint64_t place) {
    struct tables tables = find_tables(library);
    relocate(library, &tables, place);
}

const struct problem *open_library(const char *path, struct library *ret) {
    const uint8_t *file = NULL;
    size_t size = 0;
    memset(ret, 0, sizeof *ret);
    ret->path = path;
    const struct problem *problem = map_file(path, &file, &size);
    if (problem)
        return problem;
    if (!lay_out(ret, file, size))
        return damaged(path);
    ret->entry = find_entry(file);
    munmap((void *)file, size);
    struct tables tables = find_tables(ret);
    if (!ret->entry || !tables.symbols || !relocate(ret, &tables, 0))
        return damaged(path);
    return NULL;
}
