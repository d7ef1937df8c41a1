/* modules.c: what the dynamic linker has loaded, read from its own list and the modules' headers.
 *
 * Called by the worker before anything stops. The list may change while it is read, if the program loads a library at
 * that moment; r_state tells, and the reader tries again.
 */
#include <elf.h>
#include <link.h>

#include "runtime.h"

static const Elf64_Phdr *header_of(const Elf64_Phdr *headers, size_t count, uint32_t type) {
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == type)
            return &headers[i];
    return NULL;
}

static void find_extent(struct pk_module *module, const Elf64_Phdr *headers, size_t count) {
    module->start = UINTPTR_MAX;
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type != PT_LOAD)
            continue;
        uintptr_t start = module->base + headers[i].p_vaddr, end = start + headers[i].p_memsz;
        module->start = start < module->start ? start : module->start;
        module->end = end > module->end ? end : module->end;
    }
    const Elf64_Phdr *unwind = header_of(headers, count, PT_GNU_EH_FRAME);
    if (unwind) {
        module->unwind = (const uint8_t *)(module->base + unwind->p_vaddr);
        module->unwind_size = unwind->p_memsz;
    }
    const Elf64_Phdr *dynamic = header_of(headers, count, PT_DYNAMIC);
    module->dynamic = dynamic ? (const void *)(module->base + dynamic->p_vaddr) : NULL;
}

static void find_id(struct pk_program *program, const Elf64_Phdr *header) {
    const uint8_t *at = (const uint8_t *)(program->base + header->p_vaddr), *end = at + header->p_memsz;
    while (end - at >= (long)sizeof(Elf64_Nhdr)) {
        const Elf64_Nhdr *note = (const Elf64_Nhdr *)at;
        const uint8_t *name = at + sizeof *note, *content = name + ((note->n_namesz + 3) & ~3u);
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && pk__equal(name, "GNU", 4)) {
            program->id_size = note->n_descsz < PK_ID_SIZE ? note->n_descsz : PK_ID_SIZE;
            pk__copy(program->id, content, program->id_size);
            return;
        }
        at = content + ((note->n_descsz + 3) & ~3u);
    }
}

void pk__find_program(struct pk_program *ret, const uint64_t *auxiliary) {
    for (; auxiliary[0] != AT_NULL; auxiliary += 2) {
        if (auxiliary[0] == AT_PHDR)
            ret->headers = (const void *)auxiliary[1];
        if (auxiliary[0] == AT_PHNUM)
            ret->header_count = auxiliary[1];
        if (auxiliary[0] == AT_SYSINFO_EHDR)
            ret->system = auxiliary[1];
    }
    const Elf64_Phdr *headers = ret->headers;
    if (!headers)
        return;
    const Elf64_Phdr *own = header_of(headers, ret->header_count, PT_PHDR);
    ret->base = own ? (uintptr_t)headers - own->p_vaddr : 0;
    for (size_t i = 0; i < ret->header_count; i++) {
        if (headers[i].p_type == PT_LOAD && headers[i].p_flags & PF_X) {
            ret->code_start = (ret->base + headers[i].p_vaddr) & ~(uintptr_t)(PK_PAGE - 1);
            ret->code_end = (ret->base + headers[i].p_vaddr + headers[i].p_memsz + PK_PAGE - 1) & ~(uintptr_t)(PK_PAGE - 1);
        }
        if (headers[i].p_type == PT_NOTE && !ret->id_size)
            find_id(ret, &headers[i]);
    }
}

static void add_module(uintptr_t base, const Elf64_Phdr *headers, size_t count, const char *name) {
    struct pk_runtime *rt = &pk__runtime;
    if (rt->module_count == PK_MOST_MODULES)
        return;
    struct pk_module *module = &rt->modules[rt->module_count++];
    pk__zero(module, sizeof *module);
    module->base = base;
    module->name = name;
    find_extent(module, headers, count);
}

/* A library's headers stand at the start of its first mapping. */
static void add_by_header(uintptr_t base, uintptr_t start, const char *name) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)start;
    if (pk__equal(header->e_ident, ELFMAG, SELFMAG))
        add_module(base, (const Elf64_Phdr *)(start + header->e_phoff), header->e_phnum, name);
}

