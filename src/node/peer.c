#include "node/peer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void peer_init(struct peer *peer)
{
	*peer = (struct peer){.state = PEER_HELLO};
}

static size_t message_len(const struct peer *peer)
{
	size_t len = 0;
	for (size_t i = 0; i < WIRE_LENGTH_BYTES; i++) {
		len |= (size_t)peer->bytes[i] << (8 * i);
	}
	return len;
}

size_t peer_wanted(const struct peer *peer)
{
	if (peer->state == PEER_STREAM || peer->state == PEER_BROKEN) {
		return 0;
	}
	if (peer->len < WIRE_LENGTH_BYTES) {
		return WIRE_LENGTH_BYTES - peer->len;
	}
	return WIRE_LENGTH_BYTES + message_len(peer) - peer->len;
}

static int take_hello(const uint8_t *bytes, size_t len, struct peer_event *event)
{
	struct wire_node_hello hello;
	if (wire_node_hello_decode(bytes, len, &hello) < 0) {
		return -EBADMSG;
	}
	event->kind = PEER_EVENT_WELCOME;
	return hello.version == WIRE_VERSION ? 0 : -EPROTONOSUPPORT;
}

static int take_attach(const uint8_t *bytes, size_t len, struct peer_event *event)
{
	struct wire_attach attach;
	if (wire_attach_decode(bytes, len, &attach) < 0) {
		return -EBADMSG;
	}
	event->kind = PEER_EVENT_ATTACH;
	wire_string_copy(attach.session, event->session, sizeof(event->session));
	wire_string_copy(attach.token, event->token, sizeof(event->token));
	return 0;
}

static int take_request(const uint8_t *bytes, size_t len, struct peer_event *event)
{
	union {
		struct wire_claim claim;
		struct wire_release release;
		struct wire_kill kill;
		struct wire_status status;
	} message;
	int code = -EBADMSG;
	if (bytes[0] == WIRE_CLAIM) {
		code = wire_claim_decode(bytes, len, &message.claim);
		event->kind = PEER_EVENT_CLAIM;
		event->request = code == 0 ? message.claim.request : 0;
	} else if (bytes[0] == WIRE_STATUS) {
		code = wire_status_decode(bytes, len, &message.status);
		event->kind = PEER_EVENT_STATUS;
		event->request = code == 0 ? message.status.request : 0;
	} else if (bytes[0] == WIRE_RELEASE) {
		code = wire_release_decode(bytes, len, &message.release);
		event->kind = PEER_EVENT_RELEASE;
		if (code == 0) {
			event->request = message.release.request;
			wire_string_copy(message.release.session, event->session,
					sizeof(event->session));
		}
	} else if (bytes[0] == WIRE_KILL) {
		code = wire_kill_decode(bytes, len, &message.kill);
		event->kind = PEER_EVENT_KILL;
		if (code == 0) {
			event->request = message.kill.request;
			wire_string_copy(message.kill.session, event->session,
					sizeof(event->session));
		}
	}
	return code;
}

static int take_message(
		struct peer *peer, const uint8_t *bytes, size_t len, struct peer_event *event)
{
	int code = -EBADMSG;
	switch (peer->state) {
	case PEER_HELLO:
		code = take_hello(bytes, len, event);
		peer->state = PEER_OPEN;
		break;
	case PEER_OPEN:
		if (bytes[0] == WIRE_ATTACH) {
			code = take_attach(bytes, len, event);
			peer->state = PEER_STREAM;
			break;
		}
		code = take_request(bytes, len, event);
		peer->state = PEER_CONTROL;
		break;
	case PEER_CONTROL:
		code = take_request(bytes, len, event);
		break;
	case PEER_STREAM:
	case PEER_BROKEN:
		break;
	}
	return code;
}

int peer_take(struct peer *peer, const uint8_t *bytes, size_t len, struct peer_event *ret_event)
{
	assert(len <= peer_wanted(peer));
	*ret_event = (struct peer_event){.kind = PEER_EVENT_NONE};
	if (len == 0) {
		return 0;
	}
	memcpy(peer->bytes + peer->len, bytes, len);
	peer->len += len;
	if (peer->len < WIRE_LENGTH_BYTES) {
		return 0;
	}
	size_t body_len = message_len(peer);
	if (body_len == 0 || body_len > PEER_MESSAGE_MAX_BYTES) {
		peer->state = PEER_BROKEN;
		return -EBADMSG;
	}
	if (peer->len < WIRE_LENGTH_BYTES + body_len) {
		return 0;
	}
	struct peer_event event = {.kind = PEER_EVENT_NONE};
	peer->len = 0;
	int code = take_message(peer, peer->bytes + WIRE_LENGTH_BYTES, body_len, &event);
	if (code < 0) {
		peer->state = PEER_BROKEN;
		return code;
	}
	*ret_event = event;
	return 0;
}
