#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/connections.h"
#include "gateway/cookie.h"
#include "gateway/origin.h"
#include "gateway/relay.h"
#include "gateway/route.h"
#include "gateway/throttle.h"
#include "gateway/ticket.h"
#include "harness/test.h"

#define ID "0123456789abcdef0123456789abcdef"
#define TOKEN ID ID

static int find_cookie(const char *header)
{
	char token[TOKEN_BYTES];
	int code = cookie_find(header, strlen(header), token);
	if (code == 0) {
		CHECK_TEXT(token, TOKEN);
	}
	return code;
}

TEST(cookie_is_found_among_others)
{
	CHECK_INT(find_cookie("__Host-safeweb=" TOKEN), 0);
	CHECK_INT(find_cookie("a=b; __Host-safeweb=" TOKEN "; c=d"), 0);
	CHECK_INT(find_cookie("a=b;__Host-safeweb=" TOKEN " "), 0);
	CHECK_INT(find_cookie(""), -ENOENT);
	CHECK_INT(find_cookie(";;; ;"), -ENOENT);
	CHECK_INT(find_cookie("x__Host-safeweb=" TOKEN), -ENOENT);
	CHECK_INT(find_cookie("safeweb=" TOKEN), -ENOENT);
	CHECK_INT(find_cookie("__Host-safeweb"), -ENOENT);
}

TEST(cookie_that_is_doubtful_is_refused)
{
	CHECK_INT(find_cookie("__Host-safeweb=" TOKEN "; __Host-safeweb=" TOKEN), -EBADMSG);
	CHECK_INT(find_cookie("__Host-safeweb="), -EBADMSG);
	CHECK_INT(find_cookie("__Host-safeweb=\"" TOKEN "\""), -EBADMSG);
	CHECK_INT(find_cookie("__Host-safeweb=" ID), -EBADMSG);
	CHECK_INT(find_cookie("__Host-safeweb=" TOKEN "0"), -EBADMSG);
}

static bool host_is_valid(const char *host)
{
	return origin_host_is_valid(host, strlen(host));
}

TEST(origin_host_syntax)
{
	CHECK(host_is_valid("localhost"));
	CHECK(host_is_valid("safe.example.com:8443"));
	CHECK(host_is_valid("127.0.0.1:8443"));
	CHECK(host_is_valid("[::1]"));
	CHECK(host_is_valid("[2001:db8::1]:443"));
	CHECK(!host_is_valid(""));
	CHECK(!host_is_valid("a b"));
	CHECK(!host_is_valid("a,b"));
	CHECK(!host_is_valid("a/b"));
	CHECK(!host_is_valid("user@host"));
	CHECK(!host_is_valid("a..b"));
	CHECK(!host_is_valid("host:"));
	CHECK(!host_is_valid("host:0"));
	CHECK(!host_is_valid("host:65536"));
	CHECK(!host_is_valid("host:1:2"));
	CHECK(!host_is_valid("[::1"));
	CHECK(!host_is_valid("[::1]x"));
	CHECK(!host_is_valid("[zz]"));
	CHECK(!host_is_valid("h\xc3\xb6st"));
}

static bool is_same(const char *origin, const char *host)
{
	return origin_is_same(origin, strlen(origin), host, strlen(host));
}

TEST(origin_has_to_be_the_same)
{
	CHECK(is_same("https://localhost:8443", "localhost:8443"));
	CHECK(is_same("https://LocalHost", "localhost"));
	CHECK(!is_same("http://localhost:8443", "localhost:8443"));
	CHECK(!is_same("https://localhost", "localhost:8443"));
	CHECK(!is_same("https://localhost:8443/", "localhost:8443"));
	CHECK(!is_same("https://localhost:8443.evil.example", "localhost:8443"));
	CHECK(!is_same("https://evil-localhost:8443", "localhost:8443"));
	CHECK(!is_same("null", "localhost:8443"));
	CHECK(!is_same("", "localhost:8443"));
	CHECK(!is_same("https://", ""));
	CHECK(!is_same("https://a b", "a b"));
}

