/* An owned compositor: whatever stands in the ring, the encoder serves its client or ends cleanly.
 * The input is a list of records; each has a byte of options, its kind, its surface and its fields.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "encoder-stand.h"

/* Options of a record. */
#define KEEP_FIELDS 1 /* as they are; else surfaces are made small and plausible */
#define RAISE_HEAD 2 /* beyond what was written */
#define NO_ACK 4
#define NOISE 8 /* fresh pixels in the arena */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small pictures find more than large ones take. */
static void tame(struct ring_record *record)
{
	struct ring_frame *frame = &record->frame;
	record->kind %= RING_CONTEXT_MENU + 2;
	record->surface %= 4;
	if (record->kind == RING_SURFACE) {
		record->place.role %= 5;
	} else if (record->kind == RING_FRAME) {
		frame->width = frame->width % 400 + 1;
		frame->height = frame->height % 200 + 1;
		frame->format %= 2;
		frame->damage_count %= 4;
		frame->arena_offset %= 4096;
		for (uint32_t i = 0; i < frame->damage_count; i++) {
			struct rect *rect = &frame->damage[i];
			rect->x = (int32_t)((uint32_t)rect->x % frame->width);
			rect->y = (int32_t)((uint32_t)rect->y % frame->height);
			rect->width = (int32_t)((uint32_t)rect->width %
						      (frame->width - (uint32_t)rect->x)) +
					1;
			rect->height = (int32_t)((uint32_t)rect->height %
						       (frame->height - (uint32_t)rect->y)) +
					1;
		}
	} else if (record->kind >= RING_TAB) {
		record->text.id %= 8;
		record->text.text_len[0] %= RING_TEXT_BYTES;
		record->text.text_len[1] %= RING_TEXT_BYTES - record->text.text_len[0];
	}
}

static void make_noise(struct stand *stand, uint32_t seed)
{
	uint32_t *pixels = (uint32_t *)(void *)stand->ring.arena;
	for (size_t i = 0; i < 400 * 200; i++) {
		seed = seed * 1664525u + 1013904223u;
		pixels[i] = seed & 0x0f0f0f0f;
	}
}

static size_t put_record(struct stand *stand, const uint8_t *data, size_t size)
{
	uint32_t slot = stand->ring.head % RING_RECORDS;
	struct ring_record *record = &stand->ring.records[slot];
	uint8_t options = data[0];
	size_t len = data[1];
	len = len > size - 2 ? size - 2 : len;
	memset(record, 0, 1024);
	record->kind = data[1] % 16;
	memcpy((uint8_t *)record, data + 2, len < sizeof(*record) ? len : sizeof(*record));
	if (!(options & KEEP_FIELDS)) {
		tame(record);
	}
	if (options & NOISE) {
		make_noise(stand, data[1]);
	}
	stand->ring.head += options & RAISE_HEAD ? 40 : 1;
	stand->ring.header->head = stand->ring.head;
	eventfd_write(stand->fds[1], 1);
	stand_run(stand, !(options & NO_ACK));
	return len + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stand stand;
	stand_open(&stand);
	stand_greet(&stand);
	stand_run(&stand, true);
	while (size >= 2 && !stand.encoder->has_ended) {
		size_t used = put_record(&stand, data, size);
		data += used;
		size -= used;
	}
	stand_close(&stand);
	return 0;
}
