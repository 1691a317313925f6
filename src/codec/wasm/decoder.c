/* decoder.wasm: what the page calls to turn coded rectangles into a canvas's pixels. All memory is
 * static: 4 MiB each for the coded bytes, their content and the pixels. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/rect_decode.h"

#define EXPORT(name) __attribute__((export_name(name)))
/* A rect message's largest blob. */
#define INPUT_BYTES (4u * 1024 * 1024)
/* zstd's context: checked by rect_decoder_init against what it wants. */
#define CONTEXT_BYTES (256u * 1024)

static _Alignas(64) uint8_t input[INPUT_BYTES];
static _Alignas(64) uint8_t memory[CONTEXT_BYTES + RECT_CONTENT_MAX_BYTES];
static uint32_t pixels[RECT_MAX_PIXELS];
static struct rect_decoder decoder;

/* Where to write coded bytes, NULL when so many are never decoded. */
EXPORT("input") uint8_t *decoder_input(size_t len)
{
	return len <= sizeof(input) ? input : NULL;
}

/* Where decode leaves its pixels: R G B A, row by row. */
EXPORT("output") uint32_t *decoder_output(void)
{
	return pixels;
}

/* Decodes the first len bytes of the input. 0, or a negative error number. */
EXPORT("decode") int decoder_decode(uint32_t codec, size_t len, uint32_t width, uint32_t height)
{
	if (len > sizeof(input)) {
		return -1;
	}
	int code = decoder.zstd ? 0 : rect_decoder_init(&decoder, memory, sizeof(memory));
	if (code == 0) {
		code = rect_decode(&decoder, codec, input, len, width, height, pixels, width);
	}
	if (code == 0) {
		rect_to_rgba(pixels, (size_t)width * height);
	}
	return code;
}

/* With bulk memory these become single instructions. */
void *memcpy(void *to, const void *from, size_t len)
{
	return __builtin_memcpy(to, from, len);
}

void *memmove(void *to, const void *from, size_t len)
{
	return __builtin_memmove(to, from, len);
}

void *memset(void *to, int byte, size_t len)
{
	return __builtin_memset(to, byte, len);
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *left = a;
	const uint8_t *right = b;
	for (size_t i = 0; i < len; i++) {
		if (left[i] != right[i]) {
			return left[i] < right[i] ? -1 : 1;
		}
	}
	return 0;
}

void *malloc(size_t len)
{
	(void)len;
	return NULL;
}

void *calloc(size_t count, size_t len)
{
	(void)count;
	(void)len;
	return NULL;
}

void free(void *pointer)
{
	(void)pointer;
}
