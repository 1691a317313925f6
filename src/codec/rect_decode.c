#include "codec/rect_decode.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* For the frame format without the magic number, and a context in memory of ours. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "wire/wire.h"

#define OPAQUE 0xff000000u

/* What one decoding works on; kept together because the stages pass it on. */
struct target {
	uint32_t *pixels;
	size_t stride;
	uint32_t width, height;
	size_t pixel_bytes; /* 3 or 4, in the content */
};

static size_t zstd_memory_bytes(void)
{
	return (ZSTD_estimateDCtxSize() + 63) / 64 * 64;
}

size_t rect_decoder_memory_bytes(void)
{
	return zstd_memory_bytes() + RECT_CONTENT_MAX_BYTES;
}

int rect_decoder_init(struct rect_decoder *decoder, void *memory, size_t size)
{
	if (size < rect_decoder_memory_bytes()) {
		return -EINVAL;
	}
	decoder->zstd = ZSTD_initStaticDCtx(memory, zstd_memory_bytes());
	decoder->content = (uint8_t *)memory + zstd_memory_bytes();
	if (!decoder->zstd ||
			ZSTD_isError(ZSTD_DCtx_setParameter(
					decoder->zstd, ZSTD_d_format, ZSTD_f_zstd1_magicless))) {
		return -EINVAL;
	}
	return 0;
}

