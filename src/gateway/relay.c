#include "gateway/relay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES (64 * 1024)
/* An empty buffer larger than this is given back. */
#define KEPT_BYTES (256 * 1024)

void relay_init(struct relay *relay)
{
	*relay = (struct relay){.start = RELAY_HEADROOM_BYTES, .end = RELAY_HEADROOM_BYTES};
}

void relay_finish(struct relay *relay)
{
	free(relay->bytes);
	relay_init(relay);
}

static void move_to_front(struct relay *relay)
{
	size_t len = relay_length(relay);
	if (len && relay->start > RELAY_HEADROOM_BYTES) {
		memmove(relay->bytes + RELAY_HEADROOM_BYTES, relay->bytes + relay->start, len);
	}
	relay->start = RELAY_HEADROOM_BYTES;
	relay->end = RELAY_HEADROOM_BYTES + len;
}

uint8_t *relay_reserve(struct relay *relay, size_t len)
{
	if (len > RELAY_MAX_BYTES || relay_length(relay) > RELAY_MAX_BYTES - len) {
		return NULL;
	}
	if (relay->bytes && len <= relay->size - relay->end) {
		return relay->bytes + relay->end;
	}
	move_to_front(relay);
	size_t size = relay->size ? relay->size : FIRST_BYTES;
	while (size - relay->end < len) {
		size *= 2;
	}
	if (size > relay->size) {
		uint8_t *grown = realloc(relay->bytes, size);
		if (!grown) {
			return NULL;
		}
		relay->bytes = grown;
		relay->size = size;
	}
	return relay->bytes + relay->end;
}

long relay_next(struct relay *relay, uint8_t **ret_message)
{
	if (relay_length(relay) == 0) {
		return 0;
	}
	const uint8_t *message;
	long len = wire_stream_next(relay->bytes + relay->start, relay_length(relay),
			WIRE_MESSAGE_MAX_BYTES, &message);
	if (len <= 0) {
		return len < 0 ? -EBADMSG : 0;
	}
	if (wire_display_check(message, (size_t)len) < 0) {
		return -EBADMSG;
	}
	struct wire_bye bye;
	if (message[0] == WIRE_BYE && wire_bye_decode(message, (size_t)len, &bye) == 0) {
		relay->bye_reason = bye.reason;
	}
	*ret_message = relay->bytes + relay->start + WIRE_LENGTH_BYTES;
	return len;
}

static void drop(struct relay *relay, size_t len)
{
	relay->start += len;
	if (relay->start < relay->end) {
		return;
	}
	if (relay->size > KEPT_BYTES) {
		free(relay->bytes);
		relay->bytes = NULL;
		relay->size = 0;
	}
	relay->start = RELAY_HEADROOM_BYTES;
	relay->end = RELAY_HEADROOM_BYTES;
}

/* A final binary frame's header (RFC 6455, 5.2), unmasked as a server's is. Returns its length. */
static size_t put_frame_header(uint8_t *to, size_t len)
{
	to[0] = 0x82;
	if (len < 126) {
		to[1] = (uint8_t)len;
		return 2;
	}
	to[1] = 126;
	to[2] = (uint8_t)(len >> 8);
	to[3] = (uint8_t)len;
	return 4;
}

/*   | length 4 | message | length 4 | message |      becomes
 *   | header 2 or 4 | message | header 2 or 4 | message |: never longer, so it is done in place. */
long relay_pack(struct relay *relay, uint8_t **ret_frames)
{
	size_t first = relay->start;
	size_t at = first;
	long len;
	uint8_t *message;
	while ((len = relay_next(relay, &message)) > 0 &&
			at - first + 4 + (size_t)len <= RELAY_CHUNK_BYTES) {
		size_t header = len < 126 ? 2 : 4;
		memmove(relay->bytes + at + header, message, (size_t)len);
		at += put_frame_header(relay->bytes + at, (size_t)len) + (size_t)len;
		relay->start += WIRE_LENGTH_BYTES + (size_t)len;
	}
	relay->packed_end = relay->start;
	relay->start = first;
	if (at == first) {
		return len < 0 ? len : 0;
	}
	/* What is bad comes to light again when this is out. */
	*ret_frames = relay->bytes + first;
	return (long)(at - first);
}

void relay_consume_packed(struct relay *relay, long len)
{
	assert(len > 0 && relay->packed_end >= relay->start + (size_t)len);
	drop(relay, relay->packed_end - relay->start);
}

void relay_consume(struct relay *relay, size_t len)
{
	drop(relay, WIRE_LENGTH_BYTES + len);
}
