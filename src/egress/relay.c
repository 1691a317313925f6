/* From a connected socket to the last byte. */
#include "egress/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "egress/response.h"

static void end_writing(struct side *side)
{
	if (!side->write_ended && side->fd >= 0) {
		shutdown(side->fd, SHUT_WR);
		side->write_ended = true;
	}
}

/* Sends as much of side->out as it takes. 0 or a negative errno. */
static int flush(struct side *side)
{
	while (buffer_length(&side->out)) {
		ssize_t sent = send(side->fd, buffer_head(&side->out), buffer_length(&side->out),
				MSG_NOSIGNAL);
		if (sent < 0) {
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		}
		buffer_consume(&side->out, (size_t)sent);
	}
	/* An idle connection holds no buffer. */
	size_t max_bytes = side->out.max_bytes;
	buffer_finish(&side->out);
	buffer_init(&side->out, max_bytes);
	return 0;
}

/* Sends bytes, keeping what is not taken at once. */
static int send_or_keep(struct side *side, const uint8_t *bytes, size_t len)
{
	size_t at = 0;
	if (buffer_length(&side->out) == 0) {
		ssize_t sent = send(side->fd, bytes, len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			return -errno;
		}
		at = sent > 0 ? (size_t)sent : 0;
	}
	return buffer_append(&side->out, bytes + at, len - at);
}

/* The client sees a reset, not an end that could pass for a whole answer. */
static void abort_connection(struct connection *connection)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	setsockopt(connection->client.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	connection_close(connection);
}

static void count_up(struct connection *connection, size_t len)
{
	connection->bytes_up += len;
	connection->session->bytes_up += len;
	connection->active_ms = clock_now_ms();
}

static void count_down(struct connection *connection, size_t len)
{
	connection->bytes_down += len;
	connection->session->bytes_down += len;
	connection->active_ms = clock_now_ms();
}

void connection_drain(struct connection *connection)
{
	connection->state = CONNECTION_DRAINING;
	connection->client.is_read = !connection->client.read_ended;
	connection_set_timer(connection, connection->session->context->limits.linger_timeout_ms);
	if (flush(&connection->client) < 0) {
		connection_close(connection);
		return;
	}
	if (buffer_length(&connection->client.out) == 0) {
		end_writing(&connection->client);
		if (connection->client.read_ended) {
			connection_close(connection);
		}
	}
}

/* The server closed or broke the connection while a request was still being sent: the answer may be
 * there all the same. */
static void stop_sending(struct connection *connection)
{
	buffer_consume(&connection->upstream.out, buffer_length(&connection->upstream.out));
	connection->client.is_read = false;
	connection->body.state = BODY_DONE;
}

static void flush_upstream(struct connection *connection)
{
	if (flush(&connection->upstream) == 0) {
		if (buffer_length(&connection->upstream.out) == 0 && connection->is_tunnel &&
				connection->client.read_ended) {
			end_writing(&connection->upstream);
		}
		return;
	}
	if (connection->is_tunnel) {
		abort_connection(connection);
	} else {
		stop_sending(connection);
	}
}

/* Both directions of a tunnel, or the answer of a plain request, have ended and are sent. */
static void check_end(struct connection *connection)
{
	bool down_done = connection->upstream.read_ended &&
			buffer_length(&connection->client.out) == 0;
	bool up_done = connection->client.read_ended &&
			buffer_length(&connection->upstream.out) == 0;
	if (connection->state != CONNECTION_RELAYING || !down_done) {
		return;
	}
	if (!connection->is_tunnel) {
		side_finish(&connection->upstream);
		connection_drain(connection);
		return;
	}
	end_writing(&connection->client);
	if (up_done) {
		connection_close(connection);
	}
}

/* Bytes of the client that belong to its request's body. Negative: they break its framing. */
static int send_body(struct connection *connection, const uint8_t *bytes, size_t len)
{
	long taken = body_take(&connection->body, bytes, len);
	if (taken < 0) {
		return -EBADMSG;
	}
	if ((size_t)taken < len) {
		connection->client.is_read = false; /* a second request is not served */
	}
	count_up(connection, (size_t)taken);
	if (send_or_keep(&connection->upstream, bytes, (size_t)taken) < 0) {
		stop_sending(connection);
	}
	return 0;
}

