/* One connection of a session: from the client's request to the last byte relayed.
 *
 *   READING_HEAD ─▶ RESOLVING ─▶ CONNECTING ─▶ AWAITING_PROXY ─▶ RELAYING ─▶ DRAINING ─▶ CLOSED
 *        │              │             │  └───▶ AWAITING_RESPONSE ──▲            ▲
 *        └──────────────┴─ refusal ───┴─────────────────────────────────────────┘
 *
 * One request a connection: a plain request is sent with Connection: close, and nothing behind its
 * body is read, so that nobody can hide a second request that was not checked. */
#ifndef SAFEWEB_EGRESS_CONNECTION_H
#define SAFEWEB_EGRESS_CONNECTION_H

#include "base/buffer.h"
#include "egress/body.h"
#include "egress/dial.h"
#include "egress/reply.h"
#include "egress/session.h"

enum connection_state {
	CONNECTION_READING_HEAD,
	CONNECTION_RESOLVING,
	CONNECTION_CONNECTING,
	CONNECTION_AWAITING_PROXY, /* the upstream proxy's answer to CONNECT */
	CONNECTION_AWAITING_RESPONSE, /* the head of the answer to a plain request */
	CONNECTION_RELAYING,
	CONNECTION_DRAINING, /* the last bytes go to the client, its own are thrown away */
	CONNECTION_CLOSED,
};

/* One of the two sockets. */
struct side {
	int fd; /* owned; -1: none */
	struct loop_source source;
	struct buffer out; /* not yet sent to it; while it holds bytes, the other is not read */
	bool is_read; /* its bytes are wanted */
	bool read_ended; /* it said it sends no more */
	bool write_ended;
};

struct connection {
	struct session *session; /* NULL once closed */
	enum connection_state state;
	struct side client;
	struct side upstream;
	struct buffer head; /* of the request; then what came behind it */
	struct buffer answer; /* the head of an answer */
	size_t head_scanned;
	size_t answer_scanned;
	struct target target;
	bool is_known; /* target is set */
	bool is_connect;
	bool is_upgrade;
	bool is_tunnel; /* bytes are relayed as they are */
	struct body body;
	struct lookup *lookup;
	struct dial dial;
	struct loop_timer timer;
	uint64_t started_ms;
	uint64_t active_ms;
	uint64_t bytes_up;
	uint64_t bytes_down;
	const char *verdict; /* for the audit line; NULL: nothing was decided */
	bool is_refused;
	struct connection *previous; /* in its session; next also among the dead */
	struct connection *next;
};

/* Takes the client's socket in any case. */
int connection_create(struct session *session, int fd);
/* Closes it and writes its audit line; it is freed later. */
void connection_close(struct connection *connection);
/* Frees the closed ones. */
void connection_reap(struct context *context);

/* Between the stages of a connection: route.c, relay.c. */

/* Tells the client why not, and ends. */
void connection_refuse(struct connection *connection, enum refusal refusal);
void connection_init_dial(struct connection *connection);
/* Decides where the parsed request goes and starts to connect. */
void connection_route(struct connection *connection);
/* The upstream socket is there. */
void connection_start_relay(struct connection *connection, int fd);
/* Handlers of both sockets from READING_HEAD's end on. */
void connection_handle_client(struct connection *connection, uint32_t events);
void connection_handle_upstream(struct loop_source *source, uint32_t events);
/* Closes a socket and forgets what was to be sent to it. */
void side_finish(struct side *side);
/* Asks the loop for what each side waits for. */
void connection_update(struct connection *connection);
/* Sends what is left to the client, then ends. */
void connection_drain(struct connection *connection);
void connection_set_timer(struct connection *connection, uint64_t timeout_ms);

#endif
