/* One client's display stream: a WebSocket on one side, a connection to the node on the other. */
#ifndef SAFEWEB_GATEWAY_STREAM_H
#define SAFEWEB_GATEWAY_STREAM_H

#include "gateway/gateway.h"

#define STREAM_PROTOCOL "safeweb.v1"
#define STREAMS_MAX 8192

/* WebSocket close codes: protocol/README.md. */
enum stream_close {
	STREAM_SESSION_ENDED = 4000,
	STREAM_REPLACED = 4001,
	STREAM_TICKET_REFUSED = 4003,
	STREAM_NODE_UNREACHABLE = 4008,
	STREAM_PROTOCOL_ERROR = 4010,
	STREAM_LOGGED_OUT = 4011,
	STREAM_GOING_AWAY = 1001,
};

/* Callbacks of the WebSocket library. */
int stream_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		size_t len);

/* Whether an upgrade request may become a stream at all: 0, or the HTTP status to refuse it with.
 */
unsigned stream_check_upgrade(struct lws *wsi, const char *upgrade);

void stream_close_of_login(struct gateway *gateway, int64_t login);
void stream_session_has_ended(struct gateway *gateway, const char *session, int reason);
void stream_send_notice(struct gateway *gateway, const char *session, uint16_t code,
		struct wire_string detail);
/* Between two rounds of the library's loop, when gateway->has_pauses. */
void stream_apply_pauses(struct gateway *gateway);
/* The gateway goes down. */
void stream_close_all(struct gateway *gateway);

#endif
