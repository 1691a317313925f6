/* The frame ring: how a compositor hands pixels and short facts to its encoder.
 *
 *   sealed memfd:  | header | records (fixed size, RING_RECORDS) | arena: pixels |
 *                    written by the compositor only; the encoder maps it read-only
 *
 * The compositor writes pixels into the arena, then a record, then raises `head` (release order)
 * and rings the doorbell (an eventfd). The encoder reads up to head (acquire order), copies what it
 * needs, and says on the pacing socket which records are free again (message `taken`), never by
 * writing here. Nothing in the ring has variable shape: a record is a struct whose every field the
 * encoder checks after copying it out, and pixels are any value. The encoder trusts no field, and
 * never reads a field twice.
 *
 * Arena space is taken in order and freed with its record; a frame's pixels are contiguous: for
 * each damage rectangle its rows, tightly packed, 4 bytes a pixel (B G R X, or premultiplied B G R
 * A). */
#ifndef SAFEWEB_FRAME_RING_H
#define SAFEWEB_FRAME_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "frame/region.h"

#define RING_MAGIC 0x53574652u /* "SWFR" */
#define RING_VERSION 1
#define RING_RECORDS 64u
#define RING_DAMAGE_MAX 32u
#define RING_TEXT_BYTES 4096u
/* Two 4K pictures. Memory is only used where it is touched. */
#define RING_ARENA_BYTES (72u * 1024 * 1024)
/* Sides of a surface, device pixels. */
#define RING_SURFACE_MAX_SIDE 8192u
#define RING_SURFACE_MAX_PIXELS (3840u * 2400u)
#define RING_SURFACES_MAX 64u
#define RING_TABS_MAX 64u

enum ring_kind {
	RING_SURFACE = 1,
	RING_SURFACE_GONE,
	RING_FRAME,
	RING_CURSOR,
	RING_TAB,
	RING_TAB_GONE,
	RING_CLIPBOARD,
	RING_DIALOG,
	RING_DIALOG_GONE,
	RING_NOTICE,
	RING_TEXT_FOCUS,
	RING_CONTEXT_MENU,
};

enum ring_format { RING_BGRX = 0, RING_BGRA = 1 };

/* Fields as the wire messages of the same names have them (protocol/messages.txt). */
struct ring_surface {
	uint32_t role, parent;
	int32_t x, y;
	uint32_t width, height, view_width, view_height, order, visible;
};

struct ring_frame {
	uint32_t width, height; /* of the whole surface */
	uint32_t format; /* enum ring_format */
	uint32_t input_serial;
	uint64_t committed_us;
	uint64_t arena_offset; /* of the first rectangle's pixels; a multiple of 4 */
	uint32_t damage_count;
	struct rect damage[RING_DAMAGE_MAX];
};

struct ring_cursor {
	uint32_t shape, surface;
	int32_t hot_x, hot_y;
};

/* Two texts share the space: the first has text_len[0] bytes, the second follows it. */
struct ring_text {
	uint32_t id; /* tab, dialog; context menu: tab */
	uint32_t flags; /* tab, context menu: flags; clipboard: more; dialog: kind; notice: code;
			   focus: active */
	uint32_t tab; /* dialog, notice: the tab */
	struct rect area;
	uint32_t text_len[2];
	char text[RING_TEXT_BYTES];
};

struct ring_record {
	uint32_t kind; /* enum ring_kind */
	uint32_t surface;
	union {
		struct ring_surface place;
		struct ring_frame frame;
		struct ring_cursor cursor;
		struct ring_text text;
	};
};

struct ring_header {
	uint32_t magic, version, records, record_bytes;
	uint64_t arena_bytes;
	_Atomic uint32_t head; /* records written so far, wrapping */
};

/* Bytes of the whole shared memory. */
size_t ring_size_bytes(void);

/* The compositor's side. */
struct ring_writer {
	struct ring_header *header;
	struct ring_record *records;
	uint8_t *arena;
	uint32_t head; /* next record */
	uint32_t tail; /* records the encoder has freed */
	uint64_t arena_head; /* next free byte, as a position in [0, arena) */
	uint64_t arena_used; /* bytes between the oldest unfreed record's pixels and arena_head */
	uint64_t held[RING_RECORDS]; /* arena bytes each record holds, padding at the wrap included
				      */
};

/* Maps fd (a sealed memfd of ring_size_bytes) and writes the header. */
int ring_writer_init(struct ring_writer *writer, int fd, struct error *err);
void ring_writer_finish(struct ring_writer *writer);

/* A free record to fill, or NULL when all are taken. */
struct ring_record *ring_writer_begin(struct ring_writer *writer);
/* Contiguous arena space for the record begun, or NULL when len bytes are not free now. */
uint8_t *ring_writer_pixels(struct ring_writer *writer, size_t len, uint64_t *ret_offset);
/* Publishes the record begun. Ring the doorbell afterwards. */
void ring_writer_publish(struct ring_writer *writer);
/* The encoder freed all records before sequence; a sequence that was never written is -EBADMSG. */
int ring_writer_free(struct ring_writer *writer, uint32_t sequence);

/* The encoder's side. */
struct ring_reader {
	const struct ring_header *header;
	const struct ring_record *records;
	const uint8_t *arena;
	uint32_t tail; /* next record to read */
};

/* Maps fd read-only and checks the header and size. */
int ring_reader_init(struct ring_reader *reader, int fd, struct error *err);
void ring_reader_finish(struct ring_reader *reader);

/* Copies the next record out and checks it: 1 when there is one, 0 when there is none, -EBADMSG
 * when the writer broke the rules (end the session). A text record's texts are checked for length
 * and UTF-8; a frame's rectangles lie inside its surface and its pixels inside the arena. */
int ring_reader_next(struct ring_reader *reader, struct ring_record *ret_record);

/* The bytes of a frame record's pixels. */
size_t ring_frame_bytes(const struct ring_frame *frame);

/* Fixed descriptor numbers that node gives to the two programs. */
enum compositor_fd {
	COMPOSITOR_FD_RING = 3, /* memfd, writable */
	COMPOSITOR_FD_DOORBELL = 4, /* eventfd: it writes */
	COMPOSITOR_FD_PACING = 5, /* SOCK_SEQPACKET: it reads messages of input and pacing */
	COMPOSITOR_FD_WAYLAND = 6, /* server's end of the one client's connection */
	COMPOSITOR_FD_CDP_OUT = 7, /* pipe: it writes commands */
	COMPOSITOR_FD_CDP_IN = 8, /* pipe: it reads replies and events */
};

enum encoder_fd {
	ENCODER_FD_RING = 3, /* memfd, read-only */
	ENCODER_FD_DOORBELL = 4, /* eventfd: it reads */
	ENCODER_FD_PACING = 5, /* SOCK_SEQPACKET: it writes */
	ENCODER_FD_SEAT = 6, /* SOCK_SEQPACKET to the node: clients in, reports out */
};

#endif
