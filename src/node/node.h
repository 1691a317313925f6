/* The node: its sessions, the pool, node.sock and the egress proxy put together.
 *
 *   node_init → loop → node_finish;  SIGTERM: node_stop, and the loop ends when every session has.
 */
#ifndef SAFEWEB_NODE_NODE_H
#define SAFEWEB_NODE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/settings.h"
#include "node/egress.h"
#include "node/image_watch.h"
#include "node/place.h"
#include "node/pool.h"
#include "node/server.h"
#include "node/session.h"
#include "node/slots.h"

/* From SIGTERM to the end, sessions and all; the rest is reaped by force. */
#define NODE_STOP_MS 4000
/* Requests that wait for a session to start or end, of all connections. */
#define NODE_REQUESTS_MAX 16384

struct node_options {
	const char *libexec; /* folder of safeweb-compositor, -encoder, -egress */
	const char *image; /* the image's root; NULL: the current one of STATE */
	const char *recipe; /* that STATE's image has to be made by; NULL: the built-in path */
};

enum request_kind { REQUEST_CLAIM, REQUEST_END };

/* One that cannot be answered yet. */
struct request {
	enum request_kind kind;
	uint64_t connection;
	uint32_t number;
	char session[SESSION_ID_CHARS + 1]; /* END: the answer comes when this is gone */
	struct request *next;
};

struct node {
	struct node_options options;
	const struct settings *settings;
	struct loop *loop;
	struct place place;
	struct egress egress;
	struct server server;
	struct session_host host;
	struct slots slots;
	struct session **sessions; /* owned; by slot, NULL where none is */
	struct session *gone; /* to be freed by the sweep */
	struct request *requests; /* owned; oldest first */
	unsigned request_count;
	unsigned refill_failures; /* in a row */
	char last_failure[ERROR_TEXT_BYTES];
	struct image_watch image_watch;
	struct loop_timer refill; /* armed: a back-off runs */
	struct loop_timer sweep;
	struct loop_timer stop;
	bool is_stopping;
	bool is_announced;
};

/* Takes what a dead node left out of the way, starts the egress proxy and listens. On failure call
 * node_finish all the same. settings and loop stay the caller's. */
int node_init(struct node *node, struct loop *loop, const struct settings *settings,
		const struct node_options *options, struct error *err);
/* Starts filling the pool. */
void node_start(struct node *node);
/* Ends every session and then the loop. */
void node_stop(struct node *node);
void node_finish(struct node *node);

/* What follows is between node.c and requests.c. */

void node_count(const struct node *node, struct pool_counts *ret_counts);
/* A warm session, or NULL. */
struct session *node_warm_session(const struct node *node);
struct session *node_find_session(const struct node *node, const char *id);
/* Starts what the pool wants now. */
void node_fill(struct node *node);

#endif
