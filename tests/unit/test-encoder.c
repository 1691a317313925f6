#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "encoder-rig.h"

#define WIDTH 640
#define HEIGHT 360
#define PIXELS (WIDTH * HEIGHT)

static const struct rect whole = {0, 0, WIDTH, HEIGHT};

static uint32_t *new_picture(void)
{
	uint32_t *picture = malloc(PIXELS * sizeof(*picture));
	CHECK(picture);
	for (size_t i = 0; i < PIXELS; i++) {
		picture[i] = 0xffffffffu;
	}
	return picture;
}

/* Something like lines of text: dark strokes on light ground. */
static void draw_text(uint32_t *picture, const struct rect *area, unsigned seed)
{
	for (int32_t y = area->y; y < area->y + area->height; y++) {
		for (int32_t x = area->x; x < area->x + area->width; x++) {
			bool stroke = y % 16 < 10 && rand_r(&seed) % 5 == 0;
			picture[y * WIDTH + x] = stroke ? 0xff202020u : 0xfff8f8f8u;
		}
	}
}

/* Something like a photograph: smooth with a little noise. */
static void draw_photo(uint32_t *picture, const struct rect *area, unsigned seed)
{
	for (int32_t y = area->y; y < area->y + area->height; y++) {
		for (int32_t x = area->x; x < area->x + area->width; x++) {
			uint32_t red = (uint32_t)(x * 255 / WIDTH + rand_r(&seed) % 7) & 0xff;
			uint32_t green = (uint32_t)(y * 200 / HEIGHT + rand_r(&seed) % 7) & 0xff;
			uint32_t blue = (uint32_t)((x + y) / 5 + rand_r(&seed) % 7) & 0xff;
			picture[y * WIDTH + x] = 0xff000000u | red << 16 | green << 8 | blue;
		}
	}
}

TEST(a_picture_arrives_exactly)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	draw_text(picture, &whole, 1);
	rig_attach(&rig, true);
	CHECK_INT(rig.counts[WIRE_WELCOME], 1);
	CHECK_INT(rig.pacing_counts[WIRE_ATTACHED], 1);
	CHECK_INT(rig.pacing_counts[WIRE_RESIZE], 1);
	CHECK_INT(rig.seat_counts[WIRE_SEAT_ATTACHED], 1);
	rig_place(&rig, 7, WIRE_ROLE_MAIN);
	rig_frame(&rig, 7, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	CHECK_INT(rig.frames, 1);
	CHECK_INT(rig.seat_counts[WIRE_SEAT_READY], 1);
	CHECK_INT(rig.pacing_counts[WIRE_FRAME_DONE], 1);
	CHECK_INT(rig.frame_done_surface, 7);
	CHECK_INT(rig.jpegs, 0);
	rig_check_shown(&rig, 7, picture);
	free(picture);
	rig_close(&rig);
}

TEST(only_what_differs_is_sent)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	draw_text(picture, &whole, 1);
	rig_attach(&rig, true);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	size_t before = rig.bytes;
	uint32_t rects = rig.rects;
	/* A caret, while the browser claims that everything changed. */
	for (int y = 100; y < 116; y++) {
		picture[y * WIDTH + 200] ^= 0x00ffffffu;
	}
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	rig_check_shown(&rig, 1, picture);
	CHECK(rig.rects - rects <= 2);
	CHECK(rig.bytes - before < 150);
	/* The same picture again: nothing to say, and the browser may go on. */
	before = rig.bytes;
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	CHECK_INT(rig.bytes - before, 0);
	CHECK_INT(rig.pacing_counts[WIRE_FRAME_DONE], 3);
	free(picture);
	rig_close(&rig);
}

/* Moves rows of the columns from..to up by distance and draws new text at the bottom. */
static void scroll_picture(
		uint32_t *picture, const struct rect *area, int32_t distance, unsigned seed)
{
	for (int32_t y = area->y; y < area->y + area->height - distance; y++) {
		memcpy(picture + y * WIDTH + area->x, picture + (y + distance) * WIDTH + area->x,
				(size_t)area->width * 4);
	}
	struct rect bottom = {area->x, area->y + area->height - distance, area->width, distance};
	draw_text(picture, &bottom, seed);
}

