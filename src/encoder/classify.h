/* Text and drawings, or photograph? The first is never sent with loss. */
#ifndef SAFEWEB_ENCODER_CLASSIFY_H
#define SAFEWEB_ENCODER_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Looks at width x height pixels (at most a tile). was_photo: what they were before, for
 * hysteresis. */
bool classify_is_photo(const uint32_t *pixels, size_t stride, uint32_t width, uint32_t height,
		bool was_photo);

#endif
