/* What zstd's decoder needs of <stdlib.h>: names only. Its context lives in static memory, so there
 * is nothing to allocate; an allocation fails. */
#ifndef SAFEWEB_CODEC_WASM_STDLIB_H
#define SAFEWEB_CODEC_WASM_STDLIB_H

#include <stddef.h>

void *malloc(size_t len);
void *calloc(size_t count, size_t len);
void free(void *pointer);

#endif
