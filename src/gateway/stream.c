#include "gateway/stream_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/request.h"

/* From the WebSocket's opening to the node's attached_stream. */
#define ATTACH_TIMEOUT_MS 5000
/* For the rest of the stream and the close frame to go out. */
#define CLOSE_TIMEOUT_S 5
/* For the encoder's bye after the session's end was asked for. */
#define BYE_TIMEOUT_MS 2000
#define READ_CHUNK_BYTES (256 * 1024)
/* With this much waiting for the node, the client is not read. */
#define UP_HIGH_BYTES (32 * 1024)
/* The rest is what may still come from one TLS record before the pause is applied. */
#define UP_MAX_BYTES (UP_HIGH_BYTES + 64 * 1024)
#define NOTICES_MAX_BYTES (16 * 1024)
/* Input messages a second, and at once. A mouse has 1000 events a second, a viewer sends fewer. */
#define INPUT_RATE 1500
#define INPUT_BURST 3000
#define INPUT_PAUSE_MS 50

/* ---- ending ---- */

static void drop_node(struct stream *stream)
{
	loop_timer_disarm(&stream->timer);
	if (stream->node_fd >= 0) {
		loop_source_remove(&stream->source);
		close(stream->node_fd);
		stream->node_fd = -1;
	}
}

/* Not from inside the library's reading: version 4.1.6 turns in circles for ever when it is told to
 * stop while a TLS record is half read. stream_apply_pauses does it afterwards. */
static void update_client_pause(struct stream *stream, bool is_paused)
{
	stream->wants_pause = is_paused;
	stream->gateway->has_pauses = true;
}

void stream_apply_pauses(struct gateway *gateway)
{
	gateway->has_pauses = false;
	for (struct stream *stream = gateway->streams; stream; stream = stream->next) {
		if (stream->is_client_paused != stream->wants_pause) {
			stream->is_client_paused = stream->wants_pause;
			lws_rx_flow_control(stream->wsi, !stream->is_client_paused);
		}
	}
}

static void end(struct stream *stream, enum stream_state state, enum stream_close code,
		const char *text)
{
	if (stream->state == STREAM_CLOSING) {
		return;
	}
	drop_node(stream);
	update_client_pause(stream, false);
	if (stream->state != STREAM_DRAINING) {
		lws_set_timeout(stream->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_TIMEOUT_S);
	}
	stream->state = state;
	stream->close_code = code;
	stream->close_text = text;
	lws_callback_on_writable(stream->wsi);
}

/* Closes at once; what was to go to the client does not. */
static void close_stream(struct stream *stream, enum stream_close code, const char *text)
{
	end(stream, STREAM_CLOSING, code, text);
}

/* The node's end of the stream is reached: the rest goes out, then it is closed. */
static void drain_stream(struct stream *stream)
{
	end(stream, STREAM_DRAINING, STREAM_NODE_UNREACHABLE, "the node is not reachable");
}

void stream_refuse_node(struct stream *stream)
{
	stream->gateway->metrics.messages_refused++;
	audit_refused(stream->gateway, stream->user, stream->address, stream->session,
			"the node broke the protocol");
	close_stream(stream, STREAM_PROTOCOL_ERROR, "the node broke the protocol");
}

static void refuse_client(struct stream *stream)
{
	stream->gateway->metrics.messages_refused++;
	audit_refused(stream->gateway, stream->user, stream->address, stream->session,
			"the client broke the protocol");
	close_stream(stream, STREAM_PROTOCOL_ERROR, "the client broke the protocol");
}

/* ---- client → node ---- */

void stream_update_events(struct stream *stream)
{
	bool has_output = buffer_length(&stream->up) > 0 && stream->state != STREAM_ATTACHING &&
			stream->state != STREAM_GREETING;
	loop_source_update(&stream->source,
			(stream->is_node_paused ? 0 : EPOLLIN) | (has_output ? EPOLLOUT : 0));
}