TEST(a_scroll_under_a_still_header_and_sidebar_is_a_copy)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	draw_text(picture, &whole, 1);
	rig_attach(&rig, true);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	size_t first_bytes = rig.bytes;
	size_t before = rig.bytes;
	for (unsigned i = 0; i < 5; i++) {
		struct rect content = {128, 48, WIDTH - 128 - 12, HEIGHT - 48};
		scroll_picture(picture, &content, 37, i + 10);
		rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
		rig_step(&rig);
		rig_check_shown(&rig, 1, picture);
	}
	CHECK_INT(rig.copies, 5);
	CHECK(rig.bytes - before < first_bytes);
	free(picture);
	rig_close(&rig);
}

TEST(scrolls_that_pile_up_behind_a_slow_client_stay_exact)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	draw_text(picture, &whole, 1);
	rig_attach(&rig, true);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	rig.acknowledges = false;
	uint32_t frames = rig.frames;
	for (unsigned i = 0; i < 14; i++) {
		struct rect content = {0, 20, WIDTH, HEIGHT - 20};
		struct rect spot = {(int32_t)(i * 40 % 500), 60, 90, 30};
		scroll_picture(picture, &content, 11 + (int32_t)i, i + 10);
		draw_text(picture, &spot, i + 100);
		rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
		rig_step(&rig);
	}
	CHECK_INT(rig.frames - frames, 2);
	rig.acknowledges = true;
	rig_ack(&rig, rig.last_sequence);
	rig_step(&rig);
	rig_check_shown(&rig, 1, picture);
	CHECK(rig.frames - frames <= 4);
	free(picture);
	rig_close(&rig);
}

TEST(photographs_are_approximated_then_exact)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	struct rect photo = {64, 64, 448, 256};
	draw_photo(picture, &photo, 1);
	rig_attach(&rig, true);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	CHECK(rig.jpegs > 0);
	uint32_t jpegs = rig.jpegs;
	rig_wait(&rig, ENCODER_STILL_MS + 100);
	rig_check_shown(&rig, 1, picture);
	CHECK_INT(rig.jpegs, jpegs);
	CHECK_INT(rig.encoder->settle_timer.due_ms, 0);
	free(picture);
	rig_close(&rig);
}

TEST(text_is_never_approximated)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	rig_attach(&rig, true);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	for (unsigned i = 0; i < 20; i++) {
		draw_text(picture, &whole, i);
		rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
		rig_step(&rig);
		rig_check_shown(&rig, 1, picture);
	}
	CHECK_INT(rig.jpegs, 0);
	free(picture);
	rig_close(&rig);
}

TEST(two_frames_at_most_are_unacknowledged)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	rig_attach(&rig, true);
	rig.acknowledges = false;
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	for (uint32_t i = 0; i < 5; i++) {
		picture[i * 1000] = 0xff000000u + i;
		rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
		rig_step(&rig);
	}
	CHECK_INT(rig.frames, 2);
	CHECK_INT(rig.pacing_counts[WIRE_FRAME_DONE], 2);
	CHECK_INT(rig.ring.arena_used, 0);
	rig_ack(&rig, 1);
	rig_step(&rig);
	/* One frame holds all that came meanwhile. */
	CHECK_INT(rig.frames, 3);
	CHECK_INT(rig.pacing_counts[WIRE_FRAME_DONE], 3);
	rig_check_shown(&rig, 1, picture);
	rig_ack(&rig, 3);
	rig_ack(&rig, 2);
	rig_step(&rig);
	CHECK_INT(rig.client_ended, false);
	free(picture);
	rig_close(&rig);
}

TEST(a_client_that_reads_nothing_costs_no_more_memory)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	rig_attach(&rig, true);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	unsigned seed = 3;
	for (int i = 0; i < 50; i++) {
		for (size_t at = 0; at < PIXELS; at++) {
			picture[at] = 0xff000000u | (uint32_t)rand_r(&seed);
		}
		rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
		loop_run_once(rig.loop, 0);
		loop_run_once(rig.loop, 0);
		CHECK(buffer_length(&rig.encoder->client.out) <=
				CLIENT_HIGH_BYTES + WIRE_MESSAGE_MAX_BYTES);
	}
	rig_wait(&rig, 2 * ENCODER_STILL_MS);
	rig_check_shown(&rig, 1, picture);
	free(picture);
	rig_close(&rig);
}

