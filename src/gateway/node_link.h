/* The control connection to a node: requests out, answers and events in. It reconnects by itself. A
 * node is not trusted: what it sends is checked, and a bad message costs it the connection. */
#ifndef SAFEWEB_GATEWAY_NODE_LINK_H
#define SAFEWEB_GATEWAY_NODE_LINK_H

#include <stdbool.h>

#include "base/loop.h"
#include "store/store.h"
#include "wire/messages.h"

#define NODE_REQUEST_TIMEOUT_MS 5000
/* Requests under way at once. */
#define NODE_REQUESTS_MAX 256

struct node_answer {
	int code; /* 0; -ENOTCONN, -ETIMEDOUT, -EBUSY (of our own), -EREMOTEIO: refused */
	uint16_t reason; /* of a refusal: enum wire_reason */
	char session[STORE_SESSION_BYTES]; /* of a claim */
	char token[STORE_TOKEN_BYTES];
};

/* Called once for each request, never from inside the function that made it. */
typedef void (*node_answer_handler)(void *data, const struct node_answer *answer);

struct node_events {
	/* The connection is up, and these are all sessions that the node holds. */
	void (*ready)(void *data, const char (*sessions)[STORE_SESSION_BYTES], size_t count);
	void (*ended)(void *data, const char *session, uint16_t reason);
	void (*notice)(void *data, const char *session, uint16_t code, struct wire_string detail);
};

struct node_link;

/* path: the node's socket. events and data outlive the link. Connecting begins at once. */
int node_link_create(struct loop *loop, const char *path, const struct node_events *events,
		void *data, struct node_link **ret_link, struct error *err);
/* Requests under way get no answer. */
void node_link_destroy(struct node_link *link);

bool node_link_is_ready(const struct node_link *link);

void node_claim(struct node_link *link, node_answer_handler handler, void *data);
/* handler may be NULL. */
void node_release(struct node_link *link, const char *session, node_answer_handler handler,
		void *data);
void node_kill(struct node_link *link, const char *session, node_answer_handler handler,
		void *data);

/* A connected, non-blocking socket to a node, or a negative errno. */
int node_dial(const char *path);

/* Whether a text from a node is a session's id: 32 lower-case hexadecimal digits. */
bool node_session_is_valid(struct wire_string session);

#endif
