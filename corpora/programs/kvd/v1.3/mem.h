/* Allocation that never returns NULL and knows how much is in use. */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);
void *mem_zero(size_t count, size_t size);
void *mem_resize(void *block, size_t size);
char *mem_text(const char *text);
void mem_free(void *block);
size_t mem_used(void);
size_t mem_peak(void);

#endif
