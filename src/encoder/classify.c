#include "encoder/classify.h"

#include <stdlib.h>

/* Of a photograph, few pixels repeat a neighbour: noise changes the last bits. Drawings, text and
 * gradients along an axis repeat one nearly everywhere. Percent of pixels. */
#define PHOTO_REPEATS_MAX 25
#define PHOTO_REPEATS_MAX_BEFORE 40
/* Text on a photograph shows as hard edges, which photographs seldom have. */
#define HARD_EDGE 320 /* sum of the three channels' differences */
#define PHOTO_EDGES_MAX 4
#define PHOTO_EDGES_MAX_BEFORE 6
/* Nobody reads what changes many times a second; it is exact as soon as it rests. */
#define PHOTO_EDGES_MAX_MOVING 100
/* Too small to tell. */
#define MIN_PIXELS 128

static int difference(uint32_t a, uint32_t b)
{
	return abs((int)(a & 0xff) - (int)(b & 0xff)) +
			abs((int)(a >> 8 & 0xff) - (int)(b >> 8 & 0xff)) +
			abs((int)(a >> 16 & 0xff) - (int)(b >> 16 & 0xff));
}

bool classify_is_photo(const uint32_t *pixels, size_t stride, uint32_t width, uint32_t height,
		struct classify_past past)
{
	uint32_t repeats = 0;
	uint32_t edges = 0;
	uint32_t alpha = UINT32_MAX;
	for (uint32_t y = 1; y < height; y++) {
		const uint32_t *row = pixels + y * stride;
		const uint32_t *above = row - stride;
		for (uint32_t x = 1; x < width; x++) {
			repeats += row[x] == row[x - 1] || row[x] == above[x];
			alpha &= row[x];
			edges += difference(row[x], row[x - 1]) > HARD_EDGE;
		}
	}
	uint32_t looked_at = width && height ? (width - 1) * (height - 1) : 0;
	bool was_like_it = past.was_photo || past.is_moving;
	uint32_t repeats_max = was_like_it ? PHOTO_REPEATS_MAX_BEFORE : PHOTO_REPEATS_MAX;
	uint32_t edges_max = past.was_photo ? PHOTO_EDGES_MAX_BEFORE : PHOTO_EDGES_MAX;
	edges_max = past.is_moving ? PHOTO_EDGES_MAX_MOVING : edges_max;
	/* What is not opaque has no lossy codec. */
	return alpha >> 24 == 255 && looked_at >= MIN_PIXELS &&
			repeats * 100 < looked_at * repeats_max &&
			edges * 100 < looked_at * edges_max;
}
