#include "compositor/positioner.h"

/* Along one axis an edge is -1 (left, top), 0 (middle) or 1 (right, bottom). */
static int edge_x(enum positioner_edge edge)
{
	switch (edge) {
	case EDGE_LEFT:
	case EDGE_TOP_LEFT:
	case EDGE_BOTTOM_LEFT:
		return -1;
	case EDGE_RIGHT:
	case EDGE_TOP_RIGHT:
	case EDGE_BOTTOM_RIGHT:
		return 1;
	case EDGE_NONE:
	case EDGE_TOP:
	case EDGE_BOTTOM:
		return 0;
	}
	return 0;
}

static int edge_y(enum positioner_edge edge)
{
	switch (edge) {
	case EDGE_TOP:
	case EDGE_TOP_LEFT:
	case EDGE_TOP_RIGHT:
		return -1;
	case EDGE_BOTTOM:
	case EDGE_BOTTOM_LEFT:
	case EDGE_BOTTOM_RIGHT:
		return 1;
	case EDGE_NONE:
	case EDGE_LEFT:
	case EDGE_RIGHT:
		return 0;
	}
	return 0;
}

/* One axis of the problem. */
struct axis {
	int32_t anchor_start, anchor_length;
	int anchor, gravity;
	int32_t length, offset;
	int32_t bound_start, bound_length;
	bool may_slide, may_flip, may_resize;
};

static int32_t axis_start(const struct axis *axis, int anchor, int gravity, int32_t offset)
{
	int32_t at = axis->anchor_start;
	at += anchor < 0 ? 0 : anchor == 0 ? axis->anchor_length / 2 : axis->anchor_length;
	at -= gravity < 0 ? axis->length : gravity == 0 ? axis->length / 2 : 0;
	return at + offset;
}

static bool axis_fits(const struct axis *axis, int32_t start)
{
	return start >= axis->bound_start &&
			start + axis->length <= axis->bound_start + axis->bound_length;
}

static int32_t axis_slide(const struct axis *axis, int32_t start)
{
	int32_t end = axis->bound_start + axis->bound_length;
	if (start + axis->length > end) {
		start = end - axis->length;
	}
	return start < axis->bound_start ? axis->bound_start : start;
}

static void axis_resize(const struct axis *axis, int32_t *start, int32_t *length)
{
	int32_t end = *start + *length;
	int32_t bound_end = axis->bound_start + axis->bound_length;
	int32_t new_start = *start < axis->bound_start ? axis->bound_start : *start;
	int32_t new_end = end > bound_end ? bound_end : end;
	if (new_end > new_start) {
		*start = new_start;
		*length = new_end - new_start;
	}
}

static void axis_solve(const struct axis *axis, int32_t *ret_start, int32_t *ret_length)
{
	int32_t start = axis_start(axis, axis->anchor, axis->gravity, axis->offset);
	int32_t length = axis->length;
	if (!axis_fits(axis, start) && axis->may_flip) {
		int32_t flipped = axis_start(axis, -axis->anchor, -axis->gravity, -axis->offset);
		if (axis_fits(axis, flipped)) {
			start = flipped;
		}
	}
	if (!axis_fits(axis, start) && axis->may_slide) {
		start = axis_slide(axis, start);
	}
	if (!axis_fits(axis, start) && axis->may_resize) {
		axis_resize(axis, &start, &length);
	}
	*ret_start = start;
	*ret_length = length;
}

bool positioner_is_complete(const struct positioner *positioner)
{
	return positioner->width > 0 && positioner->height > 0 &&
			positioner->anchor_rect.width >= 0 && positioner->anchor_rect.height >= 0;
}

struct rect positioner_place(const struct positioner *positioner, const struct rect *bounds)
{
	uint32_t adjustment = positioner->adjustment;
	struct axis x = {
			.anchor_start = positioner->anchor_rect.x,
			.anchor_length = positioner->anchor_rect.width,
			.anchor = edge_x(positioner->anchor),
			.gravity = edge_x(positioner->gravity),
			.length = positioner->width,
			.offset = positioner->dx,
			.bound_start = bounds->x,
			.bound_length = bounds->width,
			.may_slide = adjustment & ADJUST_SLIDE_X,
			.may_flip = adjustment & ADJUST_FLIP_X,
			.may_resize = adjustment & ADJUST_RESIZE_X,
	};
	struct axis y = {
			.anchor_start = positioner->anchor_rect.y,
			.anchor_length = positioner->anchor_rect.height,
			.anchor = edge_y(positioner->anchor),
			.gravity = edge_y(positioner->gravity),
			.length = positioner->height,
			.offset = positioner->dy,
			.bound_start = bounds->y,
			.bound_length = bounds->height,
			.may_slide = adjustment & ADJUST_SLIDE_Y,
			.may_flip = adjustment & ADJUST_FLIP_Y,
			.may_resize = adjustment & ADJUST_RESIZE_Y,
	};
	struct rect place;
	axis_solve(&x, &place.x, &place.width);
	axis_solve(&y, &place.y, &place.height);
	return place;
}
