/* The compositor's pure parts, and its tabs fed by hand. */
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <xkbcommon/xkbcommon.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "compositor/cdp_stream.h"
#include "compositor/chords.h"
#include "compositor/damage.h"
#include "compositor/data_device.h"
#include "compositor/keymap.h"
#include "compositor/positioner.h"
#include "compositor/publisher.h"
#include "compositor/tabs.h"
#include "harness/test.h"

/* What a client with this keymap types for a key. */
static uint32_t typed(const struct keymap *keymap, uint16_t code, uint8_t modifiers)
{
	static char text[KEYMAP_MAX_BYTES];
	CHECK(keymap_write(keymap, text, sizeof(text)) > 0);
	struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_DEFAULT_INCLUDES);
	struct xkb_keymap *compiled = xkb_keymap_new_from_string(
			context, text, XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
	CHECK(compiled);
	struct xkb_state *state = xkb_state_new(compiled);
	xkb_state_update_mask(state, keymap_depressed_mask(modifiers), 0,
			keymap_locked_mask(modifiers), 0, 0, 0);
	uint32_t codepoint = xkb_state_key_get_utf32(state, code + 8u);
	xkb_state_unref(state);
	xkb_keymap_unref(compiled);
	xkb_context_unref(context);
	return codepoint;
}

TEST(the_us_keymap_compiles_and_types)
{
	struct keymap keymap;
	keymap_init_us(&keymap);
	CHECK_INT(typed(&keymap, KEY_A, 0), 'a');
	CHECK_INT(typed(&keymap, KEY_A, WIRE_MODIFIER_SHIFT), 'A');
	CHECK_INT(typed(&keymap, KEY_A, WIRE_MODIFIER_CAPS_LOCK), 'A');
	CHECK_INT(typed(&keymap, KEY_A, WIRE_MODIFIER_CAPS_LOCK | WIRE_MODIFIER_SHIFT), 'a');
	CHECK_INT(typed(&keymap, KEY_1, WIRE_MODIFIER_SHIFT), '!');
	CHECK_INT(typed(&keymap, KEY_1, WIRE_MODIFIER_CAPS_LOCK), '1');
	CHECK_INT(typed(&keymap, KEY_BACKSLASH, WIRE_MODIFIER_SHIFT), '|');
	CHECK_INT(typed(&keymap, KEY_KP7, WIRE_MODIFIER_NUM_LOCK), '7');
	CHECK_INT(typed(&keymap, KEY_KP7, 0), 0);
	CHECK_INT(typed(&keymap, KEY_ENTER, 0), '\r');
	CHECK_INT(typed(&keymap, KEY_F5, 0), 0);
}

TEST(the_table_and_xkb_agree_on_every_level)
{
	static const uint8_t sets[] = {0, WIRE_MODIFIER_SHIFT, WIRE_MODIFIER_ALTGR,
			WIRE_MODIFIER_SHIFT | WIRE_MODIFIER_ALTGR, WIRE_MODIFIER_CAPS_LOCK,
			WIRE_MODIFIER_CAPS_LOCK | WIRE_MODIFIER_SHIFT};
	struct keymap keymap;
	keymap_init_us(&keymap);
	keymap_learn(&keymap, KEY_Q, WIRE_MODIFIER_ALTGR, '@');
	keymap_learn(&keymap, KEY_E, WIRE_MODIFIER_ALTGR, 0x20ac);
	keymap_learn(&keymap, KEY_LEFTBRACE, 0, 0xfc);
	keymap_learn(&keymap, KEY_LEFTBRACE, WIRE_MODIFIER_SHIFT, 0xdc);
	static const uint16_t codes[] = {KEY_Q, KEY_E, KEY_LEFTBRACE, KEY_5, KEY_SPACE};
	for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
		for (size_t j = 0; j < ARRAY_LENGTH(sets); j++) {
			uint32_t keysym = keymap_keysym(&keymap, codes[i], sets[j]);
			CHECK_INT(typed(&keymap, codes[i], sets[j]),
					keymap_codepoint_from_keysym(keysym));
		}
	}
}

