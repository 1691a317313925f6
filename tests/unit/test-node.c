#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test.h"
#include "node/lease.h"
#include "node/peer.h"
#include "node/pool.h"
#include "node/slots.h"

/* One message with its length in front, at to; returns the bytes written. */
static size_t frame(uint8_t *to, const uint8_t *message, long len)
{
	CHECK(len > 0);
	wire_put_length(to, (size_t)len);
	memcpy(to + WIRE_LENGTH_BYTES, message, (size_t)len);
	return WIRE_LENGTH_BYTES + (size_t)len;
}

static size_t put_hello(uint8_t *to, uint16_t version)
{
	uint8_t message[16];
	const struct wire_node_hello hello = {.version = version};
	return frame(to, message, wire_node_hello_encode(&hello, message, sizeof(message)));
}

static size_t put_claim(uint8_t *to, uint32_t request)
{
	uint8_t message[16];
	const struct wire_claim claim = {.request = request};
	return frame(to, message, wire_claim_encode(&claim, message, sizeof(message)));
}

static size_t put_attach(uint8_t *to, const char *session, const char *token)
{
	uint8_t message[WIRE_ATTACH_MAX_BYTES];
	const struct wire_attach attach = {
			.session = wire_string_from(session), .token = wire_string_from(token)};
	return frame(to, message, wire_attach_encode(&attach, message, sizeof(message)));
}

/* Feeds bytes as far as the peer asks for them. Returns what peer_take did last and, in ret_used,
 * how much it took; *ret_event is the last event that was one. */
static int feed(struct peer *peer, const uint8_t *bytes, size_t len, size_t step, size_t *ret_used,
		struct peer_event *ret_event)
{
	size_t at = 0;
	int code = 0;
	while (code == 0 && at < len && peer_wanted(peer)) {
		size_t part = peer_wanted(peer);
		part = part > len - at ? len - at : part;
		part = part > step ? step : part;
		struct peer_event event;
		code = peer_take(peer, bytes + at, part, &event);
		at += part;
		if (event.kind != PEER_EVENT_NONE) {
			*ret_event = event;
		}
	}
	*ret_used = at;
	return code;
}

TEST(peer_takes_attach_and_not_a_byte_more)
{
	uint8_t bytes[512];
	size_t len = put_hello(bytes, WIRE_VERSION);
	len += put_attach(bytes + len, "abc", "t0ken");
	size_t wanted = len;
	memset(bytes + len, 0x40, 20);
	for (size_t step = 1; step < 40; step++) {
		struct peer peer;
		struct peer_event event = {.kind = PEER_EVENT_NONE};
		size_t used;
		peer_init(&peer);
		CHECK_INT(feed(&peer, bytes, len + 20, step, &used, &event), 0);
		CHECK_INT(used, wanted);
		CHECK_INT(event.kind, PEER_EVENT_ATTACH);
		CHECK_TEXT(event.session, "abc");
		CHECK_TEXT(event.token, "t0ken");
		CHECK_INT(peer.state, PEER_STREAM);
		CHECK_INT(peer_wanted(&peer), 0);
	}
}

TEST(peer_needs_hello_first)
{
	uint8_t bytes[64];
	struct peer peer;
	struct peer_event event = {.kind = PEER_EVENT_NONE};
	size_t used;
	peer_init(&peer);
	CHECK_INT(feed(&peer, bytes, put_claim(bytes, 1), 64, &used, &event), -EBADMSG);
	CHECK_INT(event.kind, PEER_EVENT_NONE);
	CHECK_INT(peer_wanted(&peer), 0);
	peer_init(&peer);
	CHECK_INT(feed(&peer, bytes, put_hello(bytes, WIRE_VERSION + 1), 64, &used, &event),
			-EPROTONOSUPPORT);
	CHECK_INT(peer.state, PEER_BROKEN);
}

