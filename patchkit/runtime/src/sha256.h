/* sha256.h: SHA-256 (FIPS 180-4) of a stretch of memory. */
#ifndef PK_SHA256_H
#define PK_SHA256_H
#include <stddef.h>
#include <stdint.h>
void pk__sha256(const void *data, size_t size, uint8_t ret[32]);
#endif