TEST(keys_learn_what_the_viewer_types)
{
	struct keymap keymap;
	keymap_init_us(&keymap);
	CHECK(!keymap_learn(&keymap, KEY_A, 0, 'a'));
	CHECK(keymap_learn(&keymap, KEY_A, 0, 'q'));
	CHECK_INT(typed(&keymap, KEY_A, 0), 'q');
	CHECK(keymap_learn(&keymap, KEY_S, 0, 0x1f600));
	CHECK_INT(typed(&keymap, KEY_S, 0), 0x1f600);
	/* A dead key types nothing, until it types something. */
	CHECK(keymap_learn(&keymap, KEY_EQUAL, 0, 0));
	CHECK_INT(typed(&keymap, KEY_EQUAL, 0), 0);
	CHECK(keymap_learn(&keymap, KEY_EQUAL, 0, 0xb4));
	CHECK_INT(typed(&keymap, KEY_EQUAL, 0), 0xb4);
	/* Shortcuts tell letters and nothing else; function keys stay. */
	CHECK(keymap_learn(&keymap, KEY_Q, WIRE_MODIFIER_CONTROL, 'a'));
	CHECK(!keymap_learn(&keymap, KEY_W, WIRE_MODIFIER_CONTROL, 0x439));
	CHECK(!keymap_learn(&keymap, KEY_W, WIRE_MODIFIER_ALT, 0x2211));
	CHECK(!keymap_learn(&keymap, KEY_F5, 0, 'x'));
	CHECK(!keymap_learn(&keymap, KEY_ENTER, 0, 'x'));
	CHECK(!keymap_learn(&keymap, 0, 0, 'x'));
	CHECK(!keymap_learn(&keymap, 9999, 0, 'x'));
	CHECK(!keymap_learn(&keymap, KEY_D, 0, 0xd800));
	CHECK(!keymap_learn(&keymap, KEY_D, 0, 7));
}

TEST(a_full_keymap_fits)
{
	static char text[KEYMAP_MAX_BYTES];
	struct keymap keymap;
	keymap_init_us(&keymap);
	for (uint16_t code = 1; code < KEYMAP_KEYS; code++) {
		for (size_t level = 0; level < KEYMAP_LEVELS; level++) {
			keymap.keysyms[code][level] = 0x0110fff0;
		}
	}
	CHECK(keymap_write(&keymap, text, sizeof(text)) > 0);
	CHECK_INT(keymap_write(&keymap, text, 1000), 0);
}

static struct rect place(struct positioner positioner, struct rect bounds)
{
	return positioner_place(&positioner, &bounds);
}

TEST(popups_flip_slide_and_shrink)
{
	struct rect bounds = {0, 0, 800, 600};
	struct positioner menu = {.width = 100,
			.height = 200,
			.anchor_rect = {10, 20, 50, 30},
			.anchor = EDGE_BOTTOM_LEFT,
			.gravity = EDGE_BOTTOM_RIGHT};
	struct rect got = place(menu, bounds);
	CHECK_INT(got.x, 10);
	CHECK_INT(got.y, 50);
	menu.anchor_rect.y = 500;
	CHECK_INT(place(menu, bounds).y, 530);
	menu.adjustment = ADJUST_FLIP_Y;
	CHECK_INT(place(menu, bounds).y, 300);
	menu.adjustment = ADJUST_SLIDE_Y;
	CHECK_INT(place(menu, bounds).y, 400);
	menu.adjustment = ADJUST_RESIZE_Y;
	CHECK_INT(place(menu, bounds).y, 530);
	CHECK_INT(place(menu, bounds).height, 70);
	/* When flipping does not help either, the next way is taken. */
	menu.height = 580;
	menu.adjustment = ADJUST_FLIP_Y | ADJUST_SLIDE_Y;
	CHECK_INT(place(menu, bounds).y, 20);
	menu.anchor_rect.x = 790;
	menu.adjustment = ADJUST_SLIDE_X | ADJUST_SLIDE_Y;
	CHECK_INT(place(menu, bounds).x, 700);
	menu.width = 1000;
	CHECK_INT(place(menu, bounds).x, 0);
}

