/* make-vectors FOLDER: writes protocol/vectors' coded rectangles from fixed patterns. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "codec/rect_encode.h"
#include "wire/wire.h"

#define MAX_PIXELS 4096
#define FILE_BYTES (MAX_PIXELS * 12)

typedef uint32_t (*pattern)(uint32_t x, uint32_t y);

static uint32_t noise(uint32_t x, uint32_t y)
{
	uint32_t value = x * 0x9e3779b1u + y * 0x85ebca77u;
	value ^= value >> 15;
	value *= 0x2c1b3c6du;
	return value ^ value >> 13;
}

static uint32_t text(uint32_t x, uint32_t y)
{
	uint32_t shade = noise(x, y / 3) % 4 * 0x404040u;
	return 0xff000000u | (y % 8 < 5 ? 0xf8f8f8u - shade : 0xf8f8f8u);
}

static uint32_t photo(uint32_t x, uint32_t y)
{
	uint32_t grain = noise(x, y) & 0x030303u;
	return 0xff000000u | (((x * 4) << 16 | (y * 5) << 8 | (x + y)) + grain);
}

static uint32_t random_pixel(uint32_t x, uint32_t y)
{
	return 0xff000000u | noise(x, y);
}

static uint32_t glass(uint32_t x, uint32_t y)
{
	uint32_t alpha = noise(x, y) % 256;
	return alpha << 24 | (alpha * x / 64 % 256) << 16 | (alpha / 2) << 8 | (y % (alpha + 1));
}

static uint32_t icon(uint32_t x, uint32_t y)
{
	bool inside = (x - 8) * (x - 8) + (y - 8) * (y - 8) < 40;
	return inside ? 0x80402010u : 0;
}

struct vector {
	const char *name;
	pattern pattern;
	uint32_t width, height;
	int filter; /* -1: what the encoder chooses */
};

static const struct vector vectors[] = {
		{"rect-one-pixel", text, 1, 1, -1},
		{"rect-chosen-text", text, 61, 19, -1},
		{"rect-chosen-photo", photo, 53, 31, -1},
		{"rect-none", random_pixel, 17, 5, RECT_FILTER_NONE},
		{"rect-planes", photo, 33, 7, RECT_FILTER_PLANES},
		{"rect-palette", text, 40, 20, RECT_FILTER_PALETTE},
		{"rect-predict", photo, 37, 29, RECT_FILTER_PREDICT},
		{"rect-predict-column", photo, 1, 40, RECT_FILTER_PREDICT},
		{"rect-predict-random", random_pixel, 13, 11, RECT_FILTER_PREDICT},
		{"rect-alpha-none", glass, 16, 9, RECT_FILTER_NONE},
		{"rect-alpha-planes", glass, 31, 13, RECT_FILTER_PLANES},
		{"rect-alpha-palette", icon, 17, 17, RECT_FILTER_PALETTE},
		{"rect-alpha-predict", glass, 20, 20, RECT_FILTER_PREDICT},
};

static int write_vector(const char *folder, const char *name, const struct bytes_writer *file,
		struct error *err)
{
	char path[512];
	if (snprintf(path, sizeof(path), "%s/%s.bin", folder, name) >= (int)sizeof(path)) {
		return error_set(err, -ENAMETOOLONG, "the folder's name is too long");
	}
	return fds_write_file(AT_FDCWD, path, file->bytes, file->at, 0644, err);
}

static void put_head(struct bytes_writer *file, uint8_t codec, const struct rect_pixels *rect,
		size_t len)
{
	bytes_write_number(file, codec, 1);
	bytes_write_number(file, rect->width, 2);
	bytes_write_number(file, rect->height, 2);
	bytes_write_number(file, len, 4);
}

static void put_pixels(struct bytes_writer *file, const struct rect_pixels *rect)
{
	for (size_t i = 0; i < (size_t)rect->width * rect->height; i++) {
		bytes_write_number(file, rect->pixels[i], 4);
	}
}

static void draw(const struct vector *vector, uint32_t *pixels)
{
	for (uint32_t y = 0; y < vector->height; y++) {
		for (uint32_t x = 0; x < vector->width; x++) {
			pixels[y * vector->width + x] = vector->pattern(x, y);
		}
	}
}

static int make(struct rect_encoder *encoder, const struct vector *vector, const char *folder,
		struct error *err)
{
	static uint32_t pixels[MAX_PIXELS];
	static uint8_t bytes[FILE_BYTES];
	static uint8_t data[FILE_BYTES];
	struct rect_pixels rect = {pixels, vector->width, vector->width, vector->height};
	uint8_t codec;
	draw(vector, pixels);
	long len = vector->filter < 0
			? rect_encode(encoder, &rect, data, sizeof(data), &codec)
			: rect_encode_filtered(encoder, &rect, (enum rect_filter)vector->filter,
					  data, sizeof(data), &codec);
	if (len < 0) {
		return error_set(err, (int)len, "%s cannot be coded", vector->name);
	}
	struct bytes_writer file = {.bytes = bytes, .size = sizeof(bytes)};
	put_head(&file, codec, &rect, (size_t)len);
	bytes_write(&file, data, (size_t)len);
	put_pixels(&file, &rect);
	return write_vector(folder, vector->name, &file, err);
}

