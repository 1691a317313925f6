/* The parser between a node's display stream and a client, and the buffer it works in. Pure. */
#ifndef SAFEWEB_GATEWAY_RELAY_H
#define SAFEWEB_GATEWAY_RELAY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/messages.h"

/* Room kept before the first byte, for the header that a WebSocket puts in front. */
#define RELAY_HEADROOM_BYTES 32
/* One TLS record with a fragment's header. Longer messages go out in fragments of this. */
#define RELAY_CHUNK_BYTES (16 * 1024 - 16)
/* Two of the longest messages: one going out, one coming in. */
#define RELAY_MAX_BYTES (2 * (WIRE_MESSAGE_MAX_BYTES + WIRE_LENGTH_BYTES))

struct relay {
	uint8_t *bytes; /* owned; allocation of size */
	size_t start; /* never below RELAY_HEADROOM_BYTES */
	size_t end;
	size_t size;
	size_t packed_end; /* where the messages end that relay_pack has turned into frames */
	uint16_t bye_reason; /* of the last message bye, 0 when there was none */
};

void relay_init(struct relay *relay);
void relay_finish(struct relay *relay);

/* Makes room for at least len bytes at the end: where to write them, NULL when RELAY_MAX_BYTES
 * would be passed or memory is out. Then raise relay->end. */
uint8_t *relay_reserve(struct relay *relay, size_t len);

static inline size_t relay_length(const struct relay *relay)
{
	return relay->end - relay->start;
}

/* The next whole message, checked: its length and place (with headroom before it), 0 when more
 * bytes are needed, -EBADMSG when the node broke the protocol. It stays until relay_consume. */
long relay_next(struct relay *relay, uint8_t **ret_message);
/* Turns the next whole messages into finished WebSocket frames, in place, as many as
 * RELAY_CHUNK_BYTES take: one write, one TLS record. Returns the frames' bytes and place; 0 when
 * there is no message, or the next one is longer and has to go alone; -EBADMSG. Then consume with
 * relay_consume_packed. */
long relay_pack(struct relay *relay, uint8_t **ret_frames);
void relay_consume_packed(struct relay *relay, long len);

/* Drops a message of len bytes that relay_next gave. */
void relay_consume(struct relay *relay, size_t len);

#endif