TEST(damage_is_mapped_outwards)
{
	struct geometry_input input = {.buffer_width = 1500,
			.buffer_height = 900,
			.scale = 1,
			.has_destination = true,
			.destination_width = 1000,
			.destination_height = 600};
	struct surface_geometry geometry;
	CHECK_INT(geometry_from_input(&input, &geometry), GEOMETRY_OK);
	CHECK_INT(geometry.width, 1000);
	struct region region = {0};
	damage_add_surface(&region, &geometry, &(struct rect){1, 1, 1, 1});
	CHECK_INT(region.count, 1);
	CHECK_INT(region.rects[0].x, 1);
	CHECK_INT(region.rects[0].width, 2);
	region_clear(&region);
	damage_add_surface(&region, &geometry, &(struct rect){-5, -5, INT32_MAX, INT32_MAX});
	CHECK_INT(region_area(&region), 1500 * 900);
	region_clear(&region);
	damage_add_buffer(&region, &geometry, &(struct rect){1490, 0, 100, 10});
	CHECK_INT(region_area(&region), 100);
}

TEST(a_viewport_cuts_the_picture)
{
	struct geometry_input input = {.buffer_width = 100,
			.buffer_height = 100,
			.scale = 2,
			.source = {true, 10 * 256, 5 * 256, 20 * 256, 10 * 256}};
	struct surface_geometry geometry;
	CHECK_INT(geometry_from_input(&input, &geometry), GEOMETRY_OK);
	CHECK_INT(geometry.picture.x, 20);
	CHECK_INT(geometry.picture.width, 40);
	CHECK_INT(geometry.width, 20);
	struct region region = {0};
	damage_add_buffer(&region, &geometry, &(struct rect){0, 0, 25, 100});
	CHECK_INT(region_area(&region), 5 * 20);
	input.source.width = 45 * 256;
	CHECK_INT(geometry_from_input(&input, &geometry), GEOMETRY_OUT_OF_BUFFER);
	input.source.width = 100;
	CHECK_INT(geometry_from_input(&input, &geometry), GEOMETRY_BAD_SIZE);
}

struct heard {
	char text[256];
	size_t count, longest;
};

static void hear(void *data, const char *text, size_t len)
{
	struct heard *heard = data;
	heard->count++;
	heard->longest = len > heard->longest ? len : heard->longest;
	size_t room = sizeof(heard->text) - 1;
	memcpy(heard->text, text, len < room ? len : room);
	heard->text[len < room ? len : room] = '\0';
}

TEST(messages_are_cut_at_their_nul)
{
	struct cdp_stream stream;
	struct heard heard = {0};
	cdp_stream_init(&stream);
	cdp_stream_feed(&stream, (const uint8_t *)"one\0two\0th", 10, hear, &heard);
	CHECK_INT(heard.count, 2);
	CHECK_TEXT(heard.text, "two");
	for (const char *at = "ree"; *at; at++) {
		cdp_stream_feed(&stream, (const uint8_t *)at, 1, hear, &heard);
	}
	cdp_stream_feed(&stream, (const uint8_t *)"", 1, hear, &heard);
	CHECK_INT(heard.count, 3);
	CHECK_TEXT(heard.text, "three");
	cdp_stream_finish(&stream);
}

