/* What the halves of a stream share: stream.c opens, ends and feeds it, stream_down.c writes to the
 * client. */
#ifndef SAFEWEB_GATEWAY_STREAM_STATE_H
#define SAFEWEB_GATEWAY_STREAM_STATE_H

#include "base/buffer.h"
#include "gateway/origin.h"
#include "gateway/relay.h"
#include "gateway/stream.h"

enum stream_state {
	STREAM_GREETING, /* node_hello is sent */
	STREAM_ATTACHING, /* attach is sent */
	STREAM_RELAYING,
	STREAM_DRAINING, /* the node is gone; what it sent goes to the client */
	STREAM_CLOSING,
};

struct stream {
	struct gateway *gateway;
	struct lws *wsi;
	enum stream_state state;
	int64_t login;
	char user[STORE_NAME_BYTES];
	char address[ORIGIN_ADDRESS_BYTES];
	char session[STORE_SESSION_BYTES];
	char token[STORE_TOKEN_BYTES]; /* wiped when it is used */
	int node_fd;
	struct loop_source source;
	struct loop_timer timer; /* attaching; then the pause of the input */
	struct relay down;
	struct buffer up; /* to the node, with lengths */
	struct buffer notices; /* to the client, with lengths */
	uint8_t input[WIRE_SHORT_MAX_BYTES]; /* of a message that comes in parts */
	size_t input_len;
	size_t fragment_len; /* of the message that goes out in fragments; 0: none does */
	size_t fragment_at; /* bytes of it that were sent */
	bool has_said_hello;
	bool is_node_paused;
	bool is_client_paused;
	bool wants_pause;
	int ending_reason; /* the session ended; its encoder's bye and end of file are waited for */
	uint64_t tokens_us; /* when the next input message is free to come */
	enum stream_close close_code;
	const char *close_text;
	struct stream *previous;
	struct stream *next;
};

/* The node sent what the protocol does not have: audit, and close. */
void stream_refuse_node(struct stream *stream);
/* Watches the node's socket for what the stream can do now. */
void stream_update_events(struct stream *stream);

/* Whether the client has so much to take that the node has to wait. */
bool stream_is_down_full(const struct stream *stream);
/* The client can take more: -1 closes the WebSocket. */
int stream_handle_writable(struct stream *stream);

#endif
