/* Finds what only moved up or down between the own picture and new pixels. A guess that saves
 * bytes: surface_apply compares after the move, so a wrong one costs rectangles, never a wrong
 * picture. */
#ifndef SAFEWEB_ENCODER_SCROLL_H
#define SAFEWEB_ENCODER_SCROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encoder/surface.h"

/* damage: inside the surface; pixels: its new ones, tightly packed; mask: bits set in each of them
 * before comparing. True when moving *ret_copy makes many pixels right. */
bool scroll_find(const struct surface *surface, const struct rect *damage, const uint32_t *pixels,
		uint32_t mask, struct surface_copy *ret_copy);

#endif
