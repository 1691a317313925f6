#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/fds.h"
#include "codec/rect_decode.h"
#include "codec/rect_encode.h"
#include "harness/test.h"
#include "wire/wire.h"

#define VECTOR_MAX_BYTES (1024u * 1024)

struct codec {
	struct rect_encoder *encoder;
	struct rect_decoder decoder;
	void *memory;
};

static void codec_open(struct codec *codec)
{
	struct error err = {0};
	CHECK_INT(rect_encoder_create(&codec->encoder, &err), 0);
	size_t size = (rect_decoder_memory_bytes() + 63) / 64 * 64;
	codec->memory = aligned_alloc(64, size);
	CHECK_INT(rect_decoder_init(&codec->decoder, codec->memory, size), 0);
}

static void codec_close(struct codec *codec)
{
	rect_encoder_destroy(codec->encoder);
	free(codec->memory);
}

static uint32_t pixel_of(int kind, uint32_t x, uint32_t y, unsigned *seed)
{
	uint32_t random = (uint32_t)rand_r(seed) << 16 ^ (uint32_t)rand_r(seed);
	switch (kind) {
	case 0:
		return 0xff336699u;
	case 1:
		return 0xff000000u | random;
	case 2:
		return random;
	case 3:
		return 0xff000000u | (x * 3) << 16 | (y * 2 & 0xff) << 8 | ((x + y) & 0xff);
	case 4:
		return random % 5 ? 0xffffffffu : 0xff101010u + random % 200;
	case 5:
		return random % 3 ? 0 : 0x40201008u;
	default:
		return 0xff000000u | ((x * y) & 0xfff);
	}
}

static const struct {
	uint32_t width, height;
} sizes[] = {{1, 1}, {1, 500}, {500, 1}, {3, 2}, {64, 16}, {127, 129}, {640, 100}, {1280, 102},
		{8192, 128}, {1024, 1024}};

static void check_round_trip(
		struct codec *codec, int kind, uint32_t width, uint32_t height, int filter)
{
	/* A rectangle inside wider pictures, both for coding and for decoding. */
	size_t stride = width + 3;
	uint32_t *pixels = calloc(stride * height, 4);
	uint32_t *decoded = calloc(stride * height, 4);
	size_t size = rect_encode_bound((size_t)width * height);
	uint8_t *data = malloc(size);
	unsigned seed = width * 31 + height;
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			pixels[y * stride + x] = pixel_of(kind, x, y, &seed);
		}
	}
	struct rect_pixels rect = {pixels, stride, width, height};
	uint8_t codec_used = 255;
	long len = filter < 0 ? rect_encode(codec->encoder, &rect, data, size, &codec_used)
			      : rect_encode_filtered(codec->encoder, &rect,
						(enum rect_filter)filter, data, size, &codec_used);
	if (len != -ENOTSUP) {
		CHECK(len > 0 && len <= (long)size);
		CHECK_INT(rect_decode(&codec->decoder, codec_used, data, (size_t)len, width, height,
					  decoded, stride),
				0);
		CHECK_BYTES(decoded, stride * height * 4, pixels, stride * height * 4);
	} else {
		CHECK_INT(filter, RECT_FILTER_PALETTE);
	}
	free(pixels);
	free(decoded);
	free(data);
}

TEST_WITH_TIMEOUT(rects_come_back_as_they_were, 60)
{
	struct codec codec;
	codec_open(&codec);
	for (int kind = 0; kind < 7; kind++) {
		for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
			check_round_trip(&codec, kind, sizes[i].width, sizes[i].height, -1);
		}
	}
	codec_close(&codec);
}

TEST_WITH_TIMEOUT(every_filter_is_exact, 60)
{
	struct codec codec;
	codec_open(&codec);
	for (int filter = 0; filter < RECT_FILTERS; filter++) {
		for (int kind = 0; kind < 7; kind++) {
			for (size_t i = 0; i < 7; i++) {
				check_round_trip(&codec, kind, sizes[i].width, sizes[i].height,
						filter);
			}
		}
	}
	codec_close(&codec);
}

TEST(one_colour_is_four_bytes)
{
	struct codec codec;
	codec_open(&codec);
	uint32_t pixels[6] = {9, 9, 9, 9, 9, 9};
	struct rect_pixels rect = {pixels, 3, 3, 2};
	uint8_t data[4096];
	uint8_t used;
	CHECK_INT(rect_encode(codec.encoder, &rect, data, sizeof(data), &used), 4);
	CHECK_INT(used, WIRE_CODEC_SOLID);
	codec_close(&codec);
}

TEST(a_line_of_text_is_small)
{
	struct codec codec;
	codec_open(&codec);
	uint32_t pixels[8 * 16];
	unsigned seed = 4;
	for (size_t i = 0; i < ARRAY_LENGTH(pixels); i++) {
		pixels[i] = pixel_of(4, 0, 0, &seed) | 0xff000000u;
	}
	struct rect_pixels rect = {pixels, 8, 8, 16};
	uint8_t data[4096];
	uint8_t used;
	long len = rect_encode(codec.encoder, &rect, data, sizeof(data), &used);
	CHECK(len > 0 && len < 8 * 16 + 120);
	codec_close(&codec);
}

static void check_vector(struct codec *codec, const char *name, const uint8_t *bytes, size_t len)
{
	struct bytes_reader file = {.bytes = bytes, .len = len};
	uint8_t used = bytes_read_u8(&file);
	uint32_t width = bytes_read_u16(&file);
	uint32_t height = bytes_read_u16(&file);
	size_t data_len = bytes_read_u32(&file);
	const uint8_t *data = bytes_read(&file, data_len);
	CHECK(!file.failed);
	uint32_t *pixels = calloc(RECT_MAX_PIXELS, 4);
	int code = rect_decode(&codec->decoder, used, data, data_len, width, height, pixels, width);
	if (strncmp(name, "bad-", 4) == 0) {
		CHECK_INT(file.at, len);
		CHECK_INT(code, -EBADMSG);
	} else {
		CHECK_INT(code, 0);
		CHECK_BYTES(pixels, (size_t)width * height * 4, bytes + file.at, len - file.at);
	}
	free(pixels);
}

TEST(vectors_decode_to_their_pixels)
{
	struct error err = {0};
	struct codec codec;
	codec_open(&codec);
	const char *folder = getenv("SAFEWEB_VECTORS");
	CHECK(folder);
	CLEANUP_DIR DIR *dir = opendir(folder);
	CHECK(dir);
	int count = 0;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (strncmp(entry->d_name, "rect-", 5) != 0 &&
				strncmp(entry->d_name, "bad-", 4) != 0) {
			continue;
		}
		CLEANUP_FREE char *bytes = NULL;
		size_t len;
		CHECK_INT(fds_read_file(dirfd(dir), entry->d_name, VECTOR_MAX_BYTES, &bytes, &len,
					  &err),
				0);
		check_vector(&codec, entry->d_name, (const uint8_t *)bytes, len);
		count++;
	}
	CHECK(count >= 27);
	codec_close(&codec);
}

TEST(canvas_pixels_are_not_premultiplied)
{
	uint32_t pixels[] = {0xff102030u, 0x80402010u, 0x00ffffffu, 0x01010101u, 0x10ff0000u};
	rect_to_rgba(pixels, ARRAY_LENGTH(pixels));
	CHECK_INT(pixels[0], 0xff302010u);
	CHECK_INT(pixels[1], 0x80204080u);
	CHECK_INT(pixels[2], 0);
	CHECK_INT(pixels[3], 0x01ffffffu);
	CHECK_INT(pixels[4], 0x100000ffu);
}