static void text_of(const char *v6, char *ret_text)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6};
	CHECK_INT(inet_pton(AF_INET6, v6, &address.sin6_addr), 1);
	origin_address_text((const struct sockaddr *)&address, ret_text);
}

TEST(origin_addresses)
{
	char text[ORIGIN_ADDRESS_BYTES];
	text_of("::ffff:127.0.0.1", text);
	CHECK_TEXT(text, "127.0.0.1");
	text_of("::1", text);
	CHECK_TEXT(text, "::1");
	CHECK(origin_address_is_loopback("127.0.0.1"));
	CHECK(origin_address_is_loopback("127.9.9.9"));
	CHECK(origin_address_is_loopback("::1"));
	CHECK(!origin_address_is_loopback("128.0.0.1"));
	CHECK(!origin_address_is_loopback("unknown"));
	CHECK(!origin_address_is_loopback("::ffff:127.0.0.1"));
	origin_address_group("2001:db8:1:2:3:4:5:6", text);
	CHECK_TEXT(text, "2001:db8:1:2::");
	origin_address_group("10.1.2.3", text);
	CHECK_TEXT(text, "10.1.2.3");
}

static int find_route(enum method method, const char *path, struct route_match *match)
{
	return route_find(method, path, strlen(path), match);
}

TEST(route_matches_whole_paths)
{
	struct route_match match;
	CHECK_INT(find_route(METHOD_GET, "/", &match), 0);
	CHECK_INT(find_route(METHOD_POST, "/api/v1/sessions/" ID "/ticket", &match), 0);
	CHECK_TEXT(match.session, ID);
	CHECK_INT(find_route(METHOD_GET, "/assets/sub/app.js", &match), 0);
	CHECK_TEXT(match.asset, "sub/app.js");
	CHECK_INT(find_route(METHOD_DELETE, "/api/v1/login", &match), -EOPNOTSUPP);
	CHECK_INT(find_route(METHOD_OTHER, "/", &match), -EOPNOTSUPP);
	static const char *const wrong[] = {"", "x", "//", "/api", "/api/v1/me/", "/api//v1/me",
			"/API/v1/me", "/api/v1/sessions/", "/api/v1/sessions/ID",
			"/api/v1/sessions/" ID "/", "/api/v1/sessions/" ID "0", "/assets",
			"/assets/", "/open/", "/healthzz"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (find_route(METHOD_GET, wrong[i], &match) != -ENOENT) {
			test_fail(__FILE__, __LINE__, "%s has a route", wrong[i]);
		}
	}
}

TEST(route_match_is_untouched_on_failure)
{
	struct route_match match = {.session = "old"};
	CHECK_INT(find_route(METHOD_GET, "/api/v1/sessions/" ID "/x", &match), -ENOENT);
	CHECK_TEXT(match.session, "old");
}

TEST(throttle_slows_one_guesser)
{
	struct throttle throttle;
	CHECK_INT(throttle_init(&throttle), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_INT(throttle_attempt(&throttle, "ann", "10.0.0.1", 1000), 0);
	}
	CHECK_INT(throttle_attempt(&throttle, "ann", "10.0.0.1", 1000), 1000);
	/* Ann herself, elsewhere, is not kept out; nor is Bob on the guesser's machine. */
	CHECK_INT(throttle_attempt(&throttle, "ann", "10.0.0.2", 1000), 0);
	CHECK_INT(throttle_attempt(&throttle, "bob", "10.0.0.1", 1000), 0);
	CHECK_INT(throttle_attempt(&throttle, "ann", "10.0.0.1", 2000), 0);
	CHECK_INT(throttle_attempt(&throttle, "ann", "10.0.0.1", 2000), 2000);
	CHECK_INT(throttle_attempt(&throttle, "ann", "10.0.0.1", 4000), 0);
	throttle_success(&throttle, "ann", "10.0.0.1");
	CHECK_INT(throttle_attempt(&throttle, "ann", "10.0.0.1", 4001), 0);
	throttle_finish(&throttle);
}