static void flush_up(struct stream *stream)
{
	while (buffer_length(&stream->up) > 0) {
		ssize_t sent = send(stream->node_fd, buffer_head(&stream->up),
				buffer_length(&stream->up), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0) {
			/* A broken connection shows as a hang-up. */
			break;
		}
		buffer_consume(&stream->up, (size_t)sent);
	}
	stream_update_events(stream);
	if (buffer_length(&stream->up) < UP_HIGH_BYTES / 2 && stream->timer.due_ms == 0) {
		update_client_pause(stream, false);
	}
}

/* Takes one message out of the rate; returns the milliseconds that the client has to be paused for.
 */
static uint64_t count_input(struct stream *stream)
{
	uint64_t now = clock_now_us();
	uint64_t burst_us = (uint64_t)INPUT_BURST * 1000000 / INPUT_RATE;
	if (stream->tokens_us + burst_us < now) {
		stream->tokens_us = now - burst_us;
	}
	stream->tokens_us += 1000000 / INPUT_RATE;
	return stream->tokens_us <= now ? 0 : (stream->tokens_us - now) / 1000 + INPUT_PAUSE_MS;
}

static void pass_up(struct stream *stream, const uint8_t *message, size_t len)
{
	uint8_t length[WIRE_LENGTH_BYTES];
	if (wire_input_check(message, len) < 0 ||
			stream->has_said_hello == (message[0] == WIRE_HELLO)) {
		refuse_client(stream);
		return;
	}
	stream->has_said_hello = true;
	wire_put_length(length, len);
	if (buffer_append(&stream->up, length, sizeof(length)) < 0 ||
			buffer_append(&stream->up, message, len) < 0) {
		refuse_client(stream); /* it sends on although it is paused */
		return;
	}
	stream->gateway->metrics.bytes_up += len;
	if (stream->state == STREAM_RELAYING) {
		flush_up(stream);
		uint64_t pause_ms = count_input(stream);
		if (pause_ms) {
			loop_timer_arm(&stream->timer, pause_ms);
		}
	}
	if (buffer_length(&stream->up) >= UP_HIGH_BYTES ||
			(stream->state == STREAM_RELAYING && stream->timer.due_ms)) {
		update_client_pause(stream, true);
	}
}

/* A part of a message, or a whole one. */
static void handle_client_bytes(struct stream *stream, const uint8_t *bytes, size_t len)
{
	if (stream->state >= STREAM_DRAINING || stream->ending_reason) {
		return;
	}
	lws_validity_confirmed(stream->wsi);
	bool is_last = lws_is_final_fragment(stream->wsi) &&
			!lws_remaining_packet_payload(stream->wsi);
	if (!lws_frame_is_binary(stream->wsi) || len > sizeof(stream->input) - stream->input_len) {
		refuse_client(stream);
		return;
	}
	if (is_last && stream->input_len == 0) {
		pass_up(stream, bytes, len);
		return;
	}
	if (len) {
		memcpy(stream->input + stream->input_len, bytes, len);
		stream->input_len += len;
	}
	if (is_last) {
		size_t whole = stream->input_len;
		stream->input_len = 0;
		pass_up(stream, stream->input, whole);
	}
}

/* ---- node → client ---- */

static int send_to_node(struct stream *stream, uint8_t *bytes, long len)
{
	if (len <= 0) {
		return -EINVAL;
	}
	wire_put_length(bytes, (size_t)len);
	size_t whole = (size_t)len + WIRE_LENGTH_BYTES;
	/* The first bytes on a connection always fit into the socket. */
	return send(stream->node_fd, bytes, whole, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)whole
			? 0
			: -EIO;
}

static int send_hello(struct stream *stream)
{
	uint8_t out[WIRE_LENGTH_BYTES + WIRE_NODE_HELLO_MAX_BYTES];
	struct wire_node_hello hello = {.version = WIRE_VERSION};
	return send_to_node(stream, out,
			wire_node_hello_encode(&hello, out + WIRE_LENGTH_BYTES,
					sizeof(out) - WIRE_LENGTH_BYTES));
}

