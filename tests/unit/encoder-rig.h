/* An encoder with both its neighbours played by the test: a compositor that writes the ring, and a
 * client that decodes the stream into pictures. Real sockets and shared memory, one process. */
#ifndef SAFEWEB_TESTS_UNIT_ENCODER_RIG_H
#define SAFEWEB_TESTS_UNIT_ENCODER_RIG_H

#include "codec/rect_decode.h"
#include "encoder/encoder.h"
#include "harness/test.h"

#define RIG_SURFACES 8

struct rig_picture {
	uint32_t surface; /* 0: free */
	uint32_t width, height;
	uint32_t *pixels; /* applied so far */
	uint32_t *shown; /* at the last frame */
};

struct rig {
	struct loop *loop;
	struct encoder *encoder; /* NULL when it is a program of its own */
	struct ring_writer ring;
	int doorbell, pacing, seat; /* the neighbours' ends */
	int encoder_fds[4]; /* what encoder_options names */
	int client; /* -1 when there is none */
	uint8_t *in; /* of the client; IN_BYTES */
	size_t in_len;
	struct rect_decoder decoder;
	void *decoder_memory;
	struct rig_picture pictures[RIG_SURFACES];
	bool acknowledges; /* the client answers each frame */
	bool is_broken; /* the session may end: steps go on to be called */
	/* What has come. */
	uint32_t frames, rects, copies, jpegs, solids, last_sequence, last_input_serial;
	size_t bytes;
	uint32_t counts[256]; /* of the client's messages by type */
	uint32_t pacing_counts[256];
	uint32_t seat_counts[256];
	uint32_t frame_done_surface;
	uint32_t bye_reason;
	char title[513];
	char menu_link[WIRE_CONTEXT_MENU_LINK_MAX_BYTES + 1];
	bool client_ended;
};

void rig_open(struct rig *rig);
/* The neighbours alone: encoder_fds are for a program to inherit. */
void rig_open_without_encoder(struct rig *rig);
void rig_close(struct rig *rig);

/* Runs the encoder and its neighbours until nothing happens any more. */
void rig_step(struct rig *rig);
/* As rig_step, for so long, letting timers fire. */
void rig_wait(struct rig *rig, int ms);

/* Connects a client and, when it greets, says hello for 1280x720. */
void rig_attach(struct rig *rig, bool greets);
void rig_client_send(struct rig *rig, const void *message, size_t len);
void rig_ack(struct rig *rig, uint32_t sequence);

/* The compositor's side. */
void rig_place(struct rig *rig, uint32_t surface, uint32_t role);
/* A frame whose pixels are those of picture (width x height) in the damage rectangles. */
void rig_frame(struct rig *rig, uint32_t surface, const uint32_t *picture, uint32_t width,
		uint32_t height, const struct rect *damage, size_t count);
void rig_publish(struct rig *rig);
/* A text record. */
void rig_text(struct rig *rig, uint32_t kind, uint32_t id, uint32_t flags, const char *first,
		const char *second);

struct rig_picture *rig_picture(struct rig *rig, uint32_t surface);
/* Fails unless the client shows exactly these pixels. */
void rig_check_shown(struct rig *rig, uint32_t surface, const uint32_t *wanted);

#endif
