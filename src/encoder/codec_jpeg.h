/* Photographs to baseline JPEG. */
#ifndef SAFEWEB_ENCODER_CODEC_JPEG_H
#define SAFEWEB_ENCODER_CODEC_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "codec/rect_encode.h"

struct jpeg_encoder;

int jpeg_encoder_create(struct jpeg_encoder **ret_encoder, struct error *err);
void jpeg_encoder_destroy(struct jpeg_encoder *encoder);

/* Codes opaque pixels into data. The length, or -ENOBUFS when it does not fit in size bytes (then
 * code without loss: it is smaller). */
long jpeg_encode(struct jpeg_encoder *encoder, const struct rect_pixels *rect, uint8_t *data,
		size_t size);

#endif
