/* What one connection to node.sock may say, in which order: no socket in here.
 *
 *   HELLO ── node_hello ──▶ OPEN ── attach ──▶ STREAM (the connection leaves the node)
 *                             └── claim, release, kill, status ──▶ CONTROL
 *
 * Bytes are asked for exactly as far as the present message goes (peer_wanted), because what
 * follows `attach` belongs to the session's encoder. After an error the peer stays broken. */
#ifndef SAFEWEB_NODE_PEER_H
#define SAFEWEB_NODE_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "wire/messages.h"

/* The longest message a gateway may send. */
#define PEER_MESSAGE_MAX_BYTES WIRE_ATTACH_MAX_BYTES

enum peer_state { PEER_HELLO, PEER_OPEN, PEER_CONTROL, PEER_STREAM, PEER_BROKEN };

struct peer {
	enum peer_state state;
	size_t len; /* bytes of the present message that are there, length included */
	uint8_t bytes[WIRE_LENGTH_BYTES + PEER_MESSAGE_MAX_BYTES];
};

enum peer_event_kind {
	PEER_EVENT_NONE, /* the message is not whole yet */
	PEER_EVENT_WELCOME,
	PEER_EVENT_CLAIM,
	PEER_EVENT_RELEASE,
	PEER_EVENT_KILL,
	PEER_EVENT_STATUS,
	PEER_EVENT_ATTACH,
};

struct peer_event {
	enum peer_event_kind kind;
	uint32_t request;
	char session[WIRE_ATTACH_SESSION_MAX_BYTES + 1];
	char token[WIRE_ATTACH_TOKEN_MAX_BYTES + 1];
};

void peer_init(struct peer *peer);

/* How many bytes the present message still needs, as far as it is known; never 0 while it can talk,
 * 0 in STREAM and BROKEN. */
size_t peer_wanted(const struct peer *peer);

/* Takes len bytes, at most peer_wanted. 0 with the event; -EBADMSG for what the protocol does not
 * have here, -EPROTONOSUPPORT for another version. */
int peer_take(struct peer *peer, const uint8_t *bytes, size_t len, struct peer_event *ret_event);

#endif
