/* What of the surfaces' pictures goes to the client, and when. */
#include <errno.h>

#include "encoder/encoder.h"

/* A rect message's fields before its data. */
#define RECT_HEAD_BYTES (WIRE_RECT_MAX_BYTES - WIRE_RECT_DATA_MAX_BYTES)

void encoder_tell_surface(struct encoder *encoder, const struct surface *surface)
{
	if (!client_is_ready(&encoder->client)) {
		return;
	}
	const struct ring_surface *place = &surface->place;
	struct wire_surface message = {
			.surface = surface->id,
			.role = (uint8_t)place->role,
			.parent = place->parent,
			.x = place->x,
			.y = place->y,
			.width = (uint16_t)surface->width,
			.height = (uint16_t)surface->height,
			.view_width = (uint16_t)place->view_width,
			.view_height = (uint16_t)place->view_height,
			.order = place->order,
			.visible = place->visible != 0,
	};
	CLIENT_SEND(&encoder->client, surface, SURFACE, &message);
}

static void send_copies(struct encoder *encoder, struct surface *surface)
{
	for (size_t i = 0; i < surface->copy_count; i++) {
		const struct surface_copy *copy = &surface->copies[i];
		struct wire_copy message = {
				.surface = surface->id,
				.x = (uint16_t)copy->from.x,
				.y = (uint16_t)copy->from.y,
				.width = (uint16_t)copy->from.width,
				.height = (uint16_t)copy->from.height,
				.to_x = (uint16_t)copy->to_x,
				.to_y = (uint16_t)copy->to_y,
		};
		CLIENT_SEND(&encoder->client, copy, COPY, &message);
	}
	surface->copy_count = 0;
}

/* Codes pixels into data; returns the length and codec, or a negative errno. */
static long code_rect(struct encoder *encoder, const struct rect_pixels *pixels, bool is_lossy,
		uint8_t *data, size_t size, uint8_t *ret_codec)
{
	if (is_lossy) {
		long len = jpeg_encode(encoder->jpeg_encoder, pixels, data, size);
		if (len > 0) {
			*ret_codec = WIRE_CODEC_JPEG;
			return len;
		}
	}
	return rect_encode(encoder->rect_encoder, pixels, data, size, ret_codec);
}

static int send_rect(struct encoder *encoder, struct surface *surface, const struct rect *rect,
		bool is_lossy)
{
	struct rect_pixels pixels = {
			.pixels = surface->pixels + (size_t)rect->y * surface->width + rect->x,
			.stride = surface->width,
			.width = (uint32_t)rect->width,
			.height = (uint32_t)rect->height,
	};
	size_t bound = rect_encode_bound((size_t)pixels.width * pixels.height);
	uint8_t *to = client_reserve(&encoder->client, RECT_HEAD_BYTES + bound);
	if (!to) {
		return -ENOBUFS;
	}
	struct wire_rect message = {
			.surface = surface->id,
			.x = (uint16_t)rect->x,
			.y = (uint16_t)rect->y,
			.width = (uint16_t)rect->width,
			.height = (uint16_t)rect->height,
	};
	/* The data is coded in its place; then the head is written before it, and no byte copied.
	 */
	long len = code_rect(
			encoder, &pixels, is_lossy, to + RECT_HEAD_BYTES, bound, &message.codec);
	if (len < 0) {
		return (int)len;
	}
	long head = wire_rect_encode(&message, to, RECT_HEAD_BYTES);
	client_commit(&encoder->client, head + len);
	return 0;
}

static void send_frame(struct encoder *encoder, const struct surface *surface)
{
	struct client *client = &encoder->client;
	struct wire_frame message = {
			.sequence = ++client->sequence,
			.surface = surface->id,
			.input_serial = surface->input_serial,
			.committed_us = surface->committed_us,
	};
	CLIENT_SEND(client, frame, FRAME, &message);
}

