/* node.sock: who may connect, how much, and the bytes of each connection. What they ask for is the
 * node's to carry out (requests.c). */
#ifndef SAFEWEB_NODE_SERVER_H
#define SAFEWEB_NODE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/loop.h"
#include "node/peer.h"

#define GATEWAY_UID 61001
/* Connections that the node itself holds; streams are handed over at once and do not count. At the
 * limit further ones wait in the socket's backlog. */
#define SERVER_CONNECTIONS_MAX 256
/* From the connection to its node_hello. */
#define SERVER_HANDSHAKE_MS 5000
/* Answers waiting in one connection; a gateway that reads none is cut off. A status of 8192
 * sessions with ten processes each fits. */
#define SERVER_QUEUE_MAX_BYTES (8u * 1024 * 1024)

struct server;

struct connection {
	struct server *server;
	uint64_t number; /* never used again: a request finds its connection, or that it is gone */
	int fd; /* owned; -1 once closed */
	struct peer peer;
	struct buffer out;
	struct loop_source source;
	struct loop_timer handshake;
	struct connection *previous;
	struct connection *next;
};

typedef void (*server_handler)(
		void *data, struct connection *connection, const struct peer_event *event);

struct server {
	struct loop *loop;
	int listen_fd;
	struct loop_source source;
	struct loop_timer sweep; /* frees what has been closed */
	server_handler handle;
	void *data;
	uint64_t last_number;
	unsigned count;
	struct connection *connections;
	struct connection *closed;
};

/* Listens on path, which is replaced when it is there. On failure call server_finish all the same.
 */
int server_start(struct server *server, struct loop *loop, const char *path, server_handler handle,
		void *data, struct error *err);
void server_finish(struct server *server);

struct connection *server_find(const struct server *server, uint64_t number);

/* Sends one message, its length in front. A connection that cannot take it is closed. */
void connection_send(struct connection *connection, const uint8_t *message, size_t len);
/* To every connection that has made a request. */
void server_broadcast(struct server *server, const uint8_t *message, size_t len);

/* Whether everything sent has left. */
bool connection_is_flushed(const struct connection *connection);

/* Closes now; frees later. Idempotent. */
void connection_close(struct connection *connection);

#endif
