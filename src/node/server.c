#include "node/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define BACKLOG 128
/* Messages of one connection handled before the others get their turn. */
#define MESSAGES_A_TURN 16

static void free_closed(struct loop_timer *timer)
{
	struct server *server = timer->data;
	while (server->closed) {
		struct connection *connection = server->closed;
		server->closed = connection->next;
		buffer_finish(&connection->out);
		free(connection);
	}
}

void connection_close(struct connection *connection)
{
	if (connection->fd < 0) {
		return;
	}
	struct server *server = connection->server;
	loop_source_remove(&connection->source);
	loop_timer_disarm(&connection->handshake);
	cleanup_close(&connection->fd);
	if (connection->previous) {
		connection->previous->next = connection->next;
	} else {
		server->connections = connection->next;
	}
	if (connection->next) {
		connection->next->previous = connection->previous;
	}
	connection->next = server->closed;
	server->closed = connection;
	server->count--;
	loop_timer_arm(&server->sweep, 0);
	if (server->listen_fd >= 0) {
		loop_source_update(&server->source, EPOLLIN);
	}
}

struct connection *server_find(const struct server *server, uint64_t number)
{
	struct connection *connection = server->connections;
	while (connection && connection->number != number) {
		connection = connection->next;
	}
	return connection;
}

/* Writes what waits. 0, or a negative errno when the connection is done for. */
static int flush(struct connection *connection)
{
	while (buffer_length(&connection->out)) {
		ssize_t sent = send(connection->fd, buffer_head(&connection->out),
				buffer_length(&connection->out), MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent < 0 && errno == EAGAIN) {
			return loop_source_update(&connection->source, EPOLLIN | EPOLLOUT);
		}
		if (sent < 0) {
			return -errno;
		}
		buffer_consume(&connection->out, (size_t)sent);
	}
	return loop_source_update(&connection->source, EPOLLIN);
}

bool connection_is_flushed(const struct connection *connection)
{
	return buffer_length(&connection->out) == 0;
}

void connection_send(struct connection *connection, const uint8_t *message, size_t len)
{
	if (connection->fd < 0) {
		return;
	}
	uint8_t head[WIRE_LENGTH_BYTES];
	wire_put_length(head, len);
	int code = buffer_append(&connection->out, head, sizeof(head));
	code = code < 0 ? code : buffer_append(&connection->out, message, len);
	code = code < 0 ? code : flush(connection);
	if (code < 0) {
		if (code == -ENOBUFS) {
			log_warning("a gateway does not read its answers: closing its connection");
		}
		connection_close(connection);
	}
}

void server_broadcast(struct server *server, const uint8_t *message, size_t len)
{
	struct connection *next;
	for (struct connection *connection = server->connections; connection; connection = next) {
		next = connection->next;
		if (connection->peer.state == PEER_CONTROL) {
			connection_send(connection, message, len);
		}
	}
}

/* 1 when a message was handled and more may follow, 0 when no more is there, negative to close. */
static int read_some(struct connection *connection)
{
	uint8_t bytes[PEER_MESSAGE_MAX_BYTES + WIRE_LENGTH_BYTES];
	ssize_t got = recv(connection->fd, bytes, peer_wanted(&connection->peer), 0);
	if (got < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	if (got == 0) {
		return -ECONNRESET;
	}
	struct peer_event event;
	int code = peer_take(&connection->peer, bytes, (size_t)got, &event);
	if (code < 0) {
		log_warning("a gateway sent what the protocol does not have: closing its "
			    "connection");
		return code;
	}
	if (event.kind != PEER_EVENT_NONE) {
		loop_timer_disarm(&connection->handshake);
		connection->server->handle(connection->server->data, connection, &event);
	}
	return 1;
}

static void handle_connection(struct loop_source *source, uint32_t events)
{
	struct connection *connection = source->data;
	int code = events & EPOLLOUT ? flush(connection) : 0;
	if (code >= 0 && events & EPOLLIN) {
		/* A message takes two turns: its length, its body. */
		code = 1;
		for (int i = 0; i < 2 * MESSAGES_A_TURN && code > 0 && connection->fd >= 0; i++) {
			code = peer_wanted(&connection->peer) ? read_some(connection) : 0;
		}
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		code = -ECONNRESET;
	}
	if (code < 0) {
		connection_close(connection);
	}
}

static void handle_silence(struct loop_timer *timer)
{
	log_warning("a gateway connected and said nothing: closing its connection");
	connection_close(timer->data);
}

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		return false;
	}
	if (peer.uid != 0 && peer.uid != GATEWAY_UID) {
		log_warning("user %u is not the gateway's and may not speak to the node",
				(unsigned)peer.uid);
		return false;
	}
	return true;
}