TEST(throttle_waits_are_capped_and_forgotten)
{
	struct throttle throttle;
	CHECK_INT(throttle_init(&throttle), 0);
	uint64_t now = 1000;
	uint64_t wait = 0;
	for (int i = 0; i < 100; i++) {
		while ((wait = throttle_attempt(&throttle, "ann", "10.0.0.1", now)) > 0) {
			CHECK(wait <= 900 * 1000);
			now += wait;
		}
	}
	now += THROTTLE_FORGET_MS + 1;
	for (int i = 0; i < 5; i++) {
		CHECK_INT(throttle_attempt(&throttle, "ann", "10.0.0.1", now), 0);
	}
	throttle_finish(&throttle);
}

TEST(throttle_slows_an_address_that_tries_many_names)
{
	struct throttle throttle;
	char name[16];
	int refused = 0;
	CHECK_INT(throttle_init(&throttle), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		refused += throttle_attempt(&throttle, name, "10.0.0.1", 1000) > 0;
	}
	CHECK_INT(refused, 80);
	throttle_finish(&throttle);
}

TEST(throttle_slows_a_crowd_at_one_account)
{
	struct throttle throttle;
	char address[32];
	uint64_t longest = 0;
	CHECK_INT(throttle_init(&throttle), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(address, sizeof(address), "10.0.%d.%d", i / 256, i % 256);
		uint64_t wait = throttle_attempt(&throttle, "ann", address, 1000);
		longest = wait > longest ? wait : longest;
	}
	CHECK(longest > 0 && longest <= 60 * 1000);
	throttle_finish(&throttle);
}

TEST(ticket_is_good_once)
{
	struct tickets tickets;
	char ticket[TOKEN_BYTES];
	char session[STORE_SESSION_BYTES] = "";
	CHECK_INT(tickets_init(&tickets), 0);
	ticket_make(&tickets, 7, ID, 1000, ticket);
	CHECK_INT(ticket_use(&tickets, TOKEN, 7, 1000, session), -EACCES);
	CHECK_INT(ticket_use(&tickets, "", 7, 1000, session), -EACCES);
	CHECK_INT(ticket_use(&tickets, ticket, 7, 1000 + TICKET_LIFE_MS, session), 0);
	CHECK_TEXT(session, ID);
	CHECK_INT(ticket_use(&tickets, ticket, 7, 1000, session), -EACCES);
	ticket_make(&tickets, 7, ID, 1000, ticket);
	CHECK_INT(ticket_use(&tickets, ticket, 7, 1001 + TICKET_LIFE_MS, session), -EACCES);
	ticket_make(&tickets, 7, ID, 1000, ticket);
	CHECK_INT(ticket_use(&tickets, ticket, 8, 1000, session), -EACCES);
	CHECK_INT(ticket_use(&tickets, ticket, 7, 1000, session), -EACCES);
	tickets_finish(&tickets);
}

TEST(tickets_make_room)
{
	struct tickets tickets;
	char first[TOKEN_BYTES];
	char last[TOKEN_BYTES];
	char session[STORE_SESSION_BYTES];
	CHECK_INT(tickets_init(&tickets), 0);
	ticket_make(&tickets, 1, ID, 1000, first);
	for (int i = 0; i < TICKET_COUNT; i++) {
		ticket_make(&tickets, 1, ID, 1001, last);
	}
	CHECK_INT(ticket_use(&tickets, first, 1, 1001, session), -EACCES);
	CHECK_INT(ticket_use(&tickets, last, 1, 1001, session), 0);
	tickets_finish(&tickets);
}

static void feed(struct relay *relay, const void *bytes, size_t len)
{
	uint8_t *room = relay_reserve(relay, len);
	CHECK(room != NULL);
	memcpy(room, bytes, len);
	relay->end += len;
}

