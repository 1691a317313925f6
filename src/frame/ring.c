#include "frame/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/utf8.h"

#define RING_PAGE_BYTES 4096u
#define RING_PIXEL_BYTES 4u

static size_t records_offset(void)
{
	return RING_PAGE_BYTES;
}

static size_t arena_offset(void)
{
	size_t end = records_offset() + RING_RECORDS * sizeof(struct ring_record);
	return (end + RING_PAGE_BYTES - 1) / RING_PAGE_BYTES * RING_PAGE_BYTES;
}

size_t ring_size_bytes(void)
{
	return arena_offset() + RING_ARENA_BYTES;
}

static int map_ring(int fd, int protection, void **ret_memory, struct error *err)
{
	struct stat status;
	if (fstat(fd, &status) < 0 || (size_t)status.st_size != ring_size_bytes()) {
		return error_set(err, -EINVAL, "the frame ring's memory is not %zu bytes long",
				ring_size_bytes());
	}
	void *memory = mmap(NULL, ring_size_bytes(), protection, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		return error_set_errno(err, "cannot map the frame ring");
	}
	*ret_memory = memory;
	return 0;
}

int ring_writer_init(struct ring_writer *writer, int fd, struct error *err)
{
	void *memory;
	int code = map_ring(fd, PROT_READ | PROT_WRITE, &memory, err);
	if (code < 0) {
		return code;
	}
	uint8_t *bytes = memory;
	*writer = (struct ring_writer){
			.header = memory,
			.records = (struct ring_record *)(void *)(bytes + records_offset()),
			.arena = bytes + arena_offset(),
	};
	*writer->header = (struct ring_header){
			.magic = RING_MAGIC,
			.version = RING_VERSION,
			.records = RING_RECORDS,
			.record_bytes = sizeof(struct ring_record),
			.arena_bytes = RING_ARENA_BYTES,
	};
	return 0;
}

void ring_writer_finish(struct ring_writer *writer)
{
	if (writer->header) {
		munmap(writer->header, ring_size_bytes());
		writer->header = NULL;
	}
}

struct ring_record *ring_writer_begin(struct ring_writer *writer)
{
	if (writer->head - writer->tail >= RING_RECORDS) {
		return NULL;
	}
	uint32_t slot = writer->head % RING_RECORDS;
	writer->held[slot] = 0;
	struct ring_record *record = &writer->records[slot];
	memset(record, 0, offsetof(struct ring_record, text.text));
	return record;
}

uint8_t *ring_writer_pixels(struct ring_writer *writer, size_t len, uint64_t *ret_offset)
{
	if (writer->arena_used == 0) {
		/* Starting over keeps the touched pages few. */
		writer->arena_head = 0;
	}
	uint64_t at = writer->arena_head;
	uint64_t padding = 0;
	if (len > RING_ARENA_BYTES - at) {
		padding = RING_ARENA_BYTES - at;
		at = 0;
	}
	if (len > RING_ARENA_BYTES || padding + len > RING_ARENA_BYTES - writer->arena_used) {
		return NULL;
	}
	writer->held[writer->head % RING_RECORDS] += padding + len;
	writer->arena_used += padding + len;
	writer->arena_head = at + len;
	*ret_offset = at;
	return writer->arena + at;
}

void ring_writer_publish(struct ring_writer *writer)
{
	writer->head++;
	atomic_store_explicit(&writer->header->head, writer->head, memory_order_release);
}

int ring_writer_free(struct ring_writer *writer, uint32_t sequence)
{
	if (sequence - writer->tail > writer->head - writer->tail) {
		return -EBADMSG;
	}
	while (writer->tail != sequence) {
		writer->arena_used -= writer->held[writer->tail % RING_RECORDS];
		writer->tail++;
	}
	return 0;
}

