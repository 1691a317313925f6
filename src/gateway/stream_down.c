#include <errno.h>
#include <string.h>

#include "gateway/stream_state.h"

/* With whole messages and this much waiting for the client, the node is not read. */
#define DOWN_HIGH_BYTES (256 * 1024)

/* Whether the client has so much to take that the node has to wait. Only whole messages count: a
 * part of one is of no use to anybody. */
bool stream_is_down_full(const struct stream *stream)
{
	const uint8_t *message;
	if (relay_length(&stream->down) < DOWN_HIGH_BYTES) {
		return false;
	}
	return stream->fragment_len ||
			wire_stream_next(stream->down.bytes + stream->down.start,
					relay_length(&stream->down), WIRE_MESSAGE_MAX_BYTES,
					&message) != 0;
}

static int write_notices(struct stream *stream)
{
	const uint8_t *message;
	long len;
	while (buffer_length(&stream->notices) > 0 && !lws_send_pipe_choked(stream->wsi) &&
			(len = wire_stream_next(buffer_head(&stream->notices),
					 buffer_length(&stream->notices), WIRE_SHORT_MAX_BYTES,
					 &message)) > 0) {
		uint8_t out[LWS_PRE + WIRE_NOTICE_MAX_BYTES];
		memcpy(out + LWS_PRE, message, (size_t)len);
		if (lws_write(stream->wsi, out + LWS_PRE, (size_t)len, LWS_WRITE_BINARY) <
				(int)len) {
			return -1;
		}
		buffer_consume(&stream->notices, WIRE_LENGTH_BYTES + (size_t)len);
	}
	return 0;
}

/* Writes the next part of a long message. The library writes headers in front of each part, over
 * the length and over what was sent: from now on the message is not read again. 0, or -1 when the
 * client is gone. */
static int write_fragment(struct stream *stream)
{
	uint8_t *message = stream->down.bytes + stream->down.start + WIRE_LENGTH_BYTES;
	size_t left = stream->fragment_len - stream->fragment_at;
	bool is_last = left <= RELAY_CHUNK_BYTES;
	size_t part = is_last ? left : RELAY_CHUNK_BYTES;
	int protocol = (stream->fragment_at ? LWS_WRITE_CONTINUATION : LWS_WRITE_BINARY) |
			(is_last ? 0 : LWS_WRITE_NO_FIN);
	if (lws_write(stream->wsi, message + stream->fragment_at, part,
			    (enum lws_write_protocol)protocol) < (int)part) {
		return -1;
	}
	stream->gateway->metrics.bytes_down += part;
	stream->fragment_at += part;
	if (is_last) {
		relay_consume(&stream->down, stream->fragment_len);
		stream->fragment_len = 0;
		stream->fragment_at = 0;
	}
	return 0;
}

/* Writes short messages together, as frames that are finished already: for the library they are
 * raw. 1, 0 when there are none, -EBADMSG, or -EPIPE when the client is gone. */
static int write_packed(struct stream *stream)
{
	uint8_t *frames;
	long len = relay_pack(&stream->down, &frames);
	if (len <= 0) {
		return (int)len;
	}
	if (lws_write(stream->wsi, frames, (size_t)len, LWS_WRITE_HTTP) < (int)len) {
		return -EPIPE;
	}
	stream->gateway->metrics.bytes_down += (uint64_t)len;
	relay_consume_packed(&stream->down, len);
	return 1;
}

/* Begins the next message that was not packed, which is long. 1, 0 when there is none, -EBADMSG. */
static int begin_fragments(struct stream *stream)
{
	uint8_t *message;
	long len = relay_next(&stream->down, &message);
	stream->fragment_len = len > 0 ? (size_t)len : 0;
	return len > 0 ? 1 : (int)len;
}

/* Writes messages until the client is full or there are none. 1: there are more; -1: it is gone. */
static int write_messages(struct stream *stream)
{
	while (!lws_send_pipe_choked(stream->wsi)) {
		int code = stream->fragment_len ? 0 : write_packed(stream);
		if (code > 0) {
			continue;
		}
		if (code == 0 && !stream->fragment_len) {
			code = begin_fragments(stream);
		}
		if (code == -EBADMSG) {
			stream_refuse_node(stream);
			return 0;
		}
		if (code < 0) {
			return -1;
		}
		if (!stream->fragment_len) {
			return 0;
		}
		if (write_fragment(stream) < 0) {
			return -1;
		}
	}
	return 1;
}

/* Sends the close frame; the library closes when the callback returns -1. */
static int write_close(struct stream *stream)
{
	lws_close_reason(stream->wsi, (enum lws_close_status)stream->close_code,
			(unsigned char *)(uintptr_t)stream->close_text, strlen(stream->close_text));
	return -1;
}

/* Says bye when the encoder could not. */
static int write_bye(struct stream *stream, int reason)
{
	uint8_t out[LWS_PRE + WIRE_BYE_MAX_BYTES];
	struct wire_bye bye = {.reason = (uint16_t)reason};
	long len = wire_bye_encode(&bye, out + LWS_PRE, sizeof(out) - LWS_PRE);
	return lws_write(stream->wsi, out + LWS_PRE, (size_t)len, LWS_WRITE_BINARY) < (int)len ? -1
											       : 0;
}

/* The code of a stream whose node closed it: after the reason it gave, if it gave one. */
static int name_end(struct stream *stream)
{
	int code = 0;
	if (stream->ending_reason && !stream->down.bye_reason) {
		code = write_bye(stream, stream->ending_reason);
		stream->down.bye_reason = (uint16_t)stream->ending_reason;
	}
	switch (stream->down.bye_reason) {
	case 0:
		break;
	case WIRE_REASON_REPLACED:
		stream->close_code = STREAM_REPLACED;
		stream->close_text = "opened in another window";
		break;
	case WIRE_REASON_LOGGED_OUT:
		stream->close_code = STREAM_LOGGED_OUT;
		stream->close_text = "logged out";
		break;
	default:
		/* The node says so too, but only when nothing is left of it; who starts again
		 * before then must not be sent back to it. */
		session_note_end(stream->gateway, stream->session, stream->down.bye_reason);
		stream->close_code = STREAM_SESSION_ENDED;
		stream->close_text = "the session has ended";
		break;
	}
	return code;
}

int stream_handle_writable(struct stream *stream)
{
	if (stream->state == STREAM_CLOSING) {
		return write_close(stream);
	}
	if (stream->state < STREAM_RELAYING) {
		return 0;
	}
	int code = write_messages(stream);
	if (code == 0) {
		code = write_notices(stream);
	}
	if (code < 0) {
		return -1;
	}
	if (code > 0 || buffer_length(&stream->notices) > 0) {
		lws_callback_on_writable(stream->wsi);
	}
	if (stream->state == STREAM_CLOSING) {
		return write_close(stream);
	}
	if (stream->state == STREAM_DRAINING) {
		if (code == 0) {
			return name_end(stream) < 0 ? -1 : write_close(stream);
		}
		return 0;
	}
	if (stream->is_node_paused && !stream_is_down_full(stream)) {
		stream->is_node_paused = false;
		stream_update_events(stream);
	}
	return 0;
}