TEST(without_a_client_the_browser_waits)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	draw_text(picture, &whole, 4);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	CHECK_INT(rig.seat_counts[WIRE_SEAT_READY], 1);
	CHECK_INT(rig.pacing_counts[WIRE_FRAME_DONE], 0);
	CHECK_INT(rig.ring.arena_used, 0);
	rig_attach(&rig, true);
	CHECK_INT(rig.pacing_counts[WIRE_FRAME_DONE], 1);
	rig_check_shown(&rig, 1, picture);
	free(picture);
	rig_close(&rig);
}

TEST(a_hidden_client_makes_the_browser_wait)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	uint8_t bytes[16];
	struct wire_visible visible = {.visible = 0};
	rig_attach(&rig, true);
	rig_client_send(&rig, bytes, (size_t)wire_visible_encode(&visible, bytes, sizeof(bytes)));
	rig_step(&rig);
	CHECK_INT(rig.pacing_counts[WIRE_VISIBLE], 1);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_step(&rig);
	CHECK_INT(rig.pacing_counts[WIRE_FRAME_DONE], 0);
	visible.visible = 1;
	rig_client_send(&rig, bytes, (size_t)wire_visible_encode(&visible, bytes, sizeof(bytes)));
	rig_step(&rig);
	CHECK_INT(rig.pacing_counts[WIRE_FRAME_DONE], 1);
	free(picture);
	rig_close(&rig);
}

TEST(a_second_client_takes_over_and_sees_everything)
{
	struct rig rig;
	rig_open(&rig);
	uint32_t *picture = new_picture();
	draw_text(picture, &whole, 1);
	uint32_t popup[100 * 50];
	for (size_t i = 0; i < 100 * 50; i++) {
		popup[i] = (uint32_t)(i % 128) << 24 | 0x00010203u * (i % 2);
	}
	struct rect popup_whole = {0, 0, 100, 50};
	rig_attach(&rig, true);
	rig_place(&rig, 1, WIRE_ROLE_MAIN);
	rig_place(&rig, 2, WIRE_ROLE_POPUP);
	rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
	rig_frame(&rig, 2, popup, 100, 50, &popup_whole, 1);
	rig_text(&rig, RING_TAB, 5, WIRE_TAB_ACTIVE, "Ein Titel \xe2\x9c\x93",
			"https://a.example/");
	rig_text(&rig, RING_TAB, 6, 0, "other", "https://b.example/");
	rig_text(&rig, RING_TAB_GONE, 6, 0, "", "");
	rig_text(&rig, RING_DIALOG, 9, 1, "Sure?", "");
	rig_text(&rig, RING_CONTEXT_MENU, 5, WIRE_CONTEXT_LINK, "https://c.example/", "");
	rig_step(&rig);
	CHECK_INT(rig.counts[WIRE_TAB], 2);
	CHECK_INT(rig.counts[WIRE_CONTEXT_MENU], 1);
	CHECK_TEXT(rig.menu_link, "https://c.example/");
	int old_client = dup(rig.client);
	memset(rig.counts, 0, sizeof(rig.counts));
	rig.title[0] = '\0';
	rig_attach(&rig, true);
	rig_check_shown(&rig, 1, picture);
	rig_check_shown(&rig, 2, popup);
	CHECK_INT(rig.counts[WIRE_TAB], 1);
	CHECK_INT(rig.counts[WIRE_DIALOG], 1);
	CHECK_INT(rig.counts[WIRE_CONTEXT_MENU], 0);
	CHECK_TEXT(rig.title, "Ein Titel \xe2\x9c\x93");
	uint8_t last[64];
	ssize_t len = read(old_client, last, sizeof(last));
	CHECK_INT(len, WIRE_LENGTH_BYTES + WIRE_BYE_MAX_BYTES);
	CHECK_INT(last[4], WIRE_BYE);
	CHECK_INT(last[5], WIRE_REASON_REPLACED);
	CHECK_INT(read(old_client, last, sizeof(last)), 0);
	close(old_client);
	CHECK_INT(rig.seat_counts[WIRE_SEAT_ATTACHED], 3);
	free(picture);
	rig_close(&rig);
}