static int add_connection(struct server *server, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection) {
		return -ENOMEM;
	}
	int code = loop_source_add(server->loop, &connection->source, fd, EPOLLIN,
			handle_connection, connection);
	if (code < 0) {
		free(connection);
		return code;
	}
	connection->server = server;
	connection->number = ++server->last_number;
	connection->fd = fd;
	peer_init(&connection->peer);
	buffer_init(&connection->out, SERVER_QUEUE_MAX_BYTES);
	loop_timer_init(server->loop, &connection->handshake, handle_silence, connection);
	loop_timer_arm(&connection->handshake, SERVER_HANDSHAKE_MS);
	connection->next = server->connections;
	if (connection->next) {
		connection->next->previous = connection;
	}
	server->connections = connection;
	server->count++;
	return 0;
}

static void handle_listener(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct server *server = source->data;
	if (server->count >= SERVER_CONNECTIONS_MAX) {
		loop_source_update(&server->source, 0);
		return;
	}
	CLEANUP_CLOSE int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE) {
			/* Until a connection is closed there is nothing to accept with. */
			log_error("no descriptor is left to accept a connection");
			loop_source_update(&server->source, 0);
		}
		return;
	}
	if (is_allowed(fd) && add_connection(server, fd) == 0) {
		steal_fd(&fd);
	}
}

static int listen_on(struct server *server, const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path)) {
		return error_set(err, -ENAMETOOLONG,
				"the socket's path %s is longer than %zu bytes: choose a shorter "
				"run folder",
				path, sizeof(address.sun_path) - 1);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Nobody may connect before the owner is right: the mask leaves no one a permission. */
	mode_t mask = umask(0777);
	int code = server->listen_fd < 0 ||
					bind(server->listen_fd, (struct sockaddr *)&address,
							sizeof(address)) < 0
			? error_set_errno(err, "cannot make the socket %s", path)
			: 0;
	umask(mask);
	if (code == 0 &&
			(chown(path, 0, GATEWAY_UID) < 0 || chmod(path, 0660) < 0 ||
					listen(server->listen_fd, BACKLOG) < 0)) {
		code = error_set_errno(err, "cannot listen on %s", path);
	}
	return code;
}

int server_start(struct server *server, struct loop *loop, const char *path, server_handler handle,
		void *data, struct error *err)
{
	*server = (struct server){.loop = loop, .listen_fd = -1, .handle = handle, .data = data};
	loop_timer_init(loop, &server->sweep, free_closed, server);
	int code = listen_on(server, path, err);
	if (code < 0) {
		return code;
	}
	code = loop_source_add(
			loop, &server->source, server->listen_fd, EPOLLIN, handle_listener, server);
	return code < 0 ? error_set(err, code, "cannot watch %s", path) : 0;
}

void server_finish(struct server *server)
{
	if (!server->loop) {
		return;
	}
	if (server->listen_fd >= 0) {
		loop_source_remove(&server->source);
		cleanup_close(&server->listen_fd);
	}
	while (server->connections) {
		connection_close(server->connections);
	}
	loop_timer_disarm(&server->sweep);
	free_closed(&server->sweep);
}
