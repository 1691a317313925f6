#include "codec/rect_encode.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "codec/rect_decode.h"
#include "wire/wire.h"

/* docs/decisions/0006 has the measurement. */
#define ZSTD_LEVEL 2
#define OPAQUE 0xff000000u
/* Open addressing: four slots a colour. */
#define PALETTE_SLOTS 1024u
/* Bytes before the zstd frame: filter, number of colours. */
#define HEAD_BYTES 2u

struct palette {
	uint32_t colours[RECT_PALETTE_MAX];
	uint32_t count;
	uint32_t slot_colour[PALETTE_SLOTS];
	uint16_t slot_index[PALETTE_SLOTS]; /* index + 1; 0: empty */
};

struct rect_encoder {
	ZSTD_CCtx *zstd; /* owned */
	uint8_t *content; /* owned; RECT_CONTENT_MAX_BYTES */
	struct palette palette;
};

int rect_encoder_create(struct rect_encoder **ret_encoder, struct error *err)
{
	struct rect_encoder *encoder = calloc(1, sizeof(*encoder));
	if (!encoder) {
		return error_set(err, -ENOMEM, "no memory for a rectangle encoder");
	}
	encoder->zstd = ZSTD_createCCtx();
	encoder->content = malloc(RECT_CONTENT_MAX_BYTES);
	if (!encoder->zstd || !encoder->content) {
		rect_encoder_destroy(encoder);
		return error_set(err, -ENOMEM, "no memory for a rectangle encoder");
	}
	ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_format, ZSTD_f_zstd1_magicless);
	ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_contentSizeFlag, 0);
	*ret_encoder = encoder;
	return 0;
}

void rect_encoder_destroy(struct rect_encoder *encoder)
{
	if (!encoder) {
		return;
	}
	ZSTD_freeCCtx(encoder->zstd);
	free(encoder->content);
	free(encoder);
}

size_t rect_encode_bound(size_t pixels)
{
	return HEAD_BYTES + ZSTD_compressBound(pixels * 4 + RECT_PALETTE_MAX * 4);
}

static bool is_solid(const struct rect_pixels *rect)
{
	uint32_t first = rect->pixels[0];
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *row = rect->pixels + y * rect->stride;
		uint32_t differing = 0;
		for (uint32_t x = 0; x < rect->width; x++) {
			differing |= row[x] ^ first;
		}
		if (differing) {
			return false;
		}
	}
	return true;
}

static bool is_opaque(const struct rect_pixels *rect)
{
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *row = rect->pixels + y * rect->stride;
		uint32_t all = OPAQUE;
		for (uint32_t x = 0; x < rect->width; x++) {
			all &= row[x];
		}
		if (all != OPAQUE) {
			return false;
		}
	}
	return true;
}

/* The colour's index, or -1 when the palette is full. */
static int palette_index(struct palette *palette, uint32_t colour)
{
	uint32_t slot = (colour * 0x9e3779b1u) >> 22;
	while (palette->slot_index[slot] != 0) {
		if (palette->slot_colour[slot] == colour) {
			return palette->slot_index[slot] - 1;
		}
		slot = (slot + 1) % PALETTE_SLOTS;
	}
	if (palette->count == RECT_PALETTE_MAX) {
		return -1;
	}
	palette->slot_colour[slot] = colour;
	palette->colours[palette->count] = colour;
	palette->slot_index[slot] = (uint16_t)++palette->count;
	return (int)palette->count - 1;
}

/* Writes one index a pixel; false when there are more colours than a palette holds. */
static bool index_pixels(struct palette *palette, const struct rect_pixels *rect, uint8_t *indices)
{
	palette->count = 0;
	memset(palette->slot_index, 0, sizeof(palette->slot_index));
	uint32_t last_colour = rect->pixels[0];
	int last = palette_index(palette, last_colour);
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *row = rect->pixels + y * rect->stride;
		for (uint32_t x = 0; x < rect->width; x++) {
			if (row[x] != last_colour) {
				last_colour = row[x];
				last = palette_index(palette, last_colour);
				if (last < 0) {
					return false;
				}
			}
			indices[x] = (uint8_t)last;
		}
		indices += rect->width;
	}
	return true;
}