TEST(relay_takes_messages_in_pieces)
{
	struct relay relay;
	uint8_t bytes[64];
	struct wire_bye bye = {.reason = WIRE_REASON_IDLE};
	long len = wire_bye_encode(&bye, bytes + WIRE_LENGTH_BYTES, sizeof(bytes) - 4);
	CHECK(len > 0);
	wire_put_length(bytes, (size_t)len);
	relay_init(&relay);
	uint8_t *message = NULL;
	for (long i = 0; i < len + WIRE_LENGTH_BYTES; i++) {
		CHECK_INT(relay_next(&relay, &message), 0);
		feed(&relay, bytes + i, 1);
	}
	CHECK_INT(relay_next(&relay, &message), len);
	CHECK_BYTES(message, (size_t)len, bytes + WIRE_LENGTH_BYTES, (size_t)len);
	CHECK(message - relay.bytes >= RELAY_HEADROOM_BYTES);
	CHECK_INT(relay.bye_reason, WIRE_REASON_IDLE);
	relay_consume(&relay, (size_t)len);
	CHECK_INT(relay_length(&relay), 0);
	relay_finish(&relay);
}

TEST(relay_refuses_what_is_no_display_message)
{
	static const uint8_t empty[] = {0, 0, 0, 0};
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff};
	static const uint8_t unknown[] = {1, 0, 0, 0, 0xee};
	static const uint8_t control[] = {3, 0, 0, 0, WIRE_NODE_HELLO, 1, 0};
	static const uint8_t cut[] = {2, 0, 0, 0, WIRE_BYE, 1};
	static const struct {
		const uint8_t *bytes;
		size_t len;
	} wrong[] = {{empty, sizeof(empty)}, {huge, sizeof(huge)}, {unknown, sizeof(unknown)},
			{control, sizeof(control)}, {cut, sizeof(cut)}};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct relay relay;
		uint8_t *message = NULL;
		relay_init(&relay);
		feed(&relay, wrong[i].bytes, wrong[i].len);
		CHECK_INT(relay_next(&relay, &message), -EBADMSG);
		relay_finish(&relay);
	}
}

TEST(relay_has_a_cap)
{
	struct relay relay;
	relay_init(&relay);
	size_t chunk = 1024 * 1024;
	uint8_t *room;
	while ((room = relay_reserve(&relay, chunk)) != NULL) {
		relay.end += chunk;
		CHECK(relay_length(&relay) <= RELAY_MAX_BYTES);
	}
	CHECK(relay_length(&relay) + chunk > RELAY_MAX_BYTES);
	relay_finish(&relay);
}

TEST(connections_of_one_address_are_capped)
{
	struct connections connections;
	CHECK_INT(connections_init(&connections), 0);
	uint64_t one = connections_key("10.0.0.1");
	uint64_t other = connections_key("10.0.0.2");
	for (int i = 0; i < CONNECTIONS_PER_ADDRESS; i++) {
		CHECK(connections_add(&connections, one));
	}
	CHECK(!connections_add(&connections, one));
	CHECK(connections_add(&connections, other));
	connections_remove(&connections, one);
	CHECK(connections_add(&connections, one));
	CHECK(connections_key("2001:db8::1") == connections_key("2001:db8::ffff"));
	connections_finish(&connections);
}

/* Keys that collide: each is found again whatever goes before it. */
TEST(connections_close_gaps)
{
	struct connections connections;
	CHECK_INT(connections_init(&connections), 0);
	enum { KEYS = 2000 };
	for (int round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < KEYS; i++) {
			CHECK(connections_add(&connections,
					1 + (i % 7) + (i / 7) * CONNECTIONS_ADDRESSES));
		}
		CHECK_INT(connections.used, KEYS);
		for (uint64_t i = 0; i < KEYS; i++) {
			uint64_t k = (i * 1237) % KEYS;
			connections_remove(&connections,
					1 + (k % 7) + (k / 7) * CONNECTIONS_ADDRESSES);
		}
		CHECK_INT(connections.used, 0);
	}
	for (int i = 0; i < CONNECTIONS_ADDRESSES; i++) {
		CHECK_INT(connections.entries[i].key, 0);
	}
	connections_finish(&connections);
}