int ring_reader_init(struct ring_reader *reader, int fd, struct error *err)
{
	void *memory;
	int code = map_ring(fd, PROT_READ, &memory, err);
	if (code < 0) {
		return code;
	}
	const uint8_t *bytes = memory;
	*reader = (struct ring_reader){
			.header = memory,
			.records = (const struct ring_record *)(const void *)(bytes +
					records_offset()),
			.arena = bytes + arena_offset(),
	};
	return 0;
}

void ring_reader_finish(struct ring_reader *reader)
{
	if (reader->header) {
		munmap((void *)(uintptr_t)reader->header, ring_size_bytes());
		reader->header = NULL;
	}
}

size_t ring_frame_bytes(const struct ring_frame *frame)
{
	size_t sum = 0;
	for (uint32_t i = 0; i < frame->damage_count; i++) {
		sum += (size_t)frame->damage[i].width * (size_t)frame->damage[i].height *
				RING_PIXEL_BYTES;
	}
	return sum;
}

static bool surface_size_is_valid(uint32_t width, uint32_t height)
{
	return width <= RING_SURFACE_MAX_SIDE && height <= RING_SURFACE_MAX_SIDE &&
			(uint64_t)width * height <= RING_SURFACE_MAX_PIXELS;
}

static bool frame_is_valid(const struct ring_frame *frame)
{
	if (!surface_size_is_valid(frame->width, frame->height) || frame->format > RING_BGRA ||
			frame->damage_count > RING_DAMAGE_MAX) {
		return false;
	}
	struct rect bounds = {0, 0, (int32_t)frame->width, (int32_t)frame->height};
	for (uint32_t i = 0; i < frame->damage_count; i++) {
		if (rect_is_empty(&frame->damage[i]) ||
				!rect_contains(&bounds, &frame->damage[i])) {
			return false;
		}
	}
	/* 32 rectangles of at most RING_SURFACE_MAX_PIXELS each: no overflow in 64 bits. */
	size_t len = ring_frame_bytes(frame);
	return len <= RING_ARENA_BYTES && frame->arena_offset <= RING_ARENA_BYTES - len &&
			frame->arena_offset % RING_PIXEL_BYTES == 0;
}

static bool text_is_valid(const struct ring_text *text)
{
	if (text->text_len[0] > RING_TEXT_BYTES ||
			text->text_len[1] > RING_TEXT_BYTES - text->text_len[0]) {
		return false;
	}
	return utf8_is_valid(text->text, text->text_len[0]) &&
			utf8_is_valid(text->text + text->text_len[0], text->text_len[1]);
}

static bool record_is_valid(const struct ring_record *record)
{
	switch ((enum ring_kind)record->kind) {
	case RING_SURFACE:
		return surface_size_is_valid(record->place.width, record->place.height) &&
				record->place.view_width <= RING_SURFACE_MAX_SIDE &&
				record->place.view_height <= RING_SURFACE_MAX_SIDE;
	case RING_FRAME:
		return frame_is_valid(&record->frame);
	case RING_SURFACE_GONE:
	case RING_CURSOR:
		return true;
	case RING_TAB:
	case RING_TAB_GONE:
	case RING_CLIPBOARD:
	case RING_DIALOG:
	case RING_DIALOG_GONE:
	case RING_NOTICE:
	case RING_TEXT_FOCUS:
	case RING_CONTEXT_MENU:
		return text_is_valid(&record->text);
	}
	return false;
}

int ring_reader_next(struct ring_reader *reader, struct ring_record *ret_record)
{
	uint32_t head = atomic_load_explicit(
			(_Atomic uint32_t *)(uintptr_t)&reader->header->head, memory_order_acquire);
	if (head == reader->tail) {
		return 0;
	}
	if (head - reader->tail > RING_RECORDS) {
		return -EBADMSG;
	}
	memcpy(ret_record, &reader->records[reader->tail % RING_RECORDS], sizeof(*ret_record));
	if (!record_is_valid(ret_record)) {
		return -EBADMSG;
	}
	reader->tail++;
	return 1;
}
