#include "encoder/encoder.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/log.h"

static void handle_doorbell(struct loop_source *source, uint32_t events)
{
	(void)events;
	struct encoder *encoder = source->data;
	eventfd_t rings;
	eventfd_read(source->fd, &rings);
	encoder_drain_ring(encoder);
	encoder_pump(encoder);
}

static void handle_pacing(struct loop_source *source, uint32_t events)
{
	struct encoder *encoder = source->data;
	if (events & EPOLLOUT) {
		int code = packets_flush(&encoder->pacing);
		if (code < 0) {
			encoder_end(encoder, WIRE_REASON_FAILED, code, "the compositor is gone");
			return;
		}
		client_pause_reading(&encoder->client, false);
	}
	/* The compositor has nothing to say here: what is readable is its end. */
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		encoder_end(encoder, WIRE_REASON_FAILED, -EPIPE, "the compositor has ended");
	}
}

static int watch(struct encoder *encoder, const struct encoder_options *options, struct error *err)
{
	int code = loop_source_add(encoder->loop, &encoder->doorbell_source, options->doorbell_fd,
			EPOLLIN, handle_doorbell, encoder);
	if (code == 0) {
		code = loop_source_add(encoder->loop, &encoder->pacing_source, options->pacing_fd,
				EPOLLIN, handle_pacing, encoder);
	}
	if (code == 0) {
		code = loop_source_add(encoder->loop, &encoder->seat_source, options->seat_fd,
				EPOLLIN, encoder_handle_seat, encoder);
	}
	return code < 0 ? error_set(err, code, "cannot watch the descriptors of the session") : 0;
}

static int init(struct encoder *encoder, const struct encoder_options *options, struct error *err)
{
	encoder->scroll_search = scroll_search_create();
	if (!encoder->scroll_search) {
		return error_set(err, -ENOMEM, "no memory for an encoder");
	}
	int code = ring_reader_init(&encoder->ring, options->ring_fd, err);
	if (code == 0) {
		code = rect_encoder_create(&encoder->rect_encoder, err);
	}
	if (code == 0) {
		code = jpeg_encoder_create(&encoder->jpeg_encoder, err);
	}
	return code == 0 ? watch(encoder, options, err) : code;
}

int encoder_create(struct encoder **ret_encoder, struct loop *loop,
		const struct encoder_options *options, struct error *err)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));
	if (!encoder) {
		return error_set(err, -ENOMEM, "no memory for an encoder");
	}
	encoder->loop = loop;
	encoder->started_ms = clock_now_ms();
	packets_init(&encoder->pacing, &encoder->pacing_source);
	packets_init(&encoder->seat, &encoder->seat_source);
	client_init(&encoder->client, loop);
	loop_timer_init(loop, &encoder->settle_timer, encoder_settle_due, encoder);
	int code = init(encoder, options, err);
	if (code < 0) {
		encoder_destroy(encoder);
		return code;
	}
	*ret_encoder = encoder;
	return 0;
}

void encoder_destroy(struct encoder *encoder)
{
	if (!encoder) {
		return;
	}
	client_close(&encoder->client);
	loop_timer_disarm(&encoder->settle_timer);
	loop_source_remove(&encoder->doorbell_source);
	loop_source_remove(&encoder->pacing_source);
	loop_source_remove(&encoder->seat_source);
	packets_finish(&encoder->pacing);
	packets_finish(&encoder->seat);
	present_finish(&encoder->present);
	for (size_t i = 0; i < RING_SURFACES_MAX; i++) {
		surface_destroy(encoder->surfaces[i]);
	}
	scroll_search_destroy(encoder->scroll_search);
	rect_encoder_destroy(encoder->rect_encoder);
	jpeg_encoder_destroy(encoder->jpeg_encoder);
	ring_reader_finish(&encoder->ring);
	free(encoder);
}

void encoder_end(struct encoder *encoder, uint16_t reason, int code, const char *sentence)
{
	if (encoder->has_ended) {
		return;
	}
	encoder->has_ended = true;
	encoder->end_code = code;
	error_set(&encoder->end_error, code, "%s", sentence);
	client_say_bye(&encoder->client, reason, ENCODER_BYE_MS);
	loop_timer_disarm(&encoder->settle_timer);
	loop_source_remove(&encoder->doorbell_source);
	loop_source_remove(&encoder->pacing_source);
	loop_source_remove(&encoder->seat_source);
	loop_stop(encoder->loop);
}

void encoder_send_pacing(struct encoder *encoder, const uint8_t *bytes, size_t len)
{
	if (encoder->has_ended) {
		return;
	}
	int code = packets_send(&encoder->pacing, bytes, len);
	if (code < 0) {
		encoder_end(encoder, WIRE_REASON_FAILED, code,
				code == -ENOBUFS ? "the compositor does not read its messages"
						 : "the compositor is gone");
	} else if (packets_waiting(&encoder->pacing) > PACKETS_HIGH_BYTES) {
		client_pause_reading(&encoder->client, true);
	}
}

void encoder_send_taken(struct encoder *encoder)
{
	uint8_t bytes[WIRE_TAKEN_MAX_BYTES];
	struct wire_taken taken = {.sequence = encoder->ring.tail};
	encoder_send_pacing(
			encoder, bytes, (size_t)wire_taken_encode(&taken, bytes, sizeof(bytes)));
}

void encoder_send_frame_done(struct encoder *encoder, struct surface *surface)
{
	uint8_t bytes[WIRE_FRAME_DONE_MAX_BYTES];
	struct wire_frame_done done = {.surface = surface->id};
	surface->owes_done = false;
	encoder_send_pacing(encoder, bytes,
			(size_t)wire_frame_done_encode(&done, bytes, sizeof(bytes)));
}