TEST(peer_does_not_say_hello_twice_nor_attach_after_a_request)
{
	uint8_t bytes[512];
	struct peer peer;
	struct peer_event event;
	size_t used;
	size_t len = put_hello(bytes, WIRE_VERSION);
	len += put_hello(bytes + len, WIRE_VERSION);
	peer_init(&peer);
	CHECK_INT(feed(&peer, bytes, len, 512, &used, &event), -EBADMSG);
	len = put_hello(bytes, WIRE_VERSION);
	len += put_claim(bytes + len, 7);
	len += put_attach(bytes + len, "abc", "t0ken");
	peer_init(&peer);
	CHECK_INT(feed(&peer, bytes, len, 512, &used, &event), -EBADMSG);
	CHECK_INT(event.kind, PEER_EVENT_CLAIM);
	CHECK_INT(event.request, 7);
}

TEST(peer_refuses_bad_lengths_at_once)
{
	static const uint8_t lengths[][4] = {{0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff},
			{PEER_MESSAGE_MAX_BYTES + 1, 0, 0, 0}};
	for (size_t i = 0; i < 3; i++) {
		struct peer peer;
		struct peer_event event;
		peer_init(&peer);
		CHECK_INT(peer_take(&peer, lengths[i], 4, &event), -EBADMSG);
		CHECK_INT(peer_wanted(&peer), 0);
	}
}

TEST(peer_refuses_messages_of_other_groups_cut_and_overlong_ones)
{
	uint8_t hello[64];
	size_t hello_len = put_hello(hello, WIRE_VERSION);
	for (unsigned type = 0; type < 256; type++) {
		if (type >= WIRE_CLAIM && type <= WIRE_ATTACH) {
			continue;
		}
		uint8_t bytes[] = {5, 0, 0, 0, (uint8_t)type, 1, 0, 0, 0};
		struct peer peer;
		struct peer_event event;
		size_t used;
		peer_init(&peer);
		CHECK_INT(feed(&peer, hello, hello_len, 64, &used, &event), 0);
		CHECK_INT(feed(&peer, bytes, sizeof(bytes), 64, &used, &event), -EBADMSG);
	}
	for (unsigned len = 1; len < 10; len++) {
		uint8_t bytes[16] = {(uint8_t)len, 0, 0, 0, WIRE_CLAIM};
		struct peer peer;
		struct peer_event event;
		size_t used;
		peer_init(&peer);
		CHECK_INT(feed(&peer, hello, hello_len, 64, &used, &event), 0);
		CHECK_INT(feed(&peer, bytes, 4 + len, 64, &used, &event), len == 5 ? 0 : -EBADMSG);
	}
}

TEST(peer_refuses_texts_that_are_no_utf8)
{
	uint8_t bytes[512];
	size_t len = put_hello(bytes, WIRE_VERSION);
	size_t attach = len;
	len += put_attach(bytes + len, "abc", "t0ken");
	bytes[attach + WIRE_LENGTH_BYTES + 3] = 0xff;
	struct peer peer;
	struct peer_event event;
	size_t used;
	peer_init(&peer);
	CHECK_INT(feed(&peer, bytes, len, 512, &used, &event), -EBADMSG);
	bytes[attach + WIRE_LENGTH_BYTES + 3] = 0;
	peer_init(&peer);
	CHECK_INT(feed(&peer, bytes, len, 512, &used, &event), -EBADMSG);
}

TEST(pool_gives_a_warm_session_then_waits_then_is_full)
{
	struct pool_counts counts = {.capacity = 2, .target = 1, .taken = 1, .warm = 1};
	CHECK_INT(pool_claim(&counts), POOL_CLAIM_WARM);
	counts = (struct pool_counts){.capacity = 2, .target = 1, .taken = 1};
	CHECK_INT(pool_claim(&counts), POOL_CLAIM_WAIT);
	counts.waiting = 1;
	CHECK_INT(pool_claim(&counts), POOL_CLAIM_FULL);
	counts = (struct pool_counts){.capacity = 2, .taken = 2, .starting = 1};
	CHECK_INT(pool_claim(&counts), POOL_CLAIM_WAIT);
	counts.waiting = 1;
	CHECK_INT(pool_claim(&counts), POOL_CLAIM_FULL);
	counts = (struct pool_counts){.capacity = 2, .taken = 2};
	CHECK_INT(pool_claim(&counts), POOL_CLAIM_FULL);
}

