/* Where a popup goes: xdg_positioner's rules. Pure. */
#ifndef SAFEWEB_COMPOSITOR_POSITIONER_H
#define SAFEWEB_COMPOSITOR_POSITIONER_H

#include <stdbool.h>
#include <stdint.h>

#include "frame/region.h"

/* Values of xdg_positioner.anchor and .gravity. */
enum positioner_edge {
	EDGE_NONE,
	EDGE_TOP,
	EDGE_BOTTOM,
	EDGE_LEFT,
	EDGE_RIGHT,
	EDGE_TOP_LEFT,
	EDGE_BOTTOM_LEFT,
	EDGE_TOP_RIGHT,
	EDGE_BOTTOM_RIGHT,
};

/* Bits of xdg_positioner.constraint_adjustment. */
enum positioner_adjustment {
	ADJUST_SLIDE_X = 1,
	ADJUST_SLIDE_Y = 2,
	ADJUST_FLIP_X = 4,
	ADJUST_FLIP_Y = 8,
	ADJUST_RESIZE_X = 16,
	ADJUST_RESIZE_Y = 32,
};

#define POSITIONER_MAX 16384 /* largest size or offset taken */

struct positioner {
	int32_t width, height;
	struct rect anchor_rect; /* relative to the parent's window geometry */
	enum positioner_edge anchor, gravity;
	uint32_t adjustment;
	int32_t dx, dy;
	bool is_reactive;
};

/* True when size and anchor rectangle were given. */
bool positioner_is_complete(const struct positioner *positioner);
/* The popup's rectangle, relative to the parent's window geometry, kept inside bounds (in the same
 * coordinates) as far as the adjustments allow. */
struct rect positioner_place(const struct positioner *positioner, const struct rect *bounds);

#endif
