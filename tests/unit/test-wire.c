#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test.h"
#include "wire/messages.h"

TEST(message_survives_the_way)
{
	struct wire_tab sent = {.tab = 7,
			.flags = WIRE_TAB_ACTIVE,
			.title = wire_string_from("Títle"),
			.address = wire_string_from("https://a.example/")};
	uint8_t bytes[WIRE_TAB_MAX_BYTES];
	long len = wire_tab_encode(&sent, bytes, sizeof(bytes));
	CHECK(len > 0);
	struct wire_tab got;
	CHECK_INT(wire_tab_decode(bytes, (size_t)len, &got), 0);
	CHECK_INT(got.tab, 7);
	CHECK_BYTES(got.title.bytes, got.title.len, "Títle", strlen("Títle"));
	CHECK_INT(wire_display_check(bytes, (size_t)len), 0);
	CHECK_INT(wire_input_check(bytes, (size_t)len), -EBADMSG);
}

TEST(every_cut_and_every_surplus_is_refused)
{
	struct wire_key sent = {.serial = 1, .code = 30, .pressed = 1, .codepoint = 'a'};
	uint8_t bytes[64];
	long len = wire_key_encode(&sent, bytes, sizeof(bytes));
	struct wire_key got;
	for (long cut = 0; cut < len; cut++) {
		CHECK_INT(wire_key_decode(bytes, (size_t)cut, &got), -EBADMSG);
		CHECK_INT(wire_key_encode(&sent, bytes, (size_t)cut), -ENOBUFS);
	}
	bytes[len] = 0;
	CHECK_INT(wire_key_decode(bytes, (size_t)len + 1, &got), -EBADMSG);
}

TEST(texts_are_limited_and_utf8)
{
	char long_title[WIRE_TAB_TITLE_MAX_BYTES + 2];
	memset(long_title, 'x', sizeof(long_title) - 1);
	long_title[sizeof(long_title) - 1] = '\0';
	struct wire_tab tab = {
			.title = wire_string_from(long_title), .address = wire_string_from("")};
	uint8_t bytes[WIRE_TAB_MAX_BYTES];
	CHECK_INT(wire_tab_encode(&tab, bytes, sizeof(bytes)), -EINVAL);
	tab.title = wire_string_from("\xff");
	CHECK_INT(wire_tab_encode(&tab, bytes, sizeof(bytes)), -EINVAL);
	tab.title = wire_string_from("ok");
	long len = wire_tab_encode(&tab, bytes, sizeof(bytes));
	bytes[8] = 0xff;
	struct wire_tab got;
	CHECK_INT(wire_tab_decode(bytes, (size_t)len, &got), -EBADMSG);
}

TEST(stream_is_cut_into_messages)
{
	uint8_t stream[] = {2, 0, 0, 0, 0x62, 1, 1};
	const uint8_t *message;
	CHECK_INT(wire_stream_next(stream, sizeof(stream), 16, &message), 2);
	CHECK_INT(wire_pacing_check(message, 2), 0);
	CHECK_INT(wire_stream_next(stream, 5, 16, &message), 0);
	uint8_t huge[] = {0xff, 0xff, 0xff, 0xff};
	CHECK_INT(wire_stream_next(huge, sizeof(huge), WIRE_MESSAGE_MAX_BYTES, &message),
			-EMSGSIZE);
	uint8_t empty[] = {0, 0, 0, 0};
	CHECK_INT(wire_stream_next(empty, sizeof(empty), 16, &message), -EMSGSIZE);
}
