#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fds.h"
#include "frame/region.h"
#include "frame/ring.h"
#include "harness/test.h"

TEST(region_covers_everything_added)
{
	static uint8_t wanted[64][64];
	struct region region = {0};
	struct rect bounds = {0, 0, 64, 64};
	srand(1);
	for (int i = 0; i < 200; i++) {
		struct rect rect = {rand() % 70 - 3, rand() % 70 - 3, rand() % 9, rand() % 9};
		region_add(&region, &rect, &bounds);
		CHECK(region.count <= REGION_MAX_RECTS);
		for (int y = 0; y < 64; y++) {
			for (int x = 0; x < 64; x++) {
				wanted[y][x] |= x >= rect.x && x < rect.x + rect.width &&
						y >= rect.y && y < rect.y + rect.height;
			}
		}
	}
	for (int y = 0; y < 64; y++) {
		for (int x = 0; x < 64; x++) {
			struct rect pixel = {x, y, 1, 1};
			bool covered = false;
			for (size_t i = 0; i < region.count; i++) {
				covered |= rect_contains(&region.rects[i], &pixel);
			}
			CHECK(covered || !wanted[y][x]);
		}
	}
}

TEST(rects_at_the_ends_of_the_numbers)
{
	struct rect far = {INT32_MAX - 1, INT32_MAX - 1, INT32_MAX, INT32_MAX};
	struct rect bounds = {0, 0, 100, 100};
	struct rect common;
	CHECK(!rect_intersect(&far, &bounds, &common));
	struct rect all = {INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX};
	struct region region = {0};
	region_add(&region, &all, &bounds);
	CHECK(region_is_empty(&region));
}

struct pair {
	struct ring_writer writer;
	struct ring_reader reader;
};

static void open_pair(struct pair *pair)
{
	struct error err;
	int fd;
	int again;
	CHECK_INT(fds_sealed_memory("ring", ring_size_bytes(), &fd, &err), 0);
	CHECK_INT(fds_reopen_readonly(fd, &again, &err), 0);
	CHECK_INT(ring_writer_init(&pair->writer, fd, &err), 0);
	CHECK_INT(ring_reader_init(&pair->reader, again, &err), 0);
	close(fd);
	close(again);
}

static void close_pair(struct pair *pair)
{
	ring_writer_finish(&pair->writer);
	ring_reader_finish(&pair->reader);
}

TEST(ring_carries_frames_and_frees_them)
{
	struct pair pair;
	open_pair(&pair);
	static struct ring_record got;
	for (uint32_t i = 0; i < 1000; i++) {
		struct ring_record *record = ring_writer_begin(&pair.writer);
		CHECK(record);
		record->kind = RING_FRAME;
		record->surface = i;
		struct rect damage = {0, 0, 1000, 1000};
		record->frame.width = 1000;
		record->frame.height = 1000;
		record->frame.damage_count = 1;
		record->frame.damage[0] = damage;
		uint8_t *pixels = ring_writer_pixels(
				&pair.writer, 4000000, &record->frame.arena_offset);
		CHECK(pixels);
		pixels[0] = (uint8_t)i;
		ring_writer_publish(&pair.writer);
		CHECK_INT(ring_reader_next(&pair.reader, &got), 1);
		CHECK_INT(got.surface, i);
		CHECK_INT(pair.reader.arena[got.frame.arena_offset], (uint8_t)i);
		CHECK_INT(ring_reader_next(&pair.reader, &got), 0);
		if (i > 3) {
			CHECK_INT(ring_writer_free(&pair.writer, i - 3), 0);
		}
	}
	CHECK_INT(ring_writer_free(&pair.writer, 2000), -EBADMSG);
	close_pair(&pair);
}

TEST(ring_refuses_what_a_bad_writer_says)
{
	struct pair pair;
	open_pair(&pair);
	static struct ring_record got;
	struct ring_record *record = ring_writer_begin(&pair.writer);
	record->kind = RING_FRAME;
	record->frame.width = 10;
	record->frame.height = 10;
	record->frame.damage_count = 1;
	record->frame.damage[0] = (struct rect){5, 5, 6, 1};
	ring_writer_publish(&pair.writer);
	CHECK_INT(ring_reader_next(&pair.reader, &got), -EBADMSG);
	record->frame.damage[0] = (struct rect){5, 5, 5, 5};
	record->frame.arena_offset = RING_ARENA_BYTES - 99;
	CHECK_INT(ring_reader_next(&pair.reader, &got), -EBADMSG);
	record->frame.arena_offset = RING_ARENA_BYTES - 101;
	CHECK_INT(ring_reader_next(&pair.reader, &got), -EBADMSG);
	record->frame.arena_offset = RING_ARENA_BYTES - 100;
	CHECK_INT(ring_reader_next(&pair.reader, &got), 1);
	pair.writer.header->head += 1000;
	CHECK_INT(ring_reader_next(&pair.reader, &got), -EBADMSG);
	close_pair(&pair);
}

TEST(ring_is_full_before_it_overwrites)
{
	struct pair pair;
	open_pair(&pair);
	for (uint32_t i = 0; i < RING_RECORDS; i++) {
		struct ring_record *record = ring_writer_begin(&pair.writer);
		CHECK(record);
		record->kind = RING_TAB_GONE;
		ring_writer_publish(&pair.writer);
	}
	CHECK(!ring_writer_begin(&pair.writer));
	CHECK_INT(ring_writer_free(&pair.writer, 1), 0);
	CHECK(ring_writer_begin(&pair.writer));
	close_pair(&pair);
}