static const struct r_debug *linker(const struct pk_module *program) {
    for (const Elf64_Dyn *entry = program->dynamic; entry && entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_DEBUG)
            return (const struct r_debug *)entry->d_un.d_ptr;
    return NULL;
}

void pk__find_modules(void) {
    struct pk_runtime *rt = &pk__runtime;
    rt->module_count = 0;
    add_module(rt->program.base, rt->program.headers, rt->program.header_count, "the program");
    if (rt->program.system) {
        const Elf64_Ehdr *header = (const Elf64_Ehdr *)rt->program.system;
        const Elf64_Phdr *headers = (const Elf64_Phdr *)(rt->program.system + header->e_phoff);
        const Elf64_Phdr *load = header_of(headers, header->e_phnum, PT_LOAD);
        if (load)
            add_module(rt->program.system - load->p_vaddr, headers, header->e_phnum, "vdso");
    }
    const struct r_debug *list = linker(&rt->modules[0]);
    for (int tries = 0; list && tries < 1000 && list->r_state != RT_CONSISTENT; tries++)
        pk__pause(1000000);
    if (!list)
        return;
    for (const struct link_map *map = list->r_map ? list->r_map->l_next : NULL; map; map = map->l_next)
        if (map->l_addr && (uintptr_t)map->l_addr != rt->program.system)
            add_by_header(map->l_addr, map->l_addr, map->l_name);
}

const struct pk_module *pk__module_of(uintptr_t place) {
    struct pk_runtime *rt = &pk__runtime;
    for (size_t i = 0; i < rt->module_count; i++)
        if (place >= rt->modules[i].start && place < rt->modules[i].end)
            return &rt->modules[i];
    return NULL;
}

/* A module's symbols. Addresses in the dynamic section are absolute where the linker has made them so, else relative. */
struct symbols {
    const Elf64_Sym *table;
    const char *strings;
    const uint32_t *gnu_hash;
    const uint32_t *hash;
    const Elf64_Half *versions;
    const uint8_t *definitions;
    uint64_t definition_count;
};

static uintptr_t absolute(const struct pk_module *module, uintptr_t value) {
    return value < module->base ? module->base + value : value;
}

static int read_symbols(const struct pk_module *module, struct symbols *ret) {
    pk__zero(ret, sizeof *ret);
    for (const Elf64_Dyn *entry = module->dynamic; entry && entry->d_tag != DT_NULL; entry++) {
        uintptr_t value = entry->d_un.d_ptr;
        switch (entry->d_tag) {
        case DT_SYMTAB: ret->table = (const void *)absolute(module, value); break;
        case DT_STRTAB: ret->strings = (const void *)absolute(module, value); break;
        case DT_GNU_HASH: ret->gnu_hash = (const void *)absolute(module, value); break;
        case DT_HASH: ret->hash = (const void *)absolute(module, value); break;
        case DT_VERSYM: ret->versions = (const void *)absolute(module, value); break;
        case DT_VERDEF: ret->definitions = (const void *)absolute(module, value); break;
        case DT_VERDEFNUM: ret->definition_count = value; break;
        }
    }
    return ret->table && ret->strings && (ret->gnu_hash || ret->hash);
}

static int has_version(const struct symbols *symbols, uint32_t index, const char *version) {
    if (!symbols->versions)
        return 1;
    Elf64_Half number = symbols->versions[index];
    if (!*version)
        return !(number & 0x8000); /* hidden: an old version, found by name and version only */
    const uint8_t *at = symbols->definitions;
    for (uint64_t i = 0; at && i < symbols->definition_count; i++) {
        const Elf64_Verdef *definition = (const Elf64_Verdef *)at;
        if (definition->vd_ndx == (number & 0x7fff)) {
            const Elf64_Verdaux *first = (const Elf64_Verdaux *)(at + definition->vd_aux);
            return pk__same(symbols->strings + first->vda_name, version);
        }
        at += definition->vd_next;
    }
    return (number & 0x7fff) <= 1; /* defined without versions */
}

