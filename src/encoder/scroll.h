/* Finds what only moved up or down between the own picture and new pixels. A guess that saves
 * bytes: surface_apply compares after the move, so a wrong one costs rectangles, never a wrong
 * picture. */
#ifndef SAFEWEB_ENCODER_SCROLL_H
#define SAFEWEB_ENCODER_SCROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encoder/surface.h"

/* What a frame brings for one damage rectangle. */
struct scroll_pixels {
	struct rect damage; /* inside the surface */
	const uint32_t *pixels; /* tightly packed */
	uint32_t mask; /* bits set in each of them before comparing */
};

struct scroll_search;

/* Working memory, kept from one search to the next: fresh pages would cost more than the search. */
struct scroll_search *scroll_search_create(void);
void scroll_search_destroy(struct scroll_search *search);

/* True when moving *ret_copy makes many pixels right. */
bool scroll_find(struct scroll_search *search, const struct surface *surface,
		const struct scroll_pixels *new, struct surface_copy *ret_copy);

#endif