TEST(a_message_too_long_is_skipped_whole)
{
	struct cdp_stream stream;
	struct heard heard = {0};
	static uint8_t block[65536];
	memset(block, 'x', sizeof(block));
	cdp_stream_init(&stream);
	for (int i = 0; i < 100; i++) {
		cdp_stream_feed(&stream, block, sizeof(block), hear, &heard);
		CHECK(stream.message.size_bytes <= 2 * CDP_MESSAGE_MAX_BYTES);
	}
	cdp_stream_feed(&stream, (const uint8_t *)"\0ok\0", 4, hear, &heard);
	CHECK_INT(heard.count, 1);
	CHECK_TEXT(heard.text, "ok");
	CHECK_INT(stream.skipped, 1);
	cdp_stream_finish(&stream);
}

/* Tabs without a browser: commands collect in the queue. */
struct bench {
	struct publisher publisher;
	struct cdp *cdp;
	struct tabs *tabs;
	struct ring_reader reader;
	int ring, doorbell;
};

static void bench_init(struct bench *bench)
{
	struct error err = {0};
	CHECK_INT(fds_sealed_memory("ring", ring_size_bytes(), &bench->ring, &err), 0);
	bench->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK_INT(publisher_init(&bench->publisher, bench->ring, bench->doorbell, &err), 0);
	CHECK_INT(ring_reader_init(&bench->reader, bench->ring, &err), 0);
	CHECK_INT(cdp_create(NULL, -1, -1, NULL, NULL, &bench->cdp), 0);
	CHECK_INT(tabs_create(NULL, &bench->publisher, bench->cdp, &bench->tabs), 0);
}

static void bench_finish(struct bench *bench)
{
	tabs_destroy(bench->tabs);
	cdp_destroy(bench->cdp);
	ring_reader_finish(&bench->reader);
	publisher_finish(&bench->publisher);
	close(bench->ring);
	close(bench->doorbell);
}

static void say(struct bench *bench, const char *text)
{
	cdp_handle_message(bench->cdp, text, strlen(text));
}

/* The next record of a kind; fails when there is none. */
static struct ring_record next(struct bench *bench, enum ring_kind kind)
{
	static struct ring_record record;
	tabs_publish(bench->tabs);
	while (ring_reader_next(&bench->reader, &record) > 0) {
		ring_writer_free(&bench->publisher.ring, bench->reader.tail);
		if (record.kind == kind) {
			return record;
		}
	}
	test_fail(__FILE__, __LINE__, "no record of kind %d", (int)kind);
}

static bool was_asked(struct bench *bench, const char *method)
{
	struct buffer *queue = &bench->cdp->queue;
	return memmem(buffer_head(queue), buffer_length(queue), method, strlen(method)) != NULL;
}

#define CREATED(target, url)                                                                       \
	"{\"method\":\"Target.targetCreated\",\"params\":{\"targetInfo\":{\"targetId\":\"" target  \
	"\",\"type\":\"page\",\"title\":\"t\",\"url\":\"" url "\"}}}"
#define ATTACHED(target, session)                                                                  \
	"{\"method\":\"Target.attachedToTarget\",\"params\":{\"sessionId\":\"" session             \
	"\",\"targetInfo\":{\"targetId\":\"" target "\",\"type\":\"page\"}}}"