static int send_attach(struct stream *stream)
{
	uint8_t out[WIRE_LENGTH_BYTES + WIRE_ATTACH_MAX_BYTES];
	struct wire_attach attach = {.session = wire_string_from(stream->session),
			.token = wire_string_from(stream->token)};
	int code = send_to_node(stream, out,
			wire_attach_encode(&attach, out + WIRE_LENGTH_BYTES,
					sizeof(out) - WIRE_LENGTH_BYTES));
	explicit_bzero(stream->token, sizeof(stream->token));
	explicit_bzero(out, sizeof(out));
	return code;
}

static void handle_refused(struct stream *stream, const uint8_t *message, size_t len)
{
	struct wire_refused refused;
	if (wire_refused_decode(message, len, &refused) < 0) {
		stream_refuse_node(stream);
	} else if (refused.reason == WIRE_REASON_UNKNOWN_SESSION) {
		/* The node lost it, and the directory did not hear. */
		session_has_ended(stream->gateway, stream->session, WIRE_REASON_FAILED);
		close_stream(stream, STREAM_SESSION_ENDED, "the session has ended");
	} else {
		close_stream(stream, STREAM_NODE_UNREACHABLE, "the node refused the stream");
	}
}

static void handle_attached(struct stream *stream)
{
	stream->state = STREAM_RELAYING;
	loop_timer_disarm(&stream->timer);
	audit_write(stream->gateway, "session_attached", stream->user, stream->address,
			stream->session, "");
	flush_up(stream);
}

/* The two messages before the display stream. False: no more for now. */
static bool handle_greeting(struct stream *stream)
{
	struct relay *down = &stream->down;
	const uint8_t *message;
	long len = relay_length(down) == 0
			? 0
			: wire_stream_next(down->bytes + down->start, relay_length(down),
					  WIRE_SHORT_MAX_BYTES, &message);
	if (len <= 0) {
		if (len < 0) {
			stream_refuse_node(stream);
		}
		return false;
	}
	struct wire_node_welcome welcome;
	struct wire_attached_stream attached;
	if (message[0] == WIRE_REFUSED) {
		handle_refused(stream, message, (size_t)len);
		return false;
	}
	bool is_good = stream->state == STREAM_GREETING
			? wire_node_welcome_decode(message, (size_t)len, &welcome) == 0 &&
					welcome.version == WIRE_VERSION
			: wire_attached_stream_decode(message, (size_t)len, &attached) == 0;
	if (!is_good) {
		stream_refuse_node(stream);
		return false;
	}
	relay_consume(down, (size_t)len);
	if (stream->state == STREAM_ATTACHING) {
		handle_attached(stream);
		return true;
	}
	stream->state = STREAM_ATTACHING;
	if (send_attach(stream) < 0) {
		close_stream(stream, STREAM_NODE_UNREACHABLE, "the node is not reachable");
		return false;
	}
	return true;
}

static void handle_node_readable(struct stream *stream)
{
	uint8_t *room = relay_reserve(&stream->down, READ_CHUNK_BYTES);
	if (!room) {
		log_error("no memory for a stream");
		close_stream(stream, STREAM_NODE_UNREACHABLE, "the gateway is short of memory");
		return;
	}
	ssize_t got = recv(stream->node_fd, room, READ_CHUNK_BYTES, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0) {
		drain_stream(stream);
		return;
	}
	stream->down.end += (size_t)got;
	while (stream->state < STREAM_RELAYING && handle_greeting(stream)) {
	}
	if (stream->state != STREAM_RELAYING) {
		return;
	}
	stream->is_node_paused = stream_is_down_full(stream);
	stream_update_events(stream);
	lws_callback_on_writable(stream->wsi);
}

static void handle_node_events(struct loop_source *source, uint32_t events)
{
	struct stream *stream = source->data;
	if (events & EPOLLOUT) {
		flush_up(stream);
	}
	if (stream->is_node_paused && (events & (EPOLLHUP | EPOLLERR))) {
		/* It would be reported again and again; what is in the socket is read when there is
		 * room. */
		loop_source_update(&stream->source, 0);
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !stream->is_node_paused) {
		handle_node_readable(stream);
	}
}