static void pump_up(struct connection *connection)
{
	struct side *client = &connection->client;
	struct side *upstream = &connection->upstream;
	uint8_t *chunk = connection->session->context->chunk;
	if (!client->is_read || client->read_ended || buffer_length(&upstream->out)) {
		return;
	}
	ssize_t got = read(client->fd, chunk, EGRESS_CHUNK_BYTES);
	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			connection_close(connection);
		}
		return;
	}
	if (got == 0 && connection->is_tunnel) {
		client->read_ended = true;
		end_writing(upstream);
	} else if (got == 0) {
		connection_close(connection); /* nobody waits for the answer any more */
	} else if (connection->is_tunnel) {
		count_up(connection, (size_t)got);
		if (send_or_keep(upstream, chunk, (size_t)got) < 0) {
			abort_connection(connection);
		}
	} else if (send_body(connection, chunk, (size_t)got) < 0) {
		abort_connection(connection);
	}
}

static void pump_down(struct connection *connection)
{
	struct side *upstream = &connection->upstream;
	uint8_t *chunk = connection->session->context->chunk;
	if (!upstream->is_read || upstream->read_ended || buffer_length(&connection->client.out)) {
		return;
	}
	ssize_t got = read(upstream->fd, chunk, EGRESS_CHUNK_BYTES);
	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			abort_connection(connection);
		}
		return;
	}
	if (got == 0) {
		upstream->read_ended = true;
		return;
	}
	count_down(connection, (size_t)got);
	if (send_or_keep(&connection->client, chunk, (size_t)got) < 0) {
		connection_close(connection);
	}
}

static void start_relaying(struct connection *connection)
{
	struct context *context = connection->session->context;
	connection->state = CONNECTION_RELAYING;
	connection->active_ms = clock_now_ms();
	connection_set_timer(connection, context->limits.idle_timeout_ms);
}

/* From here on bytes go both ways as they are; first those that came too early. */
static void start_tunnel(struct connection *connection)
{
	struct buffer *early = &connection->head;
	struct buffer *answer = &connection->answer;
	size_t early_len = buffer_length(early);
	size_t answer_len = buffer_length(answer);
	connection->is_tunnel = true;
	connection->client.is_read = true;
	start_relaying(connection);
	count_up(connection, early_len);
	count_down(connection, answer_len);
	if (buffer_append(&connection->upstream.out, buffer_head(early), early_len) < 0 ||
			buffer_append(&connection->client.out, buffer_head(answer), answer_len) <
					0 ||
			flush(&connection->client) < 0 || flush(&connection->upstream) < 0) {
		abort_connection(connection);
		return;
	}
	buffer_finish(early);
	buffer_finish(answer);
}

static void establish_tunnel(struct connection *connection)
{
	static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	if (buffer_append(&connection->client.out, established, sizeof(established) - 1) < 0) {
		connection_close(connection);
		return;
	}
	start_tunnel(connection);
}

static void start_plain(struct connection *connection)
{
	struct context *context = connection->session->context;
	struct buffer *head = &connection->head;
	connection->state = CONNECTION_AWAITING_RESPONSE;
	connection->client.is_read = !connection->is_upgrade;
	connection->active_ms = clock_now_ms();
	connection_set_timer(connection, context->limits.idle_timeout_ms);
	count_up(connection, buffer_length(&connection->upstream.out));
	if (!connection->is_upgrade) {
		if (send_body(connection, buffer_head(head), buffer_length(head)) < 0) {
			connection_refuse(connection, REFUSAL_SYNTAX);
			return;
		}
		buffer_finish(head);
	}
	if (flush(&connection->upstream) < 0) {
		stop_sending(connection);
	}
}

void connection_start_relay(struct connection *connection, int fd)
{
	struct context *context = connection->session->context;
	connection->upstream.fd = fd;
	connection->upstream.is_read = true;
	connection->verdict = "allowed";
	if (!connection->is_connect) {
		start_plain(connection);
	} else if (!context->has_proxy) {
		establish_tunnel(connection);
	} else {
		connection->state = CONNECTION_AWAITING_PROXY;
		connection_set_timer(connection, context->limits.connect_timeout_ms);
		if (flush(&connection->upstream) < 0) {
			connection_refuse(connection, REFUSAL_PROXY);
		}
	}
}

/* Reads more of an answer's head. Returns the head's length once it is whole, 0 when more is
 * needed, -EBADMSG when it ended or is too long. */
static long read_answer(struct connection *connection)
{
	struct buffer *answer = &connection->answer;
	size_t room = HEAD_MAX_BYTES + 1 - buffer_length(answer);
	uint8_t *to = buffer_reserve(answer, room);
	if (!to) {
		return -EBADMSG;
	}
	ssize_t got = read(connection->upstream.fd, to, room);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	if (got <= 0) {
		return -EBADMSG;
	}
	buffer_commit(answer, (size_t)got);
	connection->active_ms = clock_now_ms();
	return 1;
}

