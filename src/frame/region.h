/* Rectangles and small sets of them. Half-open: x up to but not including x + width. */
#ifndef SAFEWEB_FRAME_REGION_H
#define SAFEWEB_FRAME_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rect {
	int32_t x, y, width, height;
};

#define REGION_MAX_RECTS 32

/* A cover of what was added: exact while it fits, and never less than what was added. */
struct region {
	struct rect rects[REGION_MAX_RECTS];
	size_t count;
};

bool rect_is_empty(const struct rect *rect);
/* False (and *ret_common empty) when they do not meet. Safe for any values. */
bool rect_intersect(const struct rect *a, const struct rect *b, struct rect *ret_common);
/* The smallest rectangle that holds both; an empty one counts as nothing. */
struct rect rect_union(const struct rect *a, const struct rect *b);
bool rect_contains(const struct rect *outer, const struct rect *inner);

void region_clear(struct region *region);
bool region_is_empty(const struct region *region);
/* Adds rect cut to bounds (a rectangle at 0,0). Rectangles that touch or overlap are merged when
 * that adds little area; when the set is full the two cheapest to merge are. */
void region_add(struct region *region, const struct rect *rect, const struct rect *bounds);
uint64_t region_area(const struct region *region);

#endif
