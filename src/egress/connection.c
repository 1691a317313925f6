#include "egress/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"

static void side_init(struct side *side, int fd)
{
	*side = (struct side){.fd = fd};
	/* A head in front of a chunk is the most that is ever waiting. */
	buffer_init(&side->out, HEAD_MAX_BYTES * 2 + EGRESS_CHUNK_BYTES);
}

void side_finish(struct side *side)
{
	loop_source_remove(&side->source);
	cleanup_close(&side->fd);
	buffer_finish(&side->out);
}

static void write_audit_line(const struct connection *connection)
{
	struct session *session = connection->session;
	if (!connection->verdict || (connection->is_refused && !session_may_log_refusal(session))) {
		return;
	}
	char address[ADDRESS_TEXT_BYTES] = "-";
	if (connection->dial.at < connection->dial.count) {
		address_format(&connection->dial.addresses[connection->dial.at], address);
	}
	/* Host and session have no character that could forge a field. */
	log_info("session=%s host=%s port=%u address=%s verdict=%s up=%llu down=%llu ms=%llu",
			session->id, connection->is_known ? connection->target.host : "-",
			connection->target.port, address, connection->verdict,
			(unsigned long long)connection->bytes_up,
			(unsigned long long)connection->bytes_down,
			(unsigned long long)(clock_now_ms() - connection->started_ms));
}

static void unlink_from_session(struct connection *connection)
{
	struct session *session = connection->session;
	if (connection->previous) {
		connection->previous->next = connection->next;
	} else {
		session->connections = connection->next;
	}
	if (connection->next) {
		connection->next->previous = connection->previous;
	}
	session->connection_count--;
	session->context->connection_count--;
}

void connection_close(struct connection *connection)
{
	struct session *session = connection->session;
	if (connection->state == CONNECTION_CLOSED) {
		return;
	}
	write_audit_line(connection);
	connection->state = CONNECTION_CLOSED;
	loop_timer_disarm(&connection->timer);
	lookup_cancel(connection->lookup);
	connection->lookup = NULL;
	dial_finish(&connection->dial);
	side_finish(&connection->client);
	side_finish(&connection->upstream);
	buffer_finish(&connection->head);
	buffer_finish(&connection->answer);
	unlink_from_session(connection);
	connection->session = NULL;
	struct context *context = session->context;
	connection->next = context->dead;
	context->dead = connection;
	if (context->reaper.due_ms == 0) {
		loop_timer_arm(&context->reaper, 0);
	}
	session_handle_closed(session);
}

void connection_reap(struct context *context)
{
	while (context->dead) {
		struct connection *connection = context->dead;
		context->dead = connection->next;
		free(connection);
	}
}

void connection_set_timer(struct connection *connection, uint64_t timeout_ms)
{
	loop_timer_arm(&connection->timer, timeout_ms);
}

void connection_refuse(struct connection *connection, enum refusal refusal)
{
	const struct refusal_info *info = refusal_info(refusal);
	connection->verdict = info->verdict;
	connection->is_refused = true;
	session_note_refusal(connection->session, info->notice,
			connection->is_known ? connection->target.host : "");
	lookup_cancel(connection->lookup);
	connection->lookup = NULL;
	dial_finish(&connection->dial);
	side_finish(&connection->upstream);
	int code = reply_write(refusal, &connection->target, connection->is_connect,
			&connection->client.out);
	if (code < 0) {
		connection_close(connection);
		return;
	}
	connection_drain(connection);
}

static enum refusal refusal_of_parse(int code)
{
	switch (code) {
	case -E2BIG:
	case -EMSGSIZE:
		return REFUSAL_TOO_LARGE;
	case -EPERM:
		return REFUSAL_SPELLING;
	case -EPROTONOSUPPORT:
		return REFUSAL_SCHEME;
	default:
		return REFUSAL_SYNTAX;
	}
}

/* Takes over what the request says; the request itself is not kept. */
static int take_request(struct connection *connection, struct request *request)
{
	bool to_proxy = connection->session->context->has_proxy;
	/* An upstream proxy that does not know of upgrades would read what follows a forged answer
	 * 101 as further requests, which nobody checked. Browsers use CONNECT for their sockets. */
	request->is_upgrade = request->is_upgrade && !to_proxy;
	connection->target = request->target;
	connection->is_known = true;
	connection->is_upgrade = request->is_upgrade;
	body_init(&connection->body, request);
	if (request->kind == REQUEST_PLAIN) {
		return request_write(request, to_proxy, &connection->upstream.out);
	}
	if (!to_proxy) {
		return 0;
	}
	char authority[TARGET_TEXT_BYTES];
	char head[2 * TARGET_TEXT_BYTES + 64];
	target_format(&request->target, 0, authority);
	int len = snprintf(head, sizeof(head), "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority,
			authority);
	return buffer_append(&connection->upstream.out, head, (size_t)len);
}

