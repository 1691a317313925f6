/* Pixels to coded rectangles without loss: the codecs solid, zstd and zstd with alpha. */
#ifndef SAFEWEB_CODEC_RECT_ENCODE_H
#define SAFEWEB_CODEC_RECT_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "codec/rect_decode.h"

/* Part of a picture: memory order B G R A, premultiplied (alpha 255 where there is none). */
struct rect_pixels {
	const uint32_t *pixels; /* not owned */
	size_t stride; /* pixels from one row to the next */
	uint32_t width, height;
};

struct rect_encoder;

int rect_encoder_create(struct rect_encoder **ret_encoder, struct error *err);
void rect_encoder_destroy(struct rect_encoder *encoder);

/* The bytes that coded data of so many pixels never passes. */
size_t rect_encode_bound(size_t pixels);

/* Codes a rectangle of at most RECT_MAX_PIXELS into data (size bytes, at least rect_encode_bound of
 * its pixels). Returns the length and the codec in *ret_codec (enum wire_codec), or a negative
 * errno. */
long rect_encode(struct rect_encoder *encoder, const struct rect_pixels *rect, uint8_t *data,
		size_t size, uint8_t *ret_codec);

/* As rect_encode, but with the filter given, never solid. For vectors and measurements. -ENOTSUP
 * when a palette does not hold the colours. */
long rect_encode_filtered(struct rect_encoder *encoder, const struct rect_pixels *rect,
		enum rect_filter filter, uint8_t *data, size_t size, uint8_t *ret_codec);

#endif