static uint8_t *store_pixel(uint8_t *to, uint32_t pixel, size_t pixel_bytes)
{
	to[0] = (uint8_t)pixel;
	to[1] = (uint8_t)(pixel >> 8);
	to[2] = (uint8_t)(pixel >> 16);
	if (pixel_bytes == 4) {
		to[3] = (uint8_t)(pixel >> 24);
	}
	return to + pixel_bytes;
}

/* The median of left, above and left + above - corner; see rect_decode.c. */
static uint8_t predict(uint8_t left, uint8_t above, uint8_t corner)
{
	uint8_t low = left < above ? left : above;
	uint8_t high = left < above ? above : left;
	uint8_t between = (uint8_t)(left + above - corner);
	return corner >= high ? low : corner <= low ? high : between;
}

static uint32_t predict_pixel(uint32_t left, uint32_t above, uint32_t corner)
{
	uint32_t predicted = 0;
	for (int shift = 0; shift < 32; shift += 8) {
		predicted |= (uint32_t)predict((uint8_t)(left >> shift), (uint8_t)(above >> shift),
					     (uint8_t)(corner >> shift))
				<< shift;
	}
	return predicted;
}

static uint32_t subtract_bytes(uint32_t a, uint32_t b)
{
	uint32_t high = 0x80808080u;
	return ((a | high) - (b & ~high)) ^ ((a ^ ~b) & high);
}

static size_t filter_left_up(const struct rect_pixels *rect, size_t pixel_bytes, uint8_t *content)
{
	uint8_t *to = content;
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *row = rect->pixels + y * rect->stride;
		uint32_t left = 0;
		uint32_t corner = 0;
		for (uint32_t x = 0; x < rect->width; x++) {
			uint32_t above = y ? row[(ptrdiff_t)x - (ptrdiff_t)rect->stride] : 0;
			uint32_t predicted = predict_pixel(left, above, corner);
			to = store_pixel(to, subtract_bytes(row[x], predicted), pixel_bytes);
			left = row[x];
			corner = above;
		}
	}
	return (size_t)(to - content);
}

static long compress(struct rect_encoder *encoder, size_t content_len, uint8_t *data, size_t size)
{
	size_t len = ZSTD_compress2(encoder->zstd, data, size, encoder->content, content_len);
	return ZSTD_isError(len) ? -ENOBUFS : (long)len;
}

static long encode_palette(struct rect_encoder *encoder, const struct rect_pixels *rect,
		size_t pixel_bytes, uint8_t *data, size_t size)
{
	const struct palette *palette = &encoder->palette;
	uint8_t *to = encoder->content;
	for (uint32_t i = 0; i < palette->count; i++) {
		to = store_pixel(to, palette->colours[i], pixel_bytes);
	}
	/* The indices were written behind the longest palette: close the gap. */
	size_t pixels = (size_t)rect->width * rect->height;
	memmove(to, encoder->content + RECT_PALETTE_MAX * 4, pixels);
	data[0] = RECT_FILTER_PALETTE;
	data[1] = (uint8_t)(palette->count - 1);
	long len = compress(encoder, (size_t)(to - encoder->content) + pixels, data + HEAD_BYTES,
			size - HEAD_BYTES);
	return len < 0 ? len : len + HEAD_BYTES;
}

long rect_encode(struct rect_encoder *encoder, const struct rect_pixels *rect, uint8_t *data,
		size_t size, uint8_t *ret_codec)
{
	assert((size_t)rect->width * rect->height <= RECT_MAX_PIXELS);
	assert(size >= rect_encode_bound((size_t)rect->width * rect->height));
	if (is_solid(rect)) {
		store_pixel(data, rect->pixels[0], 4);
		*ret_codec = WIRE_CODEC_SOLID;
		return 4;
	}
	bool opaque = is_opaque(rect);
	size_t pixel_bytes = opaque ? 3 : 4;
	*ret_codec = opaque ? WIRE_CODEC_ZSTD : WIRE_CODEC_ZSTD_BGRA;
	uint8_t *indices = encoder->content + RECT_PALETTE_MAX * 4;
	if (index_pixels(&encoder->palette, rect, indices)) {
		return encode_palette(encoder, rect, pixel_bytes, data, size);
	}
	size_t content_len = filter_left_up(rect, pixel_bytes, encoder->content);
	data[0] = RECT_FILTER_LEFT_UP;
	long len = compress(encoder, content_len, data + 1, size - 1);
	return len < 0 ? len : len + 1;
}
