/* wl_region: the client's own list of rectangles added and taken away. Only one question is asked
 * of it (does it hold this point, does it cover this rectangle), so it stays a list. */
#ifndef SAFEWEB_COMPOSITOR_REGION_RESOURCE_H
#define SAFEWEB_COMPOSITOR_REGION_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "frame/region.h"

struct region_step {
	struct rect rect;
	bool is_added; /* or taken away */
};

/* A list of steps; each holder has its own copy. */
struct region_steps;

struct input_region {
	struct region_steps *steps; /* owned; NULL: everything */
};

void region_resource_create(struct wl_client *client, struct wl_resource *compositor, uint32_t id);

/* Takes a copy of a wl_region's present content; NULL for everything. */
void input_region_set(struct input_region *region, struct wl_resource *resource);
void input_region_finish(struct input_region *region);
/* Hands the content over. */
void input_region_move(struct input_region *to, struct input_region *from);
bool input_region_contains(const struct input_region *region, int32_t x, int32_t y);
/* True only when a single added rectangle covers it and nothing is taken away. */
bool input_region_covers(const struct input_region *region, const struct rect *rect);

#endif
