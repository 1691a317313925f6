/* Coded rectangles from a hostile encoder: codec, size, data. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "codec/rect_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rect_decoder decoder;
	static uint32_t *pixels;
	if (!decoder.zstd) {
		size_t len = (rect_decoder_memory_bytes() + 63) / 64 * 64;
		pixels = malloc(RECT_MAX_PIXELS * sizeof(*pixels));
		if (!pixels || rect_decoder_init(&decoder, aligned_alloc(64, len), len) < 0) {
			abort();
		}
	}
	if (size < 5) {
		return 0;
	}
	uint32_t width = data[1] | (uint32_t)data[2] << 8;
	uint32_t height = data[3] | (uint32_t)data[4] << 8;
	/* Exactly as large as it has to be, so that a pixel too many is seen. */
	uint64_t count = (uint64_t)width * height;
	uint32_t *exact = count && count < 65536 ? malloc(count * sizeof(*exact)) : NULL;
	int code = rect_decode(&decoder, data[0], data + 5, size - 5, width, height,
			exact ? exact : pixels, width);
	if (code == 0) {
		rect_to_rgba(exact ? exact : pixels, count);
	}
	free(exact);
	return 0;
}
