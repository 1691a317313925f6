/* The encoder's own copy of a surface's picture, and in which places the client's differs from it.
 *
 * The invariant: once the client has carried out the waiting copies, its picture equals `pixels`
 * outside the dirty boxes (and outside lossy tiles, where it is close to them). Everything that
 * changes pixels keeps it, so frames can be skipped, merged and sent in any pieces. */
#ifndef SAFEWEB_ENCODER_SURFACE_H
#define SAFEWEB_ENCODER_SURFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/region.h"
#include "frame/ring.h"

/* A tile is what is found dirty, classified and refined as one. Its height is a multiple of the
 * JPEG block of 16 lines. */
#define TILE_WIDTH 64
#define TILE_HEIGHT 16
/* Scrolls that wait for the client before dirty rectangles take their place. */
#define SURFACE_COPIES_MAX 8
/* A coded rectangle holds at most this many pixels, so that a client decodes as data arrives. */
#define SURFACE_RECT_MAX_PIXELS (128u * 1024)

/* A tile that changes more often than this is moving, after TILE_MOVING_CHANGES. */
#define TILE_REST_MS 150
#define TILE_MOVING_CHANGES 6

enum tile_class { TILE_UNKNOWN, TILE_FLAT, TILE_PHOTO };

struct tile {
	uint8_t x, y, x_end, y_end; /* dirty box inside the tile; empty when x_end is 0 */
	uint8_t class; /* enum tile_class, of the present pixels */
	bool was_photo; /* the class before, for hysteresis */
	bool is_lossy; /* the client has only an approximation */
	bool is_settling; /* dirty in order to be sent without loss */
	uint8_t changes; /* in a row, without a rest of TILE_REST_MS */
	uint32_t changed_ms; /* low bits of clock_now_ms at the last change */
};

struct surface_copy {
	struct rect from;
	int32_t to_x, to_y;
};

struct surface {
	uint32_t id;
	struct ring_surface place; /* as the compositor said; the picture's size is below */
	uint32_t width, height; /* 0 until the first frame */
	uint32_t *pixels; /* owned; B G R A, alpha 255 where the format has none */
	struct tile *tiles; /* owned; columns x rows */
	uint32_t columns, rows;
	uint32_t dirty_tiles;
	uint32_t lossy_tiles;
	uint32_t scan_row; /* where the next dirty tile is looked for */
	struct surface_copy
			copies[SURFACE_COPIES_MAX]; /* for the client to do before anything else */
	size_t copy_count;
	bool has_picture; /* a frame came at all */
	bool owes_done; /* the browser waits for frame_done */
	uint32_t input_serial;
	uint64_t committed_us;
};

struct surface *surface_create(uint32_t id);
void surface_destroy(struct surface *surface);

/* A new, transparent picture. 0 or -ENOMEM. */
int surface_resize(struct surface *surface, uint32_t width, uint32_t height);
size_t surface_bytes(uint32_t width, uint32_t height);

struct scroll_search;

/* Takes over a frame's pixels from the ring's arena, marking what differs. Its size must be the
 * surface's. */
void surface_apply(struct surface *surface, const struct ring_frame *frame, const uint8_t *pixels,
		struct scroll_search *search);

/* Marks a rectangle inside the surface as different at the client. */
void surface_mark(struct surface *surface, const struct rect *rect);
/* The client has nothing of it: everything is dirty, nothing is lossy, no copy waits. */
void surface_forget_client(struct surface *surface);

/* Moves a rectangle of the own picture and has the client do the same: dirty and lossy places move
 * along. Both rectangles lie inside the surface. False when too many copies wait: nothing is done.
 */
bool surface_scroll(struct surface *surface, const struct surface_copy *copy);

static inline bool surface_is_pending(const struct surface *surface)
{
	return surface->dirty_tiles > 0 || surface->copy_count > 0;
}

/* Takes the next dirty rectangle out and says whether it may be approximated (then it is whole
 * tiles, and they are marked lossy). False when nothing is dirty. */
bool surface_next_rect(struct surface *surface, struct rect *ret_rect, bool *ret_is_lossy);

/* Marks up to max_tiles lossy tiles that have not changed for still_ms as dirty, to be sent without
 * loss. Returns their number; *ret_wait_ms is the time until the next one is still, 0 for none. */
uint32_t surface_settle(struct surface *surface, uint32_t now_ms, uint32_t still_ms,
		uint32_t max_tiles, uint32_t *ret_wait_ms);

#endif