static void handle_timer(struct loop_timer *timer)
{
	struct stream *stream = timer->data;
	if (stream->state < STREAM_RELAYING) {
		close_stream(stream, STREAM_NODE_UNREACHABLE, "the node does not answer");
	} else if (stream->ending_reason) {
		drain_stream(stream);
	} else if (stream->state == STREAM_RELAYING && buffer_length(&stream->up) < UP_HIGH_BYTES) {
		update_client_pause(stream, false);
	}
}

/* ---- opening ---- */

static int dial(struct stream *stream)
{
	stream->node_fd = node_dial(stream->gateway->node_path);
	if (stream->node_fd < 0) {
		return -EHOSTUNREACH;
	}
	int code = loop_source_add(stream->gateway->loop, &stream->source, stream->node_fd, EPOLLIN,
			handle_node_events, stream);
	if (code == 0) {
		code = send_hello(stream);
	}
	loop_timer_arm(&stream->timer, ATTACH_TIMEOUT_MS);
	return code;
}

/* The session that the request's ticket and cookie stand for. */
static int use_ticket(struct stream *stream)
{
	struct gateway *gateway = stream->gateway;
	struct store_login login;
	struct store_session session;
	char ticket[TOKEN_BYTES + 16];
	const char *value = lws_get_urlarg_by_name(stream->wsi, "ticket=", ticket, sizeof(ticket));
	if (request_login(gateway, stream->wsi, &login, NULL) < 0) {
		return -EACCES;
	}
	stream->login = login.id;
	memcpy(stream->user, login.user, sizeof(stream->user));
	if (!value ||
			ticket_use(&gateway->tickets, value, login.id, clock_now_ms(),
					stream->session) < 0) {
		return -EACCES;
	}
	explicit_bzero(ticket, sizeof(ticket));
	if (store_session_get(gateway->store, stream->session, &session, NULL) < 0 ||
			!session.is_live || session.account != login.account) {
		return -EACCES;
	}
	memcpy(stream->token, session.token, sizeof(stream->token));
	explicit_bzero(&session, sizeof(session));
	return 0;
}

static void link_stream(struct stream *stream)
{
	struct gateway *gateway = stream->gateway;
	stream->next = gateway->streams;
	if (stream->next) {
		stream->next->previous = stream;
	}
	gateway->streams = stream;
	if (gateway->stream_count++ == 0) {
		loop_timer_arm(&gateway->recheck, RECHECK_MS);
	}
}

static struct stream *stream_create(struct gateway *gateway, struct lws *wsi)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream) {
		return NULL;
	}
	stream->gateway = gateway;
	stream->wsi = wsi;
	stream->node_fd = -1;
	relay_init(&stream->down);
	buffer_init(&stream->up, UP_MAX_BYTES);
	buffer_init(&stream->notices, NOTICES_MAX_BYTES);
	loop_timer_init(gateway->loop, &stream->timer, handle_timer, stream);
	request_address(wsi, stream->address);
	link_stream(stream);
	return stream;
}

static void stream_destroy(struct stream *stream)
{
	struct gateway *gateway = stream->gateway;
	drop_node(stream);
	relay_finish(&stream->down);
	buffer_finish(&stream->up);
	buffer_finish(&stream->notices);
	if (stream->previous) {
		stream->previous->next = stream->next;
	} else {
		gateway->streams = stream->next;
	}
	if (stream->next) {
		stream->next->previous = stream->previous;
	}
	if (--gateway->stream_count == 0) {
		loop_timer_disarm(&gateway->recheck);
	}
	explicit_bzero(stream->input, sizeof(stream->input));
	free(stream);
}

static void open_stream(struct stream *stream)
{
	if (use_ticket(stream) < 0) {
		audit_refused(stream->gateway, stream->user, stream->address, NULL, "ticket");
		close_stream(stream, STREAM_TICKET_REFUSED, "the ticket is not valid");
		return;
	}
	stream->gateway->metrics.streams_opened++;
	if (dial(stream) < 0) {
		close_stream(stream, STREAM_NODE_UNREACHABLE, "the node is not reachable");
	}
}