static int make_simple(const char *folder, struct error *err)
{
	uint8_t bytes[512];
	uint32_t pixels[12];
	struct rect_pixels rect = {pixels, 4, 4, 3};
	struct bytes_writer raw = {.bytes = bytes, .size = sizeof(bytes)};
	for (uint32_t i = 0; i < 12; i++) {
		pixels[i] = random_pixel(i, 1);
	}
	put_head(&raw, WIRE_CODEC_RAW, &rect, sizeof(pixels));
	put_pixels(&raw, &rect);
	put_pixels(&raw, &rect);
	int code = write_vector(folder, "rect-raw", &raw, err);
	struct bytes_writer solid = {.bytes = bytes, .size = sizeof(bytes)};
	for (uint32_t i = 0; i < 12; i++) {
		pixels[i] = 0x7f3f1f0fu;
	}
	put_head(&solid, WIRE_CODEC_SOLID, &rect, 4);
	bytes_write_number(&solid, pixels[0], 4);
	put_pixels(&solid, &rect);
	return code < 0 ? code : write_vector(folder, "rect-solid", &solid, err);
}

struct bad {
	const char *name;
	uint8_t codec;
	uint16_t width, height;
	uint8_t data[24];
	size_t len;
};

/* zstd frames without magic: 0x00, window 0x58, then raw blocks `len << 3 | last`. */
static const struct bad bads[] = {
		{"bad-empty", WIRE_CODEC_ZSTD, 2, 2, {0}, 0},
		{"bad-no-frame", WIRE_CODEC_ZSTD, 2, 2, {RECT_FILTER_NONE}, 1},
		{"bad-filter", WIRE_CODEC_ZSTD, 1, 1, {4, 0, 0x58, 0x19, 0, 0, 1, 2, 3}, 9},
		{"bad-too-short", WIRE_CODEC_ZSTD, 2, 1, {0, 0, 0x58, 0x19, 0, 0, 1, 2, 3}, 9},
		{"bad-too-long", WIRE_CODEC_ZSTD, 1, 1, {0, 0, 0x58, 0x21, 0, 0, 1, 2, 3, 4}, 10},
		{"bad-cut", WIRE_CODEC_ZSTD, 1, 1, {0, 0, 0x58, 0x19, 0, 0, 1, 2}, 8},
		{"bad-palette", WIRE_CODEC_ZSTD, 1, 1, {2, 1, 0, 0x58, 0x21, 0, 0, 1, 2, 3, 0}, 11},
		{"bad-zero-width", WIRE_CODEC_SOLID, 0, 1, {1, 2, 3, 4}, 4},
		{"bad-huge", WIRE_CODEC_SOLID, 2048, 1024, {1, 2, 3, 4}, 4},
		{"bad-solid-length", WIRE_CODEC_SOLID, 1, 1, {1, 2, 3, 4, 5}, 5},
		{"bad-raw-length", WIRE_CODEC_RAW, 2, 1, {1, 2, 3, 4}, 4},
		{"bad-codec", 9, 1, 1, {1, 2, 3, 4}, 4},
};

static int make_bad(const struct bad *bad, const char *folder, struct error *err)
{
	uint8_t bytes[64];
	struct rect_pixels rect = {NULL, bad->width, bad->width, bad->height};
	struct bytes_writer file = {.bytes = bytes, .size = sizeof(bytes)};
	put_head(&file, bad->codec, &rect, bad->len);
	bytes_write(&file, bad->data, bad->len);
	return write_vector(folder, bad->name, &file, err);
}

static int make_all(struct rect_encoder *encoder, const char *folder, struct error *err)
{
	int code = make_simple(folder, err);
	for (size_t i = 0; code == 0 && i < ARRAY_LENGTH(vectors); i++) {
		code = make(encoder, &vectors[i], folder, err);
	}
	for (size_t i = 0; code == 0 && i < ARRAY_LENGTH(bads); i++) {
		code = make_bad(&bads[i], folder, err);
	}
	return code;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct rect_encoder *encoder = NULL;
	if (argc != 2) {
		fprintf(stderr, "usage: make-vectors FOLDER\n");
		return EXIT_FAILURE;
	}
	int code = rect_encoder_create(&encoder, &err);
	if (code == 0) {
		code = make_all(encoder, argv[1], &err);
	}
	rect_encoder_destroy(encoder);
	if (code < 0) {
		fprintf(stderr, "make-vectors: %s\n", err.text);
	}
	return code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
