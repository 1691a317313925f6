/* From what a client says it changed to pixels of the picture. A surface's picture is its buffer,
 * or the part of it that a viewport's source picks. Pure. */
#ifndef SAFEWEB_COMPOSITOR_DAMAGE_H
#define SAFEWEB_COMPOSITOR_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "frame/region.h"

/* wl_fixed_t: 256ths. */
struct viewport_source {
	bool is_set;
	int32_t x, y, width, height;
};

struct geometry_input {
	int32_t buffer_width, buffer_height; /* pixels */
	int32_t scale; /* wl_surface.set_buffer_scale */
	struct viewport_source source; /* logical pixels before the viewport */
	bool has_destination;
	int32_t destination_width, destination_height;
};

struct surface_geometry {
	struct rect picture; /* inside the buffer, pixels */
	int32_t width; /* of the surface, logical pixels */
	int32_t height;
};

enum geometry_result { GEOMETRY_OK, GEOMETRY_OUT_OF_BUFFER, GEOMETRY_BAD_SIZE };

enum geometry_result geometry_from_input(
		const struct geometry_input *input, struct surface_geometry *ret_geometry);

/* Adds damage in buffer pixels to a region in picture pixels. */
void damage_add_buffer(struct region *region, const struct surface_geometry *geometry,
		const struct rect *damage);
/* Adds damage in surface-logical pixels, rounded outwards. */
void damage_add_surface(struct region *region, const struct surface_geometry *geometry,
		const struct rect *damage);

#endif