static void parse_head(struct connection *connection)
{
	struct buffer *head = &connection->head;
	struct request *request = &connection->session->context->request;
	const char *bytes = (const char *)buffer_head(head);
	long len = head_find_end(bytes, buffer_length(head), false, &connection->head_scanned);
	if (len == 0) {
		return;
	}
	int code = len < 0 ? (int)len : request_parse(bytes, (size_t)len, request);
	if (len > 0) {
		connection->is_connect = request->kind == REQUEST_CONNECT;
	}
	if (code < 0) {
		connection_refuse(connection, refusal_of_parse(code));
		return;
	}
	if (take_request(connection, request) < 0) {
		connection_close(connection);
		return;
	}
	buffer_consume(head, (size_t)len);
	connection->client.is_read = false;
	connection_route(connection);
}

static void read_head(struct connection *connection)
{
	struct buffer *head = &connection->head;
	/* A byte more than a head may have, so that a too long one is seen to be. */
	size_t room = HEAD_MAX_BYTES + 1 - buffer_length(head);
	uint8_t *to = buffer_reserve(head, room < 4096 ? room : 4096);
	ssize_t got = to ? read(connection->client.fd, to, room < 4096 ? room : 4096) : -1;
	if (got < 0 && to && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0) {
		connection_close(connection);
		return;
	}
	buffer_commit(head, (size_t)got);
	parse_head(connection);
}

static void handle_client(struct loop_source *source, uint32_t events)
{
	struct connection *connection = source->data;
	if (connection->state == CONNECTION_READING_HEAD) {
		read_head(connection);
	} else {
		connection_handle_client(connection, events);
	}
	if (connection->state != CONNECTION_CLOSED) {
		connection_update(connection);
	}
}

/* A side with nothing to wait for leaves the loop: a hang-up would be reported again and again. */
static int side_update(struct connection *connection, struct side *side, const struct side *peer)
{
	bool wants_in = side->is_read && !side->read_ended && buffer_length(&peer->out) == 0;
	/* What goes into a buffer of its own does not wait for the peer's. */
	if (connection->state == CONNECTION_READING_HEAD ||
			connection->state == CONNECTION_DRAINING) {
		wants_in = side->is_read;
	}
	uint32_t events = (wants_in ? EPOLLIN : 0U) | (buffer_length(&side->out) ? EPOLLOUT : 0U);
	if (side->fd < 0 || events == 0) {
		loop_source_remove(&side->source);
		return 0;
	}
	if (side->source.loop) {
		return loop_source_update(&side->source, events);
	}
	bool is_client = side == &connection->client;
	return loop_source_add(connection->session->context->loop, &side->source, side->fd, events,
			is_client ? handle_client : connection_handle_upstream, connection);
}

void connection_update(struct connection *connection)
{
	if (side_update(connection, &connection->client, &connection->upstream) < 0 ||
			side_update(connection, &connection->upstream, &connection->client) < 0) {
		connection_close(connection);
	}
}

/* Closes when idle, or comes back when it will have been idle for long enough. */
static void handle_idle_timer(struct connection *connection)
{
	const struct egress_limits *limits = &connection->session->context->limits;
	bool is_half_closed = connection->client.read_ended || connection->upstream.read_ended;
	uint64_t timeout = is_half_closed && connection->is_tunnel ? limits->half_closed_timeout_ms
								   : limits->idle_timeout_ms;
	uint64_t idle = clock_now_ms() - connection->active_ms;
	if (idle >= timeout) {
		connection_close(connection);
	} else {
		connection_set_timer(connection, timeout - idle);
	}
}

static void handle_timer(struct loop_timer *timer)
{
	struct connection *connection = timer->data;
	switch (connection->state) {
	case CONNECTION_READING_HEAD:
		if (buffer_length(&connection->head)) {
			connection_refuse(connection, REFUSAL_SLOW);
		} else {
			connection_close(connection);
		}
		break;
	case CONNECTION_RESOLVING:
	case CONNECTION_CONNECTING:
		connection_refuse(connection, REFUSAL_TIMEOUT);
		break;
	case CONNECTION_AWAITING_PROXY:
		connection_refuse(connection, REFUSAL_PROXY);
		break;
	case CONNECTION_AWAITING_RESPONSE:
	case CONNECTION_RELAYING:
		handle_idle_timer(connection);
		break;
	case CONNECTION_DRAINING:
		connection_close(connection);
		break;
	case CONNECTION_CLOSED:
		break;
	}
	if (connection->state != CONNECTION_CLOSED) {
		connection_update(connection);
	}
}

int connection_create(struct session *session, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return -ENOMEM;
	}
	struct context *context = session->context;
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->session = session;
	side_init(&connection->client, fd);
	side_init(&connection->upstream, -1);
	connection->client.is_read = true;
	buffer_init(&connection->head, HEAD_MAX_BYTES + 4096);
	buffer_init(&connection->answer, HEAD_MAX_BYTES + EGRESS_CHUNK_BYTES);
	connection->started_ms = clock_now_ms();
	loop_timer_init(context->loop, &connection->timer, handle_timer, connection);
	connection_init_dial(connection);
	connection->next = session->connections;
	if (connection->next) {
		connection->next->previous = connection;
	}
	session->connections = connection;
	session->connection_count++;
	session->connections_total++;
	context->connection_count++;
	connection_set_timer(connection, context->limits.head_timeout_ms);
	connection_update(connection);
	return 0;
}