TEST(tabs_follow_their_targets)
{
	struct bench bench = {0};
	bench_init(&bench);
	say(&bench, CREATED("A", "http://a/"));
	say(&bench, ATTACHED("A", "S"));
	CHECK(was_asked(&bench, "Page.enable"));
	struct ring_record record = next(&bench, RING_TAB);
	CHECK_INT(record.text.flags, WIRE_TAB_ACTIVE);
	CHECK_BYTES(record.text.text, 10, "thttp://a/", 10);
	say(&bench,
			"{\"method\":\"Page.frameStartedLoading\",\"sessionId\":\"S\","
			"\"params\":{\"frameId\":\"A\"}}");
	CHECK_INT(next(&bench, RING_TAB).text.flags, WIRE_TAB_ACTIVE | WIRE_TAB_LOADING);
	say(&bench,
			"{\"method\":\"Page.javascriptDialogOpening\",\"sessionId\":\"S\","
			"\"params\":"
			"{\"type\":\"confirm\",\"message\":\"sure?\"}}");
	record = next(&bench, RING_DIALOG);
	CHECK_INT(record.text.flags, 1);
	CHECK_BYTES(record.text.text, record.text.text_len[0], "sure?", 5);
	say(&bench, CREATED("B", ""));
	CHECK_INT(next(&bench, RING_TAB).text.flags, WIRE_TAB_LOADING | WIRE_TAB_ACTIVE);
	say(&bench, ATTACHED("B", "S2"));
	say(&bench,
			"{\"method\":\"Runtime.bindingCalled\",\"sessionId\":\"S2\",\"params\":"
			"{\"name\":\"safewebVisible\"}}");
	CHECK_INT(bench.tabs->active, 2);
	say(&bench, "{\"method\":\"Target.targetDestroyed\",\"params\":{\"targetId\":\"A\"}}");
	CHECK_INT(next(&bench, RING_TAB_GONE).text.id, 1);
	say(&bench, "{\"method\":\"Target.targetCrashed\",\"params\":{\"targetId\":\"B\"}}");
	CHECK_INT(next(&bench, RING_NOTICE).text.flags, WIRE_NOTICE_PAGE_CRASHED);
	say(&bench, "{\"method\":\"Target.targetDestroyed\",\"params\":{\"targetId\":\"B\"}}");
	CHECK(was_asked(&bench, "Target.createTarget"));
	bench_finish(&bench);
}

TEST(hostile_messages_change_nothing)
{
	static const char *const messages[] = {"", "[]", "null", "{", "{\"id\":\"x\"}",
			"{\"id\":1e99}", "{\"id\":99,\"result\":7}", "{\"method\":7,\"params\":{}}",
			"{\"method\":\"Target.targetCreated\"}",
			"{\"method\":\"Target.targetCreated\",\"params\":[]}",
			"{\"method\":\"Target.targetCreated\",\"params\":{\"targetInfo\":7}}",
			"{\"method\":\"Target.targetCreated\",\"params\":{\"targetInfo\":{\"type\":"
			"\"page\"}}}",
			"{\"method\":\"Target.targetDestroyed\",\"params\":{\"targetId\":{}}}",
			"{\"method\":\"Page.frameNavigated\",\"params\":{\"frame\":{\"id\":3}}}",
			"{\"method\":\"Page.frameNavigated\",\"sessionId\":\"S\",\"params\":{}}",
			"{\"method\":\"Page.javascriptDialogOpening\",\"params\":{\"message\":[]}}",
			"{\"method\":\"Runtime.bindingCalled\",\"sessionId\":\"none\",\"params\":{}"
			"}"};
	struct bench bench = {0};
	bench_init(&bench);
	for (size_t i = 0; i < ARRAY_LENGTH(messages); i++) {
		say(&bench, messages[i]);
		CHECK_INT(bench.tabs->count, 0);
	}
	static char deep[200000];
	memset(deep, '[', sizeof(deep) - 1);
	say(&bench, deep);
	CHECK_INT(bench.tabs->count, 0);
	bench_finish(&bench);
}

/* The binding's call with a payload, as Chromium would pass it on. */
static void ask_menu(struct bench *bench, const char *session, const char *payload)
{
	json_t *event = json_pack("{s:s, s:s, s:{s:s, s:s}}", "method", "Runtime.bindingCalled",
			"sessionId", session, "params", "name", "safewebMenu", "payload", payload);
	char *text = json_dumps(event, 0);
	say(bench, text);
	free(text);
	json_decref(event);
}

static struct ring_record menu_for(struct bench *bench, const char *payload)
{
	ask_menu(bench, "S", payload);
	return next(bench, RING_CONTEXT_MENU);
}

