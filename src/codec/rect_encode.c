#include "codec/rect_encode.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "codec/rect_decode.h"
#include "wire/wire.h"

/* docs/decisions/0006 has the measurement. */
#define ZSTD_LEVEL 1
#define OPAQUE 0xff000000u
/* Open addressing: four slots a colour. */
#define PALETTE_SLOTS 1024u
/* Up to so many pixels every filter is tried; of more, it is tried on so many, in two places. */
#define SAMPLE_PIXELS 16384u
#define SAMPLES 2u
#define SAMPLE_WIDTH 128u
/* Longer than any trial's outcome. */
#define TRIAL_BYTES (4u * SAMPLE_PIXELS * 9 / 8)
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
	uint8_t *content; /* owned; RECT_CONTENT_MAX_BYTES: what zstd is given */
	uint8_t *planes; /* owned; as long: planes before their prediction, indices */
	uint8_t *trial; /* owned; TRIAL_BYTES */
	struct palette palette;
};

int rect_encoder_create(struct rect_encoder **ret_encoder, struct error *err)
{
	struct rect_encoder *encoder = calloc(1, sizeof(*encoder));
	if (!encoder) {
		return error_set(err, -ENOMEM, "no memory for a rectangle encoder");
	}
	encoder->zstd = ZSTD_createCCtx();
	/* Only what a rectangle's size touches of these costs memory. */
	encoder->content = malloc(RECT_CONTENT_MAX_BYTES);
	encoder->planes = malloc(RECT_CONTENT_MAX_BYTES);
	encoder->trial = malloc(TRIAL_BYTES);
	if (!encoder->zstd || !encoder->content || !encoder->planes || !encoder->trial) {
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
	free(encoder->planes);
	free(encoder->trial);
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

/* The median of left, above and left + above - corner; see rect_decode.c. Written so that it
 * vectorises. */
static inline uint8_t predict(uint8_t left, uint8_t above, uint8_t corner)
{
	uint8_t low = left < above ? left : above;
	uint8_t high = left < above ? above : left;
	uint8_t between = (uint8_t)(left + above - corner);
	uint8_t predicted = corner >= high ? low : between;
	return corner <= low ? high : predicted;
}

static void predict_plane(
		const uint8_t *plane, uint32_t width, uint32_t height, uint8_t *restrict to)
{
	to[0] = plane[0];
	for (uint32_t x = 1; x < width; x++) {
		to[x] = (uint8_t)(plane[x] - plane[x - 1]);
	}
	for (uint32_t y = 1; y < height; y++) {
		const uint8_t *row = plane + (size_t)y * width;
		const uint8_t *above = row - width;
		uint8_t *restrict out = to + (size_t)y * width;
		out[0] = (uint8_t)(row[0] - above[0]);
		for (uint32_t x = 1; x < width; x++) {
			out[x] = (uint8_t)(row[x] - predict(row[x - 1], above[x], above[x - 1]));
		}
	}
}

static void split_planes(const struct rect_pixels *rect, size_t pixel_bytes, uint8_t *to)
{
	size_t plane = (size_t)rect->width * rect->height;
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *row = rect->pixels + y * rect->stride;
		uint8_t *restrict green = to;
		uint8_t *restrict blue = to + plane;
		uint8_t *restrict red = to + 2 * plane;
		for (uint32_t x = 0; x < rect->width; x++) {
			uint8_t base = (uint8_t)(row[x] >> 8);
			green[x] = base;
			blue[x] = (uint8_t)(row[x] - base);
			red[x] = (uint8_t)((row[x] >> 16) - base);
		}
		for (uint32_t x = 0; pixel_bytes == 4 && x < rect->width; x++) {
			to[3 * plane + x] = (uint8_t)(row[x] >> 24);
		}
		to += rect->width;
	}
}

static void store_rows(const struct rect_pixels *rect, size_t pixel_bytes, uint8_t *to)
{
	for (uint32_t y = 0; y < rect->height; y++) {
		const uint32_t *row = rect->pixels + y * rect->stride;
		for (uint32_t x = 0; x < rect->width; x++) {
			to = store_pixel(to, row[x], pixel_bytes);
		}
	}
}

static long compress(struct rect_encoder *encoder, size_t content_len, uint8_t *data, size_t size)
{
	size_t len = ZSTD_compress2(encoder->zstd, data, size, encoder->content, content_len);
	return ZSTD_isError(len) ? -ENOBUFS : (long)len;
}

/* -ENOTSUP when there are too many colours. */
static long encode_palette(struct rect_encoder *encoder, const struct rect_pixels *rect,
		size_t pixel_bytes, uint8_t *data, size_t size)
{
	struct palette *palette = &encoder->palette;
	if (!index_pixels(palette, rect, encoder->planes)) {
		return -ENOTSUP;
	}
	uint8_t *to = encoder->content;
	for (uint32_t i = 0; i < palette->count; i++) {
		to = store_pixel(to, palette->colours[i], pixel_bytes);
	}
	size_t pixels = (size_t)rect->width * rect->height;
	memcpy(to, encoder->planes, pixels);
	data[0] = RECT_FILTER_PALETTE;
	data[1] = (uint8_t)(palette->count - 1);
	long len = compress(encoder, (size_t)(to - encoder->content) + pixels, data + HEAD_BYTES,
			size - HEAD_BYTES);
	return len < 0 ? len : len + (long)HEAD_BYTES;
}

static void predict_planes(
		struct rect_encoder *encoder, const struct rect_pixels *rect, size_t pixel_bytes)
{
	size_t plane = (size_t)rect->width * rect->height;
	split_planes(rect, pixel_bytes, encoder->planes);
	for (size_t i = 0; i < pixel_bytes; i++) {
		predict_plane(encoder->planes + i * plane, rect->width, rect->height,
				encoder->content + i * plane);
	}
}

static long encode_with(struct rect_encoder *encoder, const struct rect_pixels *rect,
		size_t pixel_bytes, enum rect_filter filter, uint8_t *data, size_t size)
{
	switch (filter) {
	case RECT_FILTER_PALETTE:
		return encode_palette(encoder, rect, pixel_bytes, data, size);
	case RECT_FILTER_PREDICT:
		predict_planes(encoder, rect, pixel_bytes);
		break;
	case RECT_FILTER_PLANES:
		split_planes(rect, pixel_bytes, encoder->content);
		break;
	case RECT_FILTER_NONE:
	case RECT_FILTERS:
		store_rows(rect, pixel_bytes, encoder->content);
		break;
	}
	data[0] = (uint8_t)filter;
	size_t content_len = (size_t)rect->width * rect->height * pixel_bytes;
	long len = compress(encoder, content_len, data + 1, size - 1);
	return len < 0 ? len : len + 1;
}

/* Codes it with every filter and keeps the shortest in data. */
static long encode_shortest(struct rect_encoder *encoder, const struct rect_pixels *rect,
		size_t pixel_bytes, uint8_t *data, size_t size)
{
	long shortest = -ENOBUFS;
	for (int filter = 0; filter < RECT_FILTERS; filter++) {
		long len = encode_with(encoder, rect, pixel_bytes, (enum rect_filter)filter,
				encoder->trial, TRIAL_BYTES);
		if (len > 0 && (size_t)len <= size && (shortest < 0 || len < shortest)) {
			memcpy(data, encoder->trial, (size_t)len);
			shortest = len;
		}
	}
	return shortest;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The bytes that a filter makes of the samples; LONG_MAX when it does not apply. */
static long sample_bytes(struct rect_encoder *encoder, const struct rect_pixels *rect,
		size_t pixel_bytes, enum rect_filter filter)
{
	/* Blocks, not rows: what repeats in text does so over the lines of a letter. */
	struct rect_pixels sample = {
			.stride = rect->stride,
			.width = least(rect->width, SAMPLE_WIDTH),
			.height = least(rect->height, SAMPLE_PIXELS / SAMPLES / SAMPLE_WIDTH),
	};
	long sum = 0;
	for (uint32_t i = 0; i < SAMPLES; i++) {
		uint32_t x = (rect->width - sample.width) * (2 * i + 1) / (2 * SAMPLES);
		uint32_t y = (rect->height - sample.height) * (2 * i + 1) / (2 * SAMPLES);
		sample.pixels = rect->pixels + y * rect->stride + x;
		long len = encode_with(
				encoder, &sample, pixel_bytes, filter, encoder->trial, TRIAL_BYTES);
		if (len < 0) {
			return LONG_MAX;
		}
		sum += len;
	}
	return sum;
}

static enum rect_filter choose_filter(
		struct rect_encoder *encoder, const struct rect_pixels *rect, size_t pixel_bytes)
{
	enum rect_filter best = RECT_FILTER_PLANES;
	long shortest = LONG_MAX;
	/* Samples have fewer colours than the whole. */
	bool has_palette = index_pixels(&encoder->palette, rect, encoder->planes);
	for (int filter = 0; filter < RECT_FILTERS; filter++) {
		if (filter == RECT_FILTER_PALETTE && !has_palette) {
			continue;
		}
		long len = sample_bytes(encoder, rect, pixel_bytes, (enum rect_filter)filter);
		if (len < shortest) {
			shortest = len;
			best = (enum rect_filter)filter;
		}
	}
	return best;
}

long rect_encode(struct rect_encoder *encoder, const struct rect_pixels *rect, uint8_t *data,
		size_t size, uint8_t *ret_codec)
{
	size_t pixels = (size_t)rect->width * rect->height;
	assert(pixels > 0 && pixels <= RECT_MAX_PIXELS && size >= rect_encode_bound(pixels));
	if (is_solid(rect)) {
		store_pixel(data, rect->pixels[0], 4);
		*ret_codec = WIRE_CODEC_SOLID;
		return 4;
	}
	bool opaque = is_opaque(rect);
	size_t pixel_bytes = opaque ? 3 : 4;
	*ret_codec = opaque ? WIRE_CODEC_ZSTD : WIRE_CODEC_ZSTD_BGRA;
	if (pixels <= SAMPLE_PIXELS) {
		return encode_shortest(encoder, rect, pixel_bytes, data, size);
	}
	enum rect_filter filter = choose_filter(encoder, rect, pixel_bytes);
	return encode_with(encoder, rect, pixel_bytes, filter, data, size);
}

long rect_encode_filtered(struct rect_encoder *encoder, const struct rect_pixels *rect,
		enum rect_filter filter, uint8_t *data, size_t size, uint8_t *ret_codec)
{
	bool opaque = is_opaque(rect);
	*ret_codec = opaque ? WIRE_CODEC_ZSTD : WIRE_CODEC_ZSTD_BGRA;
	return encode_with(encoder, rect, opaque ? 3 : 4, filter, data, size);
}
