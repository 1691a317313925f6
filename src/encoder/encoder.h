/* The encoder of one session: from the frame ring to one client's display stream.
 *
 *   ring records ──records.c──▶ surfaces, present state ──picture.c──▶ client
 *   client's input ──input.c──▶ pacing socket (the compositor)
 *   seat socket ──seat.c──▶ clients in, reports out
 *
 * One thread, an event loop, and no timer unless a client owes its hello or sees an approximation.
 */
#ifndef SAFEWEB_ENCODER_ENCODER_H
#define SAFEWEB_ENCODER_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "codec/rect_encode.h"
#include "encoder/client.h"
#include "encoder/codec_jpeg.h"
#include "encoder/packets.h"
#include "encoder/present.h"
#include "encoder/scroll.h"
#include "encoder/surface.h"
#include "frame/ring.h"

/* All surfaces' pictures together: a 4K window and many pop-ups. */
#define ENCODER_PIXELS_MAX_BYTES (160u * 1024 * 1024)
/* An approximation that has not changed for so long is sent again without loss. */
#define ENCODER_STILL_MS 200
/* So many tiles at a time, so that an answer to an input never waits long: 256 KiB of pixels. */
#define ENCODER_SETTLE_TILES 64
#define ENCODER_SEAT_INPUT_MS 1000
/* How long a bye may hold up the end of a session or a new client. */
#define ENCODER_BYE_MS 200

struct encoder_options {
	int ring_fd; /* all four stay the caller's to close, after encoder_destroy */
	int doorbell_fd;
	int pacing_fd;
	int seat_fd;
};

struct encoder {
	struct loop *loop; /* not owned */
	uint64_t started_ms;
	struct ring_reader ring;
	struct ring_record record; /* the one in hand: too large for the stack */
	struct loop_source doorbell_source;
	struct loop_source pacing_source;
	struct loop_source seat_source;
	struct packets pacing;
	struct packets seat;
	struct client client;
	struct present present;
	struct surface *surfaces[RING_SURFACES_MAX]; /* owned; NULL where there is none */
	size_t pixels_bytes; /* of all of them */
	struct surface *current; /* part of its frame is sent; NULL between frames */
	size_t next_surface; /* whose turn it is */
	struct scroll_search *scroll_search;
	struct rect_encoder *rect_encoder;
	struct jpeg_encoder *jpeg_encoder;
	struct loop_timer settle_timer;
	uint64_t seat_input_ms; /* when the last seat_input went out */
	bool is_ready; /* seat_ready is sent */
	bool is_attached; /* the compositor and the node were told so */
	bool has_ended;
	int end_code; /* what encoder_run returns */
	struct error end_error;
};

int encoder_create(struct encoder **ret_encoder, struct loop *loop,
		const struct encoder_options *options, struct error *err);
void encoder_destroy(struct encoder *encoder);

/* Ends the session: the client gets bye, the loop stops. The first call's reason counts. code 0: as
 * the node wanted it. */
void encoder_end(struct encoder *encoder, uint16_t reason, int code, const char *sentence);

/* Below: what the parts call of each other. */

/* records.c: takes in what the ring holds. */
void encoder_drain_ring(struct encoder *encoder);

/* picture.c: sends what the client takes now. Call it after anything that may let a frame go. */
void encoder_pump(struct encoder *encoder);
void encoder_settle_due(struct loop_timer *timer);
void encoder_tell_surface(struct encoder *encoder, const struct surface *surface);

/* input.c: handles what the client sent. */
void encoder_read_client(struct encoder *encoder);

/* seat.c */
void encoder_handle_seat(struct loop_source *source, uint32_t events);
void encoder_detach(struct encoder *encoder);
void encoder_report_attached(struct encoder *encoder, bool attached);
void encoder_report_ready(struct encoder *encoder);
void encoder_report_input(struct encoder *encoder);

/* Messages of the group pacing. */
void encoder_send_taken(struct encoder *encoder);
void encoder_send_frame_done(struct encoder *encoder, struct surface *surface);
void encoder_send_pacing(struct encoder *encoder, const uint8_t *bytes, size_t len);

#endif