TEST(a_context_menu_is_passed_on)
{
	struct bench bench = {0};
	bench_init(&bench);
	say(&bench, CREATED("A", "http://a/"));
	say(&bench, ATTACHED("A", "S"));
	CHECK(was_asked(&bench, "safewebMenu"));
	struct ring_record record = menu_for(&bench,
			"{\"editable\":true,\"selection\":true,\"image\":true,"
			"\"link\":\"https://b.example/?\u00e4\"}");
	CHECK_INT(record.text.id, 1);
	CHECK_INT(record.text.flags, 15);
	CHECK_BYTES(record.text.text, record.text.text_len[0], "https://b.example/?\u00e4", 21);
	record = menu_for(&bench, "{}");
	CHECK_INT(record.text.flags, 0);
	CHECK_INT(record.text.text_len[0], 0);
	/* Another tab than the one that is shown says nothing. */
	say(&bench, CREATED("B", "http://b/"));
	say(&bench, ATTACHED("B", "S2"));
	ask_menu(&bench, "S2", "{\"image\":true}");
	CHECK_INT(menu_for(&bench, "{\"selection\":true}").text.flags, WIRE_CONTEXT_SELECTION);
	/* One that finds no room is dropped, not kept. */
	for (unsigned i = 0; i < RING_RECORDS + 9; i++) {
		ask_menu(&bench, "S", "{}");
	}
	CHECK_INT(bench.publisher.queued, 0);
	bench_finish(&bench);
}

TEST(a_hostile_context_menu_has_no_link)
{
	static const char *const links[] = {"7", "[]", "{}", "null", "true", "\"\"",
			"\"javascript:alert(1)\"", "\"file:///etc/passwd\"", "\"about:blank\"",
			"\"http\"", "\"https:a\"", "\"chrome://version\"", "\" https://a/\"",
			"\"https://a/\\n\"", "\"view-source:http://a/\""};
	static const char *const nothing[] = {"", "7", "[]", "null", "\"x\"", "{", "{}{}",
			"{\"link\":\"\\u0000\"}", "{\"link\":\"\\ud800\"}"};
	struct bench bench = {0};
	bench_init(&bench);
	say(&bench, CREATED("A", "http://a/"));
	say(&bench, ATTACHED("A", "S"));
	char payload[6000];
	for (size_t i = 0; i < ARRAY_LENGTH(links); i++) {
		snprintf(payload, sizeof(payload),
				"{\"link\":%s,\"image\":1,\"editable\":\"true\",\"selection\":{}}",
				links[i]);
		struct ring_record record = menu_for(&bench, payload);
		CHECK_INT(record.text.flags, 0);
		CHECK_INT(record.text.text_len[0], 0);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(nothing); i++) {
		tabs_publish(bench.tabs);
		uint32_t head = bench.publisher.ring.head;
		ask_menu(&bench, "S", nothing[i]);
		CHECK_INT(bench.publisher.ring.head, head);
	}
	/* Too long for a message: not cut, since a cut address is another one. */
	int at = snprintf(payload, sizeof(payload), "{\"link\":\"https://a/");
	memset(payload + at, 'u', 2048);
	memcpy(payload + at + 2048, "\"}", 3);
	CHECK_INT(menu_for(&bench, payload).text.flags, 0);
	memset(payload + at, 'u', 5000);
	memcpy(payload + at + 5000, "\"}", 3);
	uint32_t head = bench.publisher.ring.head;
	ask_menu(&bench, "S", payload);
	CHECK_INT(bench.publisher.ring.head, head);
	say(&bench,
			"{\"method\":\"Runtime.bindingCalled\",\"sessionId\":\"S\",\"params\":"
			"{\"name\":\"safewebMenu\",\"payload\":{}}}");
	CHECK_INT(bench.publisher.ring.head, head);
	bench_finish(&bench);
}

