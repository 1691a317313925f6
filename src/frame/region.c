#include "frame/region.h"

#include <string.h>

/* Merging two rectangles may waste this many pixels for each pixel of the pair. */
#define REGION_WASTE_LIMIT 4

bool rect_is_empty(const struct rect *rect)
{
	return rect->width <= 0 || rect->height <= 0;
}

static int64_t right(const struct rect *rect)
{
	return (int64_t)rect->x + rect->width;
}

static int64_t bottom(const struct rect *rect)
{
	return (int64_t)rect->y + rect->height;
}

static int64_t area(const struct rect *rect)
{
	return rect_is_empty(rect) ? 0 : (int64_t)rect->width * rect->height;
}

bool rect_intersect(const struct rect *a, const struct rect *b, struct rect *ret_common)
{
	*ret_common = (struct rect){0};
	if (rect_is_empty(a) || rect_is_empty(b)) {
		return false;
	}
	int64_t x = a->x > b->x ? a->x : b->x;
	int64_t y = a->y > b->y ? a->y : b->y;
	int64_t x_end = right(a) < right(b) ? right(a) : right(b);
	int64_t y_end = bottom(a) < bottom(b) ? bottom(a) : bottom(b);
	if (x >= x_end || y >= y_end) {
		return false;
	}
	*ret_common = (struct rect){
			(int32_t)x, (int32_t)y, (int32_t)(x_end - x), (int32_t)(y_end - y)};
	return true;
}

static int32_t clamp_length(int64_t length)
{
	return length > INT32_MAX ? INT32_MAX : (int32_t)length;
}

struct rect rect_union(const struct rect *a, const struct rect *b)
{
	if (rect_is_empty(a)) {
		return *b;
	}
	if (rect_is_empty(b)) {
		return *a;
	}
	int32_t x = a->x < b->x ? a->x : b->x;
	int32_t y = a->y < b->y ? a->y : b->y;
	int64_t x_end = right(a) > right(b) ? right(a) : right(b);
	int64_t y_end = bottom(a) > bottom(b) ? bottom(a) : bottom(b);
	return (struct rect){x, y, clamp_length(x_end - x), clamp_length(y_end - y)};
}

bool rect_contains(const struct rect *outer, const struct rect *inner)
{
	return inner->x >= outer->x && inner->y >= outer->y && right(inner) <= right(outer) &&
			bottom(inner) <= bottom(outer);
}

void region_clear(struct region *region)
{
	region->count = 0;
}

bool region_is_empty(const struct region *region)
{
	return region->count == 0;
}

/* Pixels in the union that are in neither. */
static int64_t waste(const struct rect *a, const struct rect *b)
{
	struct rect both = rect_union(a, b);
	struct rect common;
	rect_intersect(a, b, &common);
	return area(&both) - area(a) - area(b) + area(&common);
}

static void remove_at(struct region *region, size_t index)
{
	region->rects[index] = region->rects[--region->count];
}

/* Joins the two cheapest rectangles into one. */
static void merge_cheapest(struct region *region)
{
	size_t best_a = 0;
	size_t best_b = 1;
	int64_t least = INT64_MAX;
	for (size_t a = 0; a < region->count; a++) {
		for (size_t b = a + 1; b < region->count; b++) {
			int64_t cost = waste(&region->rects[a], &region->rects[b]);
			if (cost < least) {
				least = cost;
				best_a = a;
				best_b = b;
			}
		}
	}
	region->rects[best_a] = rect_union(&region->rects[best_a], &region->rects[best_b]);
	remove_at(region, best_b);
}

void region_add(struct region *region, const struct rect *rect, const struct rect *bounds)
{
	struct rect added;
	if (!rect_intersect(rect, bounds, &added)) {
		return;
	}
	for (size_t i = 0; i < region->count;) {
		const struct rect *old = &region->rects[i];
		if (rect_contains(old, &added)) {
			return;
		}
		struct rect common;
		bool overlaps = rect_intersect(old, &added, &common);
		if (waste(old, &added) * REGION_WASTE_LIMIT <= area(old) + area(&added) ||
				(overlaps && area(&common) * 2 > area(&added))) {
			added = rect_union(old, &added);
			remove_at(region, i);
			i = 0;
			continue;
		}
		i++;
	}
	if (region->count == REGION_MAX_RECTS) {
		merge_cheapest(region);
	}
	region->rects[region->count++] = added;
}

uint64_t region_area(const struct region *region)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < region->count; i++) {
		sum += (uint64_t)area(&region->rects[i]);
	}
	return sum;
}
