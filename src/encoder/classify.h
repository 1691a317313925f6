/* Text and drawings, or photograph? The first is never sent with loss. */
#ifndef SAFEWEB_ENCODER_CLASSIFY_H
#define SAFEWEB_ENCODER_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the same place was before this picture. */
struct classify_past {
	bool was_photo; /* hysteresis */
	bool is_moving; /* it has changed in each of many frames: video, whatever its edges */
};

/* Looks at width x height pixels (at most a tile). */
bool classify_is_photo(const uint32_t *pixels, size_t stride, uint32_t width, uint32_t height,
		struct classify_past past);

#endif