TEST(tabs_are_capped_and_texts_cut)
{
	struct bench bench = {0};
	bench_init(&bench);
	static char message[10000], url[6000];
	memset(url, 'u', sizeof(url) - 1);
	for (unsigned i = 0; i < TABS_MAX + 3; i++) {
		snprintf(message, sizeof(message),
				"{\"method\":\"Target.targetCreated\",\"params\":{\"targetInfo\":"
				"{\"targetId\":\"T%u\",\"type\":\"page\",\"title\":\"\\u0007\","
				"\"url\":\"%s\"}}}",
				i, url);
		say(&bench, message);
	}
	CHECK_INT(bench.tabs->count, TABS_MAX);
	CHECK(was_asked(&bench, "Target.closeTarget"));
	struct ring_record record = next(&bench, RING_TAB);
	CHECK_BYTES(record.text.text, record.text.text_len[0], "?", 1);
	CHECK_INT(record.text.text_len[1], WIRE_TAB_ADDRESS_MAX_BYTES);
	bench_finish(&bench);
}

TEST(only_web_addresses_are_opened)
{
	CHECK(tabs_address_is_allowed("http://a/"));
	CHECK(tabs_address_is_allowed("HTTPS://a/"));
	CHECK(tabs_address_is_allowed("about:blank"));
	CHECK(!tabs_address_is_allowed(""));
	CHECK(!tabs_address_is_allowed("file:///etc/passwd"));
	CHECK(!tabs_address_is_allowed("javascript:alert(1)"));
	CHECK(!tabs_address_is_allowed("chrome://version"));
	CHECK(!tabs_address_is_allowed("view-source:http://a/"));
	CHECK(!tabs_address_is_allowed(" http://a/"));
	CHECK(!tabs_address_is_allowed("http://a/\n"));
	CHECK(!tabs_address_is_allowed("about:blank#x"));
}

TEST(short_facts_wait_while_the_ring_is_full)
{
	struct bench bench = {0};
	bench_init(&bench);
	for (unsigned i = 0; i < RING_RECORDS + 1000; i++) {
		publisher_send_notice(&bench.publisher, WIRE_NOTICE_TIMEOUT, i, "x");
	}
	CHECK_INT(bench.publisher.queued, PUBLISHER_QUEUE_PAGE_MAX);
	static char text[CLIPBOARD_MAX_BYTES];
	for (size_t i = 0; i + 1 < sizeof(text); i += 2) {
		memcpy(text + i, "\xc3\xa4", 2);
	}
	/* Again and again: the newest replaces what waits. */
	for (int i = 0; i < 20; i++) {
		publisher_send_clipboard(&bench.publisher, text, sizeof(text));
		CHECK(bench.publisher.queued <= PUBLISHER_QUEUE_PAGE_MAX + 17);
	}
	struct ring_record record;
	size_t clipboard = 0, records = 0;
	do {
		int code;
		while ((code = ring_reader_next(&bench.reader, &record)) > 0) {
			records++;
			clipboard += record.kind == RING_CLIPBOARD ? record.text.text_len[0] : 0;
		}
		CHECK_INT(code, 0);
		ring_writer_free(&bench.publisher.ring, bench.reader.tail);
	} while (!publisher_drain(&bench.publisher) ||
			bench.publisher.ring.head != bench.reader.tail);
	CHECK_INT(clipboard, sizeof(text));
	CHECK(records > RING_RECORDS);
	bench_finish(&bench);
}

TEST(chords_of_the_browser_are_known)
{
	CHECK_TEXT(chord_find('u', WIRE_MODIFIER_CONTROL)->code, "KeyU");
	CHECK_TEXT(chord_find('i', WIRE_MODIFIER_CONTROL | WIRE_MODIFIER_SHIFT)->key, "I");
	CHECK(chord_find(0xffc9, 0));
	CHECK(chord_find(0xffc9, WIRE_MODIFIER_CAPS_LOCK | WIRE_MODIFIER_NUM_LOCK));
	CHECK(!chord_find('u', 0));
	CHECK(!chord_find('u', WIRE_MODIFIER_CONTROL | WIRE_MODIFIER_ALTGR));
	CHECK(!chord_find('a', WIRE_MODIFIER_CONTROL));
	CHECK(!chord_find('c', WIRE_MODIFIER_CONTROL));
}