TEST(input_is_passed_on_and_reported)
{
	struct rig rig;
	rig_open(&rig);
	rig_attach(&rig, true);
	uint8_t bytes[64];
	for (uint32_t i = 1; i <= 10; i++) {
		struct wire_key key = {.serial = i, .code = 30, .pressed = 1};
		rig_client_send(&rig, bytes, (size_t)wire_key_encode(&key, bytes, sizeof(bytes)));
	}
	struct wire_ping ping = {.stamp = 77};
	rig_client_send(&rig, bytes, (size_t)wire_ping_encode(&ping, bytes, sizeof(bytes)));
	rig_step(&rig);
	CHECK_INT(rig.pacing_counts[WIRE_KEY], 10);
	CHECK_INT(rig.pacing_counts[WIRE_PING], 0);
	CHECK_INT(rig.pacing_counts[WIRE_HELLO], 0);
	CHECK_INT(rig.counts[WIRE_PONG], 1);
	CHECK_INT(rig.seat_counts[WIRE_SEAT_INPUT], 1);
	rig_close(&rig);
}

static void check_refused(const uint8_t *bytes, size_t len, bool greets)
{
	struct rig rig;
	rig_open(&rig);
	rig_attach(&rig, greets);
	rig_client_send(&rig, bytes, len);
	rig_step(&rig);
	CHECK_INT(rig.bye_reason, WIRE_REASON_PROTOCOL);
	CHECK(rig.client_ended);
	CHECK(!rig.encoder->has_ended);
	/* The session lives on for the next client. */
	rig.client_ended = false;
	rig_attach(&rig, true);
	CHECK(!rig.client_ended);
	rig_close(&rig);
}

TEST(a_client_that_breaks_the_protocol_is_refused)
{
	uint8_t bytes[64];
	struct wire_ack ack = {.sequence = 3};
	check_refused(bytes, (size_t)wire_ack_encode(&ack, bytes, sizeof(bytes)), true);
	check_refused(bytes, (size_t)wire_ack_encode(&ack, bytes, sizeof(bytes)), false);
	struct wire_hello hello = {WIRE_VERSION + 1, 800, 600, 120};
	check_refused(bytes, (size_t)wire_hello_encode(&hello, bytes, sizeof(bytes)), false);
	hello.version = WIRE_VERSION;
	check_refused(bytes, (size_t)wire_hello_encode(&hello, bytes, sizeof(bytes)), true);
	struct wire_bye bye = {.reason = 1};
	check_refused(bytes, (size_t)wire_bye_encode(&bye, bytes, sizeof(bytes)), true);
	check_refused((const uint8_t *)"\x44\x00", 2, true);
}

TEST(a_bad_ring_ends_the_session)
{
	for (int kind = 0; kind < 4; kind++) {
		struct rig rig;
		rig_open(&rig);
		rig_attach(&rig, true);
		struct ring_record *record = ring_writer_begin(&rig.ring);
		record->kind = kind == 0    ? 99
				: kind == 1 ? RING_SURFACE
				: kind == 2 ? RING_FRAME
					    : RING_TAB;
		record->place.role = 1000;
		if (kind == 2) {
			record->frame.width = 100000;
		}
		if (kind == 3) {
			record->text.text_len[0] = 5000;
		}
		rig_publish(&rig);
		rig_step(&rig);
		CHECK(rig.encoder->has_ended);
		CHECK_INT(rig.encoder->end_code, -EBADMSG);
		CHECK_INT(rig.bye_reason, WIRE_REASON_FAILED);
		CHECK(rig.client_ended);
		rig_close(&rig);
	}
}

TEST(too_many_pixels_end_the_session)
{
	struct rig rig;
	rig_open(&rig);
	for (uint32_t surface = 1; surface <= 6; surface++) {
		rig_place(&rig, surface, WIRE_ROLE_POPUP);
		struct rect dot = {0, 0, 1, 1};
		uint32_t pixel = 0;
		rig_frame(&rig, surface, &pixel, 3840, 2400, &dot, 1);
	}
	rig_step(&rig);
	CHECK_INT(rig.encoder->end_code, -EBADMSG);
	rig_close(&rig);
}