unsigned stream_check_upgrade(struct lws *wsi, const char *upgrade)
{
	const struct gateway *gateway = lws_context_user(lws_get_context(wsi));
	char protocol[64];
	char *path = NULL;
	int path_len = 0;
	int method = lws_http_get_uri_and_method(wsi, &path, &path_len);
	if (strcasecmp(upgrade, "websocket") != 0 || method != LWSHUMETH_GET || !path) {
		return 400;
	}
	if (strcmp(path, "/stream") != 0) {
		return 404;
	}
	if (!request_is_same_origin(wsi)) {
		return 403;
	}
	/* Exactly ours: the library would take any protocol that it knows from a list. */
	if (request_header(wsi, WSI_TOKEN_PROTOCOL, protocol, sizeof(protocol)) < 0 ||
			strcmp(protocol, STREAM_PROTOCOL) != 0) {
		return 400;
	}
	return gateway->stream_count >= STREAMS_MAX || gateway->is_stopping ? 503 : 0;
}

int stream_callback(
		struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct stream **place = user;
	struct gateway *gateway = lws_context_user(lws_get_context(wsi));
	switch ((int)reason) {
	case LWS_CALLBACK_ESTABLISHED:
		*place = stream_create(gateway, wsi);
		if (!*place) {
			return -1;
		}
		open_stream(*place);
		return 0;
	case LWS_CALLBACK_RECEIVE:
		handle_client_bytes(*place, in, len);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return stream_handle_writable(*place);
	case LWS_CALLBACK_CLOSED:
		if (*place) {
			stream_destroy(*place);
			*place = NULL;
		}
		return 0;
	/* Nothing but a WebSocket belongs here. */
	case LWS_CALLBACK_HTTP:
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_RX:
		return -1;
	default:
		return 0;
	}
}

/* ---- from outside ---- */

void stream_close_of_login(struct gateway *gateway, int64_t login)
{
	for (struct stream *stream = gateway->streams; stream; stream = stream->next) {
		if (stream->login == login) {
			close_stream(stream, STREAM_LOGGED_OUT, "logged out");
		}
	}
}

void stream_session_has_ended(struct gateway *gateway, const char *session, int reason)
{
	for (struct stream *stream = gateway->streams; stream; stream = stream->next) {
		if (strcmp(stream->session, session) != 0 || stream->state >= STREAM_DRAINING) {
			continue;
		}
		if (stream->state == STREAM_RELAYING) {
			stream->ending_reason = reason;
			loop_timer_arm(&stream->timer, BYE_TIMEOUT_MS);
		} else {
			close_stream(stream, STREAM_SESSION_ENDED, "the session has ended");
		}
	}
}

void stream_send_notice(struct gateway *gateway, const char *session, uint16_t code,
		struct wire_string detail)
{
	uint8_t out[WIRE_LENGTH_BYTES + WIRE_NOTICE_MAX_BYTES];
	struct wire_notice notice = {.code = code, .detail = detail};
	long len = wire_notice_encode(
			&notice, out + WIRE_LENGTH_BYTES, sizeof(out) - WIRE_LENGTH_BYTES);
	if (len <= 0) {
		return;
	}
	wire_put_length(out, (size_t)len);
	for (struct stream *stream = gateway->streams; stream; stream = stream->next) {
		/* A client that takes none for so long misses some. */
		if (strcmp(stream->session, session) == 0 && stream->state == STREAM_RELAYING &&
				buffer_append(&stream->notices, out,
						WIRE_LENGTH_BYTES + (size_t)len) == 0) {
			lws_callback_on_writable(stream->wsi);
		}
	}
}

void stream_close_all(struct gateway *gateway)
{
	for (struct stream *stream = gateway->streams; stream; stream = stream->next) {
		close_stream(stream, STREAM_GOING_AWAY, "the gateway goes down");
	}
}

void gateway_handle_recheck(struct loop_timer *timer)
{
	struct gateway *gateway = timer->data;
	for (struct stream *stream = gateway->streams; stream; stream = stream->next) {
		if (stream->login && !login_is_valid(gateway, stream->login)) {
			close_stream(stream, STREAM_LOGGED_OUT, "logged out");
		}
	}
	session_release_orphans(gateway);
	if (gateway->stream_count > 0) {
		loop_timer_arm(&gateway->recheck, RECHECK_MS);
	}
}
