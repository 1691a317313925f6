#include "encoder/codec_jpeg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

/* docs/decisions/0006. */
#define JPEG_QUALITY 80

struct jpeg_encoder {
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_destination_mgr destination;
	jmp_buf failed; /* the library's errors never return */
};

static struct jpeg_encoder *encoder_of(j_common_ptr jpeg)
{
	return jpeg->client_data;
}

static void fail(j_common_ptr jpeg)
{
	longjmp(encoder_of(jpeg)->failed, 1);
}

static void say_nothing(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void destination_init(j_compress_ptr jpeg)
{
	(void)jpeg;
}

static boolean destination_full(j_compress_ptr jpeg)
{
	longjmp(encoder_of((j_common_ptr)jpeg)->failed, 1);
}

int jpeg_encoder_create(struct jpeg_encoder **ret_encoder, struct error *err)
{
	struct jpeg_encoder *encoder = calloc(1, sizeof(*encoder));
	if (!encoder) {
		return error_set(err, -ENOMEM, "no memory for a JPEG encoder");
	}
	encoder->jpeg.err = jpeg_std_error(&encoder->errors);
	encoder->errors.error_exit = fail;
	encoder->errors.output_message = say_nothing;
	encoder->jpeg.client_data = encoder;
	if (setjmp(encoder->failed)) {
		jpeg_encoder_destroy(encoder);
		return error_set(err, -ENOMEM, "cannot make a JPEG encoder");
	}
	jpeg_create_compress(&encoder->jpeg);
	/* Creating cleared what is not the error handler. */
	encoder->jpeg.client_data = encoder;
	encoder->destination.init_destination = destination_init;
	encoder->destination.empty_output_buffer = destination_full;
	encoder->destination.term_destination = destination_init;
	encoder->jpeg.dest = &encoder->destination;
	*ret_encoder = encoder;
	return 0;
}

void jpeg_encoder_destroy(struct jpeg_encoder *encoder)
{
	if (!encoder) {
		return;
	}
	jpeg_destroy_compress(&encoder->jpeg);
	free(encoder);
}

static void set_up(struct jpeg_compress_struct *jpeg, const struct rect_pixels *rect)
{
	jpeg->image_width = rect->width;
	jpeg->image_height = rect->height;
	jpeg->input_components = 4;
	jpeg->in_color_space = JCS_EXT_BGRX;
	jpeg_set_defaults(jpeg);
	jpeg_set_quality(jpeg, JPEG_QUALITY, TRUE);
	jpeg->dct_method = JDCT_ISLOW;
}

long jpeg_encode(struct jpeg_encoder *encoder, const struct rect_pixels *rect, uint8_t *data,
		size_t size)
{
	struct jpeg_compress_struct *jpeg = &encoder->jpeg;
	encoder->destination.next_output_byte = data;
	encoder->destination.free_in_buffer = size;
	if (setjmp(encoder->failed)) {
		jpeg_abort_compress(jpeg);
		return -ENOBUFS;
	}
	set_up(jpeg, rect);
	jpeg_start_compress(jpeg, TRUE);
	while (jpeg->next_scanline < rect->height) {
		const uint32_t *row = rect->pixels + (size_t)jpeg->next_scanline * rect->stride;
		JSAMPROW samples = (JSAMPROW)(uintptr_t)row;
		jpeg_write_scanlines(jpeg, &samples, 1);
	}
	jpeg_finish_compress(jpeg);
	return (long)(size - encoder->destination.free_in_buffer);
}