static int is_wanted(const struct symbols *symbols, uint32_t index, const char *name, const char *version) {
    const Elf64_Sym *symbol = &symbols->table[index];
    return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) != STT_TLS &&
           pk__same(symbols->strings + symbol->st_name, name) && has_version(symbols, index, version);
}

/* Source: the GNU hash section as glibc reads it (dl-lookup.c): header, Bloom filter, buckets, chains. */
static uint32_t find_gnu(const struct symbols *symbols, const char *name, const char *version) {
    const uint32_t *table = symbols->gnu_hash, buckets = table[0], first = table[1], words = table[2];
    const uint32_t *bucket = table + 4 + words * 2, *chain = bucket + buckets;
    uint32_t hash = 5381;
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (uint8_t)*c;
    uint32_t index = buckets ? bucket[hash % buckets] : 0;
    for (; index >= first && index; index++) {
        uint32_t other = chain[index - first];
        if ((other | 1) == (hash | 1) && is_wanted(symbols, index, name, version))
            return index;
        if (other & 1)
            break;
    }
    return 0;
}

static uint32_t find_old(const struct symbols *symbols, const char *name, const char *version) {
    for (uint32_t index = 1; index < symbols->hash[1]; index++)
        if (is_wanted(symbols, index, name, version))
            return index;
    return 0;
}

uintptr_t pk__find_symbol(const char *name, const char *version) {
    struct pk_runtime *rt = &pk__runtime;
    for (size_t i = 0; i < rt->module_count; i++) {
        const struct pk_module *module = &rt->modules[i];
        struct symbols symbols;
        if (!read_symbols(module, &symbols))
            continue;
        uint32_t index = symbols.gnu_hash ? find_gnu(&symbols, name, version) : find_old(&symbols, name, version);
        if (!index)
            continue;
        uintptr_t address = module->base + symbols.table[index].st_value;
        if (ELF64_ST_TYPE(symbols.table[index].st_info) == STT_GNU_IFUNC)
            address = ((uintptr_t(*)(void))address)();
        return address;
    }
    return 0;
}

int pk__is_loaded(const char *soname) {
    struct pk_runtime *rt = &pk__runtime;
    for (size_t i = 0; i < rt->module_count; i++) {
        struct symbols symbols;
        if (!read_symbols(&rt->modules[i], &symbols))
            continue;
        for (const Elf64_Dyn *entry = rt->modules[i].dynamic; entry->d_tag != DT_NULL; entry++)
            if (entry->d_tag == DT_SONAME && pk__same(symbols.strings + entry->d_un.d_val, soname))
                return 1;
    }
    return 0;
}

/* How many symbols there are: the GNU hash section tells it only by its last chain. */
static uint32_t symbol_count(const struct symbols *symbols) {
    if (symbols->hash)
        return symbols->hash[1];
    const uint32_t *table = symbols->gnu_hash, *bucket = table + 4 + table[2] * 2, *chain = bucket + table[0];
    uint32_t last = 0;
    for (uint32_t i = 0; i < table[0]; i++)
        last = bucket[i] > last ? bucket[i] : last;
    if (last < table[1])
        return 0;
    while (!(chain[last - table[1]] & 1))
        last++;
    return last + 1;
}

const char *pk__exported_name(const struct pk_module *module, uintptr_t place) {
    struct symbols symbols;
    if (!module->dynamic || !read_symbols(module, &symbols))
        return NULL;
    uint32_t count = symbol_count(&symbols);
    for (uint32_t index = 1; index < count; index++) {
        const Elf64_Sym *symbol = &symbols.table[index];
        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
            place - module->base - symbol->st_value < symbol->st_size)
            return symbols.strings + symbol->st_name;
    }
    return NULL;
}

int pk__is_system(const struct pk_module *module) {
    const char *base = module->name ? module->name : "";
    for (const char *at = base; *at; at++)
        if (*at == '/')
            base = at + 1;
    return pk__starts(base, "libc.so") || pk__starts(base, "ld-linux") || pk__starts(base, "ld-musl");
}