TEST(the_node_ends_the_session)
{
	uint8_t bytes[16];
	struct wire_seat_end end = {.reason = WIRE_REASON_TIME_LIMIT};
	size_t len = (size_t)wire_seat_end_encode(&end, bytes, sizeof(bytes));
	struct rig rig;
	rig_open(&rig);
	rig_attach(&rig, true);
	CHECK_INT(write(rig.seat, bytes, len), (ssize_t)len);
	rig_step(&rig);
	CHECK_INT(rig.bye_reason, WIRE_REASON_TIME_LIMIT);
	CHECK(rig.encoder->has_ended);
	CHECK_INT(rig.encoder->end_code, 0);
	rig_close(&rig);
	rig_open(&rig);
	rig_attach(&rig, true);
	close(rig.seat);
	rig.seat = -1;
	rig_step(&rig);
	CHECK_INT(rig.bye_reason, WIRE_REASON_SHUTDOWN);
	CHECK(rig.encoder->has_ended);
	rig_close(&rig);
}

TEST(the_end_of_the_compositor_ends_the_session)
{
	struct rig rig;
	rig_open(&rig);
	rig_attach(&rig, true);
	close(rig.pacing);
	rig.pacing = -1;
	rig_step(&rig);
	CHECK_INT(rig.bye_reason, WIRE_REASON_FAILED);
	CHECK(rig.encoder->end_code < 0);
	rig_close(&rig);
}

static void draw_something(uint32_t *picture, unsigned *seed, struct rect *ret_damage)
{
	struct rect area = {rand_r(seed) % (WIDTH - 8), rand_r(seed) % (HEIGHT - 8), 0, 0};
	area.width = 1 + rand_r(seed) % (WIDTH - area.x);
	area.height = 1 + rand_r(seed) % (HEIGHT - area.y);
	int what = rand_r(seed) % 5;
	if (what == 0) {
		draw_text(picture, &area, *seed);
	} else if (what == 1) {
		draw_photo(picture, &area, *seed);
	} else if (what == 2 && area.height > 60) {
		scroll_picture(picture, &area, 1 + rand_r(seed) % 40, *seed);
	} else {
		area.width = area.width > 30 ? 30 : area.width;
		area.height = area.height > 20 ? 20 : area.height;
		uint32_t colour = (uint32_t)rand_r(seed) | (what == 4 ? 0 : 0xff000000u);
		for (int32_t y = area.y; y < area.y + area.height; y++) {
			for (int32_t x = area.x; x < area.x + area.width; x++) {
				picture[y * WIDTH + x] = colour;
			}
		}
	}
	*ret_damage = area;
}

TEST_WITH_TIMEOUT(any_frames_in_the_same_picture_out, 60)
{
	for (unsigned run = 0; run < 6; run++) {
		struct rig rig;
		rig_open(&rig);
		unsigned seed = run * 7919 + 1;
		uint32_t *picture = new_picture();
		rig_place(&rig, 1, WIRE_ROLE_MAIN);
		rig_frame(&rig, 1, picture, WIDTH, HEIGHT, &whole, 1);
		rig_attach(&rig, true);
		for (int i = 0; i < 120; i++) {
			struct rect damage[4];
			size_t count = 1 + (size_t)rand_r(&seed) % 4;
			for (size_t d = 0; d < count; d++) {
				draw_something(picture, &seed, &damage[d]);
			}
			rig_frame(&rig, 1, picture, WIDTH, HEIGHT, damage, count);
			if (rand_r(&seed) % 8 == 0) {
				rig.acknowledges = !rig.acknowledges;
				rig_ack(&rig, rig.last_sequence);
			}
			if (rand_r(&seed) % 60 == 0) {
				rig_attach(&rig, true);
			}
			rig_step(&rig);
		}
		rig.acknowledges = true;
		rig_ack(&rig, rig.last_sequence);
		rig_wait(&rig, ENCODER_STILL_MS * 2);
		rig_check_shown(&rig, 1, picture);
		CHECK_INT(rig.encoder->surfaces[0]->lossy_tiles, 0);
		CHECK_INT(rig.encoder->surfaces[0]->dirty_tiles, 0);
		CHECK(rig.jpegs > 0);
		free(picture);
		rig_close(&rig);
	}
}
