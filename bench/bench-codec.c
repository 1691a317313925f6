/* bench-codec WIDTH HEIGHT FILE…: bytes and speed of each filter, and of the encoder's choice, on
 * raw pictures (B G R X rows). The table in docs/decisions/0006 comes from it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/rect_encode.h"

#define RECT_ROWS 96
#define ROUNDS 9
#define CHOSEN RECT_FILTERS

struct picture {
	uint32_t *pixels;
	uint32_t width, height;
};

static const char *const names[] = {"none", "planes", "palette", "predict", "chosen"};

static double cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The picture's bytes in rectangles; 0 when the filter does not fit one of them. */
static size_t encode_all(struct rect_encoder *encoder, const struct picture *picture, int filter,
		uint8_t *data, size_t size)
{
	size_t sum = 0;
	for (uint32_t y = 0; y < picture->height; y += RECT_ROWS) {
		uint32_t left = picture->height - y;
		struct rect_pixels rect = {picture->pixels + (size_t)y * picture->width,
				picture->width, picture->width,
				left < RECT_ROWS ? left : RECT_ROWS};
		uint8_t codec;
		long len = filter == CHOSEN
				? rect_encode(encoder, &rect, data, size, &codec)
				: rect_encode_filtered(encoder, &rect, (enum rect_filter)filter,
						  data, size, &codec);
		if (len < 0) {
			return 0;
		}
		sum += (size_t)len;
	}
	return sum;
}

static void measure(struct rect_encoder *encoder, const struct picture *picture)
{
	size_t size = rect_encode_bound((size_t)picture->width * RECT_ROWS);
	uint8_t *data = malloc(size);
	double pixels = (double)picture->width * picture->height;
	for (int filter = 0; data && filter <= CHOSEN; filter++) {
		double best_ms = 1e9;
		size_t bytes = 0;
		for (int round = 0; round < ROUNDS; round++) {
			double begin_ms = cpu_ms();
			bytes = encode_all(encoder, picture, filter, data, size);
			double took_ms = cpu_ms() - begin_ms;
			best_ms = took_ms < best_ms ? took_ms : best_ms;
		}
		if (bytes) {
			printf("\t%s\t%zu bytes\t%.2f bit/px\t%.0f MPix/s\n", names[filter], bytes,
					(double)bytes * 8 / pixels, pixels / best_ms / 1e3);
		}
	}
	free(data);
}

static int read_picture(const char *path, struct picture *picture)
{
	size_t count = (size_t)picture->width * picture->height;
	FILE *file = fopen(path, "rbe");
	size_t got = file ? fread(picture->pixels, 4, count, file) : 0;
	if (file) {
		fclose(file);
	}
	for (size_t i = 0; i < got; i++) {
		picture->pixels[i] |= 0xff000000u;
	}
	return got == count ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct rect_encoder *encoder;
	if (argc < 4) {
		fprintf(stderr, "usage: bench-codec WIDTH HEIGHT FILE...\n");
		return EXIT_FAILURE;
	}
	struct picture picture = {.width = (uint32_t)strtoul(argv[1], NULL, 10),
			.height = (uint32_t)strtoul(argv[2], NULL, 10)};
	size_t pixels = (size_t)picture.width * picture.height;
	if (pixels == 0 || pixels > RECT_MAX_PIXELS ||
			picture.width > RECT_MAX_PIXELS / RECT_ROWS) {
		fprintf(stderr, "bench-codec: a picture has 1 to %u pixels\n", RECT_MAX_PIXELS);
		return EXIT_FAILURE;
	}
	picture.pixels = malloc(pixels * 4);
	if (!picture.pixels || rect_encoder_create(&encoder, &err) < 0) {
		fprintf(stderr, "bench-codec: no memory\n");
		free(picture.pixels);
		return EXIT_FAILURE;
	}
	int code = 0;
	for (int i = 3; code == 0 && i < argc; i++) {
		code = read_picture(argv[i], &picture);
		printf("%s\n", argv[i]);
		if (code == 0) {
			measure(encoder, &picture);
		}
	}
	rect_encoder_destroy(encoder);
	free(picture.pixels);
	return code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
