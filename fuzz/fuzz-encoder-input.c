/* What a client may send to the encoder: bytes, in pieces of any size, before and after its hello.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "encoder-stand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_picture(struct stand *stand)
{
	struct ring_record *place = ring_writer_begin(&stand->ring);
	place->kind = RING_SURFACE;
	place->surface = 1;
	ring_writer_publish(&stand->ring);
	struct ring_record *frame = ring_writer_begin(&stand->ring);
	frame->kind = RING_FRAME;
	frame->surface = 1;
	frame->frame.width = 64;
	frame->frame.height = 64;
	frame->frame.damage_count = 1;
	frame->frame.damage[0] = (struct rect){0, 0, 64, 64};
	uint8_t *pixels = ring_writer_pixels(&stand->ring, 64 * 64 * 4, &frame->frame.arena_offset);
	memset(pixels, 0x5a, 64 * 64 * 2);
	ring_writer_publish(&stand->ring);
	eventfd_write(stand->fds[1], 1);
}

/* First byte: the pieces' size; its highest bit: with a hello before. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	struct stand stand;
	stand_open(&stand);
	put_picture(&stand);
	if (data[0] & 0x80) {
		stand_greet(&stand);
	}
	stand_run(&stand, false);
	size_t piece = (size_t)(data[0] & 0x7f) + 1;
	for (size_t at = 1; at < size && !stand.encoder->has_ended; at += piece) {
		size_t len = piece < size - at ? piece : size - at;
		send(stand.client, data + at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		stand_run(&stand, false);
	}
	/* No client can end a session. */
	stand_demand(!stand.encoder->has_ended);
	stand_close(&stand);
	return 0;
}
