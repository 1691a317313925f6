/* What the client says: checked, handled or passed on to the compositor. */
#include <errno.h>
#include <string.h>

#include "encoder/encoder.h"

static void say_welcome(struct encoder *encoder)
{
	struct client *client = &encoder->client;
	struct wire_welcome welcome = {
			.version = WIRE_VERSION,
			.session_age_s = (uint32_t)((clock_now_ms() - encoder->started_ms) / 1000),
	};
	CLIENT_SEND(client, welcome, WELCOME, &welcome);
}

/* All that is present, to a client that knows nothing. The pictures follow as frames. */
static void replay(struct encoder *encoder)
{
	say_welcome(encoder);
	encoder->current = NULL;
	for (size_t i = 0; i < RING_SURFACES_MAX; i++) {
		struct surface *surface = encoder->surfaces[i];
		if (surface) {
			surface_forget_client(surface);
			encoder_tell_surface(encoder, surface);
		}
	}
	present_replay(&encoder->present, &encoder->client);
}

static void send_resize(struct encoder *encoder, const struct wire_hello *hello)
{
	uint8_t bytes[WIRE_RESIZE_MAX_BYTES];
	struct wire_resize resize = {
			.width = hello->width,
			.height = hello->height,
			.scale_120 = hello->scale_120,
	};
	encoder_send_pacing(
			encoder, bytes, (size_t)wire_resize_encode(&resize, bytes, sizeof(bytes)));
}

static int handle_hello(struct encoder *encoder, const uint8_t *bytes, size_t len)
{
	struct wire_hello hello;
	if (encoder->client.state != CLIENT_WAITS_HELLO ||
			wire_hello_decode(bytes, len, &hello) < 0 ||
			hello.version != WIRE_VERSION) {
		return -EBADMSG;
	}
	loop_timer_disarm(&encoder->client.hello_timer);
	encoder->client.state = CLIENT_READY;
	encoder_report_attached(encoder, true);
	send_resize(encoder, &hello);
	replay(encoder);
	return 0;
}

static int handle_ack(struct client *client, const uint8_t *bytes, size_t len)
{
	struct wire_ack ack;
	if (wire_ack_decode(bytes, len, &ack) < 0) {
		return -EBADMSG;
	}
	uint32_t newly = ack.sequence - client->acknowledged;
	if (newly > client_frames_unacknowledged(client)) {
		/* An old one again, or one that was never sent. */
		return newly > UINT32_MAX / 2 ? 0 : -EBADMSG;
	}
	client->acknowledged = ack.sequence;
	return 0;
}

static int handle_ping(struct client *client, const uint8_t *bytes, size_t len)
{
	struct wire_ping ping;
	if (wire_ping_decode(bytes, len, &ping) < 0) {
		return -EBADMSG;
	}
	struct wire_pong pong = {.stamp = ping.stamp};
	CLIENT_SEND(client, pong, PONG, &pong);
	return 0;
}

static int pass_on(struct encoder *encoder, const uint8_t *bytes, size_t len)
{
	if (wire_input_check(bytes, len) < 0) {
		return -EBADMSG;
	}
	struct wire_visible visible;
	if (wire_visible_decode(bytes, len, &visible) == 0) {
		encoder->client.is_visible = visible.visible != 0;
	} else if (bytes[0] != WIRE_RESIZE) {
		encoder_report_input(encoder);
	}
	encoder_send_pacing(encoder, bytes, len);
	return 0;
}

static int handle_message(struct encoder *encoder, const uint8_t *bytes, size_t len)
{
	if (bytes[0] == WIRE_HELLO) {
		return handle_hello(encoder, bytes, len);
	}
	if (encoder->client.state != CLIENT_READY) {
		return -EBADMSG;
	}
	switch (bytes[0]) {
	case WIRE_ACK:
		return handle_ack(&encoder->client, bytes, len);
	case WIRE_PING:
		return handle_ping(&encoder->client, bytes, len);
	default:
		return pass_on(encoder, bytes, len);
	}
}

static void refuse(struct encoder *encoder)
{
	client_say_bye(&encoder->client, WIRE_REASON_PROTOCOL, 0);
	encoder_detach(encoder);
}

/* Handles the whole messages in the buffer; false when the client broke the protocol or has ended.
 */
static bool handle_buffer(struct encoder *encoder)
{
	struct client *client = &encoder->client;
	const uint8_t *message;
	long len;
	while ((len = wire_stream_next(buffer_head(&client->in), buffer_length(&client->in),
				WIRE_SHORT_MAX_BYTES, &message)) > 0) {
		if (handle_message(encoder, message, (size_t)len) < 0) {
			return false;
		}
		if (encoder->has_ended) {
			return true;
		}
		buffer_consume(&client->in, WIRE_LENGTH_BYTES + (size_t)len);
	}
	return len == 0;
}

void encoder_read_client(struct encoder *encoder)
{
	if (!client_read(&encoder->client)) {
		encoder_detach(encoder);
		return;
	}
	if (!handle_buffer(encoder)) {
		refuse(encoder);
		return;
	}
	encoder_pump(encoder);
}
