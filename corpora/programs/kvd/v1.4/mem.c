#include "mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static size_t used;
static size_t peak;

static void *account(void *block, size_t size)
{
    if (block == NULL) {
        log_fatal("out of memory: %zu bytes wanted, %zu in use", size, used);
    }
    used += malloc_usable_size(block);
    if (used > peak) {
        peak = used;
    }
    return block;
}

void *mem_alloc(size_t size)
{
    return account(malloc(size ? size : 1), size);
}

void *mem_zero(size_t count, size_t size)
{
    return account(calloc(count ? count : 1, size), count * size);
}

void *mem_resize(void *block, size_t size)
{
    if (block != NULL) {
        used -= malloc_usable_size(block);
    }
    return account(realloc(block, size), size);
}

char *mem_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

void mem_free(void *block)
{
    if (block != NULL) {
        used -= malloc_usable_size(block);
        free(block);
    }
}

size_t mem_used(void)
{
    return used;
}

size_t mem_peak(void)
{
    return peak;
}