static uint32_t load_pixel(const uint8_t *from, size_t pixel_bytes)
{
	uint32_t pixel = (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
	return pixel | (pixel_bytes == 4 ? (uint32_t)from[3] << 24 : OPAQUE);
}

static void fill(const struct target *target, uint32_t pixel)
{
	for (uint32_t y = 0; y < target->height; y++) {
		uint32_t *row = target->pixels + y * target->stride;
		for (uint32_t x = 0; x < target->width; x++) {
			row[x] = pixel;
		}
	}
}

static void put_rows(const struct target *target, const uint8_t *content)
{
	for (uint32_t y = 0; y < target->height; y++) {
		uint32_t *row = target->pixels + y * target->stride;
		for (uint32_t x = 0; x < target->width; x++) {
			row[x] = load_pixel(content, target->pixel_bytes);
			content += target->pixel_bytes;
		}
	}
}

/* The median of left, above and left + above - corner: the predictor of LOCO-I (JPEG-LS). */
static uint8_t predict(uint8_t left, uint8_t above, uint8_t corner)
{
	uint8_t low = left < above ? left : above;
	uint8_t high = left < above ? above : left;
	if (corner >= high) {
		return low;
	}
	if (corner <= low) {
		return high;
	}
	return (uint8_t)(left + above - corner);
}

/* Outside the plane everything is 0. */
static void undo_prediction(uint8_t *plane, uint32_t width, uint32_t height)
{
	for (uint32_t x = 1; x < width; x++) {
		plane[x] = (uint8_t)(plane[x] + plane[x - 1]);
	}
	for (uint32_t y = 1; y < height; y++) {
		uint8_t *row = plane + (size_t)y * width;
		const uint8_t *above = row - width;
		row[0] = (uint8_t)(row[0] + above[0]);
		for (uint32_t x = 1; x < width; x++) {
			row[x] = (uint8_t)(row[x] + predict(row[x - 1], above[x], above[x - 1]));
		}
	}
}

static void put_planes(const struct target *target, const uint8_t *content)
{
	size_t plane = (size_t)target->width * target->height;
	for (uint32_t y = 0; y < target->height; y++) {
		uint32_t *row = target->pixels + y * target->stride;
		for (uint32_t x = 0; x < target->width; x++) {
			uint32_t green = content[x];
			uint32_t blue = (content[plane + x] + green) & 0xff;
			uint32_t red = (content[2 * plane + x] + green) & 0xff;
			uint32_t alpha = target->pixel_bytes == 4 ? content[3 * plane + x] : 255u;
			row[x] = blue | green << 8 | red << 16 | alpha << 24;
		}
		content += target->width;
	}
}

static int decode_palette(const struct target *target, const uint8_t *content, size_t colours)
{
	/* Indices past the last colour give transparent black: a table of all 256 needs no check.
	 */
	uint32_t palette[RECT_PALETTE_MAX] = {0};
	for (size_t i = 0; i < colours; i++) {
		palette[i] = load_pixel(content + i * target->pixel_bytes, target->pixel_bytes);
	}
	content += colours * target->pixel_bytes;
	for (uint32_t y = 0; y < target->height; y++) {
		uint32_t *row = target->pixels + y * target->stride;
		for (uint32_t x = 0; x < target->width; x++) {
			row[x] = palette[content[x]];
		}
		content += target->width;
	}
	return 0;
}

static int unpack(struct rect_decoder *decoder, const uint8_t *data, size_t len, size_t content_len)
{
	size_t got = ZSTD_decompressDCtx(decoder->zstd, decoder->content, content_len, data, len);
	return !ZSTD_isError(got) && got == content_len ? 0 : -EBADMSG;
}

static int decode_zstd(struct rect_decoder *decoder, const uint8_t *data, size_t len,
		const struct target *target)
{
	if (len < 2) {
		return -EBADMSG;
	}
	size_t content_len = (size_t)target->width * target->height * target->pixel_bytes;
	if (data[0] == RECT_FILTER_PALETTE) {
		size_t colours = (size_t)data[1] + 1;
		content_len = colours * target->pixel_bytes +
				(size_t)target->width * target->height;
		int code = unpack(decoder, data + 2, len - 2, content_len);
		return code < 0 ? code : decode_palette(target, decoder->content, colours);
	}
	if (data[0] >= RECT_FILTERS || unpack(decoder, data + 1, len - 1, content_len) < 0) {
		return -EBADMSG;
	}
	if (data[0] == RECT_FILTER_NONE) {
		put_rows(target, decoder->content);
		return 0;
	}
	if (data[0] == RECT_FILTER_PREDICT) {
		size_t plane = (size_t)target->width * target->height;
		for (size_t i = 0; i < target->pixel_bytes; i++) {
			undo_prediction(decoder->content + i * plane, target->width,
					target->height);
		}
	}
	put_planes(target, decoder->content);
	return 0;
}

static int decode_raw(const uint8_t *data, size_t len, const struct target *target)
{
	if (len != (size_t)target->width * target->height * 4) {
		return -EBADMSG;
	}
	for (uint32_t y = 0; y < target->height; y++) {
		uint32_t *row = target->pixels + y * target->stride;
		for (uint32_t x = 0; x < target->width; x++) {
			row[x] = load_pixel(data, 3);
			data += 4;
		}
	}
	return 0;
}

int rect_decode(struct rect_decoder *decoder, uint32_t codec, const uint8_t *data, size_t len,
		uint32_t width, uint32_t height, uint32_t *pixels, size_t stride)
{
	if (width == 0 || height == 0 || (uint64_t)width * height > RECT_MAX_PIXELS ||
			stride < width) {
		return -EBADMSG;
	}
	struct target target = {
			.pixels = pixels,
			.stride = stride,
			.width = width,
			.height = height,
			.pixel_bytes = codec == WIRE_CODEC_ZSTD_BGRA ? 4 : 3,
	};
	switch ((enum wire_codec)codec) {
	case WIRE_CODEC_RAW:
		return decode_raw(data, len, &target);
	case WIRE_CODEC_SOLID:
		if (len != 4) {
			return -EBADMSG;
		}
		fill(&target, load_pixel(data, 4));
		return 0;
	case WIRE_CODEC_ZSTD:
	case WIRE_CODEC_ZSTD_BGRA:
		return decode_zstd(decoder, data, len, &target);
	case WIRE_CODEC_JPEG:
		return -ENOTSUP;
	}
	return -EBADMSG;
}

static uint32_t plain(uint32_t premultiplied, uint32_t alpha)
{
	uint32_t value = (premultiplied * 255 + alpha / 2) / alpha;
	return value > 255 ? 255 : value;
}

void rect_to_rgba(uint32_t *pixels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t pixel = pixels[i];
		uint32_t alpha = pixel >> 24;
		uint32_t blue = pixel & 0xff;
		uint32_t green = pixel >> 8 & 0xff;
		uint32_t red = pixel >> 16 & 0xff;
		if (alpha == 0) {
			pixels[i] = 0;
			continue;
		}
		if (alpha != 255) {
			red = plain(red, alpha);
			green = plain(green, alpha);
			blue = plain(blue, alpha);
		}
		pixels[i] = red | green << 8 | blue << 16 | alpha << 24;
	}
}