/* The surface whose turn it is, of those that have something to show. */
static struct surface *next_pending(struct encoder *encoder)
{
	for (size_t i = 0; i < RING_SURFACES_MAX; i++) {
		size_t at = (encoder->next_surface + i) % RING_SURFACES_MAX;
		struct surface *surface = encoder->surfaces[at];
		if (surface && surface_is_pending(surface)) {
			encoder->next_surface = at + 1;
			return surface;
		}
	}
	return NULL;
}

/* Lets the browser draw again where all it drew is on its way. A frame that changed nothing needs
 * no message. A client that is not there or does not look gets no new frames. */
static void release_browser(struct encoder *encoder)
{
	if (!client_is_ready(&encoder->client) || !encoder->client.is_visible) {
		return;
	}
	for (size_t i = 0; i < RING_SURFACES_MAX; i++) {
		struct surface *surface = encoder->surfaces[i];
		if (surface && surface->owes_done && !surface_is_pending(surface) &&
				surface != encoder->current) {
			encoder_send_frame_done(encoder, surface);
		}
	}
}

static void settle(struct encoder *encoder)
{
	struct client *client = &encoder->client;
	if (!client_is_ready(client) || client_frames_unacknowledged(client) || encoder->current) {
		/* The acknowledgement comes back here. */
		return;
	}
	uint32_t now_ms = (uint32_t)clock_now_ms();
	uint32_t wait_ms = 0;
	for (size_t i = 0; i < RING_SURFACES_MAX; i++) {
		struct surface *surface = encoder->surfaces[i];
		if (!surface || surface->lossy_tiles == 0 || surface_is_pending(surface)) {
			continue;
		}
		uint32_t surface_wait_ms;
		if (surface_settle(surface, now_ms, ENCODER_STILL_MS, ENCODER_SETTLE_TILES,
				    &surface_wait_ms)) {
			return;
		}
		if (surface_wait_ms && (wait_ms == 0 || surface_wait_ms < wait_ms)) {
			wait_ms = surface_wait_ms;
		}
	}
	if (wait_ms) {
		loop_timer_arm(&encoder->settle_timer, wait_ms);
	}
}

/* Sends rectangles of the frame in hand, then its end. */
static int continue_frame(struct encoder *encoder)
{
	struct surface *surface = encoder->current;
	struct rect rect;
	bool is_lossy;
	/* Before any rectangle, also one of a frame half sent: what came since may have moved
	 * pixels. */
	send_copies(encoder, surface);
	while (client_takes_rect(&encoder->client)) {
		if (!surface_next_rect(surface, &rect, &is_lossy)) {
			send_frame(encoder, surface);
			encoder->current = NULL;
			return 0;
		}
		int code = send_rect(encoder, surface, &rect, is_lossy);
		if (code < 0) {
			return code;
		}
		send_copies(encoder, surface);
		/* The client decodes these while the next are coded; small pictures leave in one
		 * piece. */
		if (buffer_length(&encoder->client.out) >= CLIENT_FLUSH_BYTES) {
			client_flush(&encoder->client);
		}
	}
	return 0;
}

static void send_frames(struct encoder *encoder)
{
	while (client_takes_rect(&encoder->client)) {
		if (!encoder->current) {
			if (!client_takes_frame(&encoder->client)) {
				return;
			}
			encoder->current = next_pending(encoder);
		}
		if (!encoder->current) {
			return;
		}
		int code = continue_frame(encoder);
		if (code < 0) {
			encoder->client.has_failed = true;
			return;
		}
		client_flush(&encoder->client);
	}
}

void encoder_pump(struct encoder *encoder)
{
	if (encoder->has_ended) {
		return;
	}
	if (client_is_ready(&encoder->client)) {
		send_frames(encoder);
		settle(encoder);
		send_frames(encoder);
		client_flush(&encoder->client);
		release_browser(encoder);
	}
	if (encoder->client.has_failed) {
		encoder_detach(encoder);
	}
}

void encoder_settle_due(struct loop_timer *timer)
{
	encoder_pump(timer->data);
}
