/* Coded rectangles back to pixels: the client's half of the codecs raw, solid, zstd and zstd with
 * alpha (protocol/README.md). Pure C without system calls: this file is also the WebAssembly
 * decoder. The bytes may come from a hostile peer; any input gives pixels or an error, nothing
 * else. */
#ifndef SAFEWEB_CODEC_RECT_DECODE_H
#define SAFEWEB_CODEC_RECT_DECODE_H

#include <stddef.h>
#include <stdint.h>

/* A coded rectangle has at most this many pixels: 4 MiB of them. */
#define RECT_MAX_PIXELS (1024u * 1024u)
#define RECT_PALETTE_MAX 256u
/* The longest thing a zstd frame may hold: a palette and an index, or four bytes, for each pixel.
 */
#define RECT_CONTENT_MAX_BYTES (RECT_MAX_PIXELS * 4u + RECT_PALETTE_MAX * 4u)

/* First byte of the codecs zstd and zstd with alpha. */
enum rect_filter {
	RECT_FILTER_NONE = 0, /* pixels as they are, B G R or B G R A each */
	RECT_FILTER_PLANES = 1, /* planes: G, B - G, R - G, and A */
	RECT_FILTER_PALETTE = 2, /* colours, then one byte a pixel */
	RECT_FILTER_PREDICT =
			3, /* planes as 1, each byte less its prediction from the neighbours */
	RECT_FILTERS = 4,
};

struct rect_decoder {
	struct ZSTD_DCtx_s *zstd; /* in memory of the caller */
	uint8_t *content; /* RECT_CONTENT_MAX_BYTES, of the caller */
};

/* Bytes of aligned memory that a decoder needs. */
size_t rect_decoder_memory_bytes(void);
/* Builds a decoder inside memory (8-byte aligned), which must outlive it. 0 or -EINVAL. */
int rect_decoder_init(struct rect_decoder *decoder, void *memory, size_t size);

/* Decodes a rectangle of width x height into pixels (memory order B G R A, premultiplied; rows of
 * stride pixels). 0, or -EBADMSG when the data is not that; pixels may then be partly written.
 * -ENOTSUP: a codec that is not decoded here (JPEG). */
int rect_decode(struct rect_decoder *decoder, uint32_t codec, const uint8_t *data, size_t len,
		uint32_t width, uint32_t height, uint32_t *pixels, size_t stride);

/* Premultiplied B G R A to plain R G B A in place, as a canvas's ImageData wants it. */
void rect_to_rgba(uint32_t *pixels, size_t count);

#endif