static size_t put_rect(uint8_t *to, size_t data_len, uint8_t fill)
{
	static uint8_t data[RELAY_CHUNK_BYTES];
	memset(data, fill, sizeof(data));
	struct wire_rect rect = {.surface = 1,
			.width = 1,
			.height = 1,
			.data = {.bytes = data, .len = data_len}};
	long len = wire_rect_encode(&rect, to + WIRE_LENGTH_BYTES, data_len + 64);
	CHECK(len > 0);
	wire_put_length(to, (size_t)len);
	return WIRE_LENGTH_BYTES + (size_t)len;
}

/* Reads frames back: checks that they are the messages, one after the other. */
static void check_frames(const uint8_t *frames, size_t len, const uint8_t *messages, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *message;
		long wanted = wire_stream_next(messages, 1 << 20, 1 << 20, &message);
		CHECK(len >= 2);
		CHECK_INT(frames[0], 0x82);
		size_t header = frames[1] == 126 ? 4 : 2;
		size_t got = header == 2 ? frames[1] : (size_t)frames[2] << 8 | frames[3];
		CHECK(header == 2 || got >= 126);
		CHECK_INT(got, wanted);
		CHECK_BYTES(frames + header, got, message, (size_t)wanted);
		frames += header + got;
		len -= header + got;
		messages += WIRE_LENGTH_BYTES + wanted;
	}
	CHECK_INT(len, 0);
}

TEST(relay_packs_short_messages)
{
	static uint8_t bytes[64 * 1024];
	static const size_t sizes[] = {1, 111, 112, 113, 114, 0, 5000, 3, 200};
	struct relay relay;
	size_t at = 0;
	relay_init(&relay);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		at += put_rect(bytes + at, sizes[i], (uint8_t)(i + 1));
	}
	feed(&relay, bytes, at);
	feed(&relay, "\3\0", 2); /* half of the next one's length */
	uint8_t *frames = NULL;
	long len = relay_pack(&relay, &frames);
	CHECK(len > 0 && len <= RELAY_CHUNK_BYTES);
	check_frames(frames, (size_t)len, bytes, sizeof(sizes) / sizeof(sizes[0]));
	relay_consume_packed(&relay, len);
	CHECK_INT(relay_length(&relay), 2);
	CHECK_INT(relay_pack(&relay, &frames), 0);
	relay_finish(&relay);
}

TEST(relay_leaves_a_long_message_alone)
{
	static uint8_t bytes[64 * 1024];
	struct relay relay;
	uint8_t *frames = NULL;
	uint8_t *message = NULL;
	relay_init(&relay);
	size_t first = put_rect(bytes, 10, 1);
	size_t second = put_rect(bytes + first, RELAY_CHUNK_BYTES - 17, 2);
	feed(&relay, bytes, first + second);
	long len = relay_pack(&relay, &frames);
	check_frames(frames, (size_t)len, bytes, 1);
	relay_consume_packed(&relay, len);
	CHECK_INT(relay_pack(&relay, &frames), 0);
	CHECK_INT(relay_next(&relay, &message), (long)second - WIRE_LENGTH_BYTES);
	relay_consume(&relay, second - WIRE_LENGTH_BYTES);
	CHECK_INT(relay_length(&relay), 0);
	relay_finish(&relay);
}

TEST(relay_packs_up_to_what_is_bad)
{
	uint8_t bytes[256];
	struct relay relay;
	uint8_t *frames = NULL;
	relay_init(&relay);
	size_t first = put_rect(bytes, 10, 1);
	feed(&relay, bytes, first);
	feed(&relay, "\1\0\0\0\356", 5);
	long len = relay_pack(&relay, &frames);
	check_frames(frames, (size_t)len, bytes, 1);
	relay_consume_packed(&relay, len);
	CHECK_INT(relay_pack(&relay, &frames), -EBADMSG);
	relay_finish(&relay);
}
