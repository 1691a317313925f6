/* What zstd's decoder needs of <string.h>, without a C library. */
#ifndef SAFEWEB_CODEC_WASM_STRING_H
#define SAFEWEB_CODEC_WASM_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#endif