static long find_answer_end(struct connection *connection)
{
	struct buffer *answer = &connection->answer;
	return head_find_end((const char *)buffer_head(answer), buffer_length(answer), true,
			&connection->answer_scanned);
}

static void handle_proxy_answer(struct connection *connection)
{
	long len = read_answer(connection);
	if (len > 0) {
		len = find_answer_end(connection);
	}
	if (len == 0) {
		return;
	}
	struct buffer *answer = &connection->answer;
	int status = len < 0 ? -EBADMSG
			     : response_status((const char *)buffer_head(answer), (size_t)len);
	if (status < 200 || status > 299) {
		connection_refuse(connection, REFUSAL_PROXY);
		return;
	}
	buffer_consume(answer, (size_t)len);
	establish_tunnel(connection);
}

/* What follows the last head of an answer is body. */
static void start_answer_body(struct connection *connection)
{
	struct buffer *answer = &connection->answer;
	size_t len = buffer_length(answer);
	start_relaying(connection);
	/* A refused upgrade was not read from: from here on its client's leaving is noticed. */
	connection->client.is_read |= connection->is_upgrade;
	count_down(connection, len);
	if (buffer_append(&connection->client.out, buffer_head(answer), len) < 0 ||
			flush(&connection->client) < 0) {
		connection_close(connection);
		return;
	}
	buffer_finish(answer);
}

/* Passes one head on. False when the answer has not come to its body yet. */
static bool pass_answer_head(struct connection *connection, size_t len)
{
	struct buffer *answer = &connection->answer;
	const char *head = (const char *)buffer_head(answer);
	int status = response_status(head, len);
	bool is_switch = status == 101;
	if (status < 0 || (is_switch && !connection->is_upgrade) ||
			response_write(head, len, &connection->client.out) < 0) {
		connection_refuse(connection, REFUSAL_ANSWER);
		return true;
	}
	buffer_consume(answer, len);
	count_down(connection, len);
	connection->answer_scanned = 0;
	if (is_switch) {
		start_tunnel(connection);
	} else if (status >= 200) {
		start_answer_body(connection);
	} else {
		return false;
	}
	return true;
}

static void handle_answer(struct connection *connection)
{
	long len = read_answer(connection);
	while (len > 0) {
		len = find_answer_end(connection);
		if (len > 0 && pass_answer_head(connection, (size_t)len)) {
			return;
		}
	}
	if (len < 0) {
		connection_refuse(connection, REFUSAL_ANSWER);
	} else if (flush(&connection->client) < 0) {
		connection_close(connection);
	}
}

static void handle_draining(struct connection *connection, uint32_t events)
{
	struct side *client = &connection->client;
	if (events & EPOLLIN) {
		uint8_t *chunk = connection->session->context->chunk;
		ssize_t got = read(client->fd, chunk, EGRESS_CHUNK_BYTES);
		if (got < 0 && errno != EAGAIN && errno != EINTR) {
			connection_close(connection);
			return;
		}
		client->is_read = got != 0;
		client->read_ended = got == 0;
	}
	if (flush(client) < 0) {
		connection_close(connection);
	} else if (buffer_length(&client->out) == 0) {
		end_writing(client);
		if (client->read_ended) {
			connection_close(connection);
		}
	}
}

void connection_handle_client(struct connection *connection, uint32_t events)
{
	if (connection->state == CONNECTION_DRAINING) {
		handle_draining(connection, events);
		return;
	}
	if ((events & EPOLLOUT) && flush(&connection->client) < 0) {
		connection_close(connection);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		pump_up(connection);
	}
	check_end(connection);
}

static void handle_upstream_readable(struct connection *connection)
{
	switch (connection->state) {
	case CONNECTION_AWAITING_PROXY:
		handle_proxy_answer(connection);
		break;
	case CONNECTION_AWAITING_RESPONSE:
		if (buffer_length(&connection->client.out) == 0) {
			handle_answer(connection);
		}
		break;
	case CONNECTION_RELAYING:
		pump_down(connection);
		break;
	case CONNECTION_READING_HEAD:
	case CONNECTION_RESOLVING:
	case CONNECTION_CONNECTING:
	case CONNECTION_DRAINING:
	case CONNECTION_CLOSED:
		break;
	}
}

void connection_handle_upstream(struct loop_source *source, uint32_t events)
{
	struct connection *connection = source->data;
	if (events & EPOLLOUT) {
		flush_upstream(connection);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		handle_upstream_readable(connection);
	}
	if (connection->state != CONNECTION_CLOSED) {
		check_end(connection);
	}
	if (connection->state != CONNECTION_CLOSED) {
		connection_update(connection);
	}
}