TEST(pool_starts_one_for_each_claim_and_refills_one_at_a_time)
{
	struct pool_counts counts = {.capacity = 8, .target = 3};
	CHECK(pool_wants_start(&counts, false));
	CHECK(!pool_wants_start(&counts, true));
	counts.starting = counts.taken = 1;
	CHECK(!pool_wants_start(&counts, false));
	counts.waiting = 2;
	CHECK(pool_wants_start(&counts, false));
	CHECK(pool_wants_start(&counts, true));
	counts.starting = counts.taken = 2;
	CHECK(!pool_wants_start(&counts, false));
	counts.waiting = 3;
	counts.taken = 8;
	CHECK(!pool_wants_start(&counts, false));
	counts = (struct pool_counts){.capacity = 8, .target = 3, .taken = 3, .warm = 3};
	CHECK(!pool_wants_start(&counts, false));
	counts = (struct pool_counts){.capacity = 8, .target = 0};
	CHECK(!pool_wants_start(&counts, false));
}

TEST(pool_backs_off_to_a_limit)
{
	CHECK_INT(pool_backoff_ms(1), POOL_BACKOFF_FIRST_MS);
	CHECK_INT(pool_backoff_ms(2), 2 * POOL_BACKOFF_FIRST_MS);
	CHECK_INT(pool_backoff_ms(3), 4 * POOL_BACKOFF_FIRST_MS);
	CHECK_INT(pool_backoff_ms(1000000), POOL_BACKOFF_MAX_MS);
}

TEST(slots_have_ids_of_their_own)
{
	struct slots slots;
	CHECK_INT(slots_init(&slots, 3), 0);
	CHECK_INT(slots_take(&slots), 0);
	CHECK_INT(slots_take(&slots), 1);
	slots_give(&slots, 0);
	/* The one just given back comes last. */
	CHECK_INT(slots_take(&slots), 2);
	CHECK_INT(slots_take(&slots), 0);
	CHECK_INT(slots_take(&slots), -ENOSPC);
	CHECK_INT(slots.taken, 3);
	slots_finish(&slots);
	CHECK_INT(SLOTS_UID_FIRST % 65536, 0);
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		CHECK_INT(slot_container_uid(slot) % 65536, 0);
		CHECK(slot_compositor_uid(slot) >= slot_container_uid(slot) + 65536);
		CHECK(slot_encoder_uid(slot) > slot_compositor_uid(slot));
		CHECK(slot + 1 == SLOTS_MAX ||
				slot_encoder_uid(slot) < slot_container_uid(slot + 1));
	}
	CHECK(slot_encoder_uid(SLOTS_MAX - 1) < 0x7fffffff);
}

static const struct lease_limits limits = {
		.disconnected_ms = 300000, .idle_ms = 7200000, .session_ms = 43200000};

TEST(lease_ends_when_nobody_comes_back)
{
	struct lease lease;
	enum wire_reason reason;
	lease_begin(&lease, &limits, 1000);
	CHECK_INT(lease_end_ms(&lease, &reason), 301000);
	CHECK_INT(reason, WIRE_REASON_DISCONNECTED);
	lease_note_attached(&lease, true, 2000);
	CHECK_INT(lease_end_ms(&lease, &reason), 7201000);
	CHECK_INT(reason, WIRE_REASON_IDLE);
	lease_note_attached(&lease, false, 50000);
	CHECK_INT(lease_end_ms(&lease, &reason), 350000);
	CHECK_INT(reason, WIRE_REASON_DISCONNECTED);
	/* A second report of the same is no new departure. */
	lease_note_attached(&lease, false, 90000);
	CHECK_INT(lease_end_ms(&lease, &reason), 350000);
	lease_note_contact(&lease, 100000);
	CHECK_INT(lease_end_ms(&lease, &reason), 400000);
}

TEST(lease_ends_without_input_and_at_its_limit)
{
	struct lease lease;
	enum wire_reason reason;
	lease_begin(&lease, &limits, 0);
	lease_note_attached(&lease, true, 0);
	lease_note_input(&lease, 7000000);
	CHECK_INT(lease_end_ms(&lease, &reason), 14200000);
	CHECK_INT(reason, WIRE_REASON_IDLE);
	lease_note_input(&lease, 42000000);
	CHECK_INT(lease_end_ms(&lease, &reason), 43200000);
	CHECK_INT(reason, WIRE_REASON_TIME_LIMIT);
}
