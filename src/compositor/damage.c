#include "compositor/damage.h"

#define FIXED_ONE 256

static int64_t divide_down(int64_t value, int64_t by)
{
	int64_t quotient = value / by;
	return value % by < 0 ? quotient - 1 : quotient;
}

static int64_t divide_up(int64_t value, int64_t by)
{
	return -divide_down(-value, by);
}

static int32_t clamp_i32(int64_t value)
{
	return value > INT32_MAX / 2		? INT32_MAX / 2
			: value < INT32_MIN / 2 ? INT32_MIN / 2
						: (int32_t)value;
}

/* The pixels that a viewport's source touches, whole. */
static enum geometry_result picture_from_source(
		const struct geometry_input *input, struct rect *ret_picture)
{
	const struct viewport_source *source = &input->source;
	int64_t left = divide_down((int64_t)source->x * input->scale, FIXED_ONE);
	int64_t top = divide_down((int64_t)source->y * input->scale, FIXED_ONE);
	int64_t right = divide_up(((int64_t)source->x + source->width) * input->scale, FIXED_ONE);
	int64_t bottom = divide_up(((int64_t)source->y + source->height) * input->scale, FIXED_ONE);
	if (left < 0 || top < 0 || right > input->buffer_width || bottom > input->buffer_height) {
		return GEOMETRY_OUT_OF_BUFFER;
	}
	*ret_picture = (struct rect){(int32_t)left, (int32_t)top, (int32_t)(right - left),
			(int32_t)(bottom - top)};
	return GEOMETRY_OK;
}

enum geometry_result geometry_from_input(
		const struct geometry_input *input, struct surface_geometry *ret_geometry)
{
	struct surface_geometry geometry = {
			.picture = {0, 0, input->buffer_width, input->buffer_height},
			.width = input->buffer_width / input->scale,
			.height = input->buffer_height / input->scale,
	};
	if (input->source.is_set) {
		enum geometry_result result = picture_from_source(input, &geometry.picture);
		if (result != GEOMETRY_OK) {
			return result;
		}
		bool is_whole = (input->source.width | input->source.height) % FIXED_ONE == 0;
		if (!is_whole && !input->has_destination) {
			return GEOMETRY_BAD_SIZE;
		}
		geometry.width = input->source.width / FIXED_ONE;
		geometry.height = input->source.height / FIXED_ONE;
	}
	if (input->has_destination) {
		geometry.width = input->destination_width;
		geometry.height = input->destination_height;
	}
	*ret_geometry = geometry;
	return GEOMETRY_OK;
}

void damage_add_buffer(struct region *region, const struct surface_geometry *geometry,
		const struct rect *damage)
{
	struct rect bounds = {0, 0, geometry->picture.width, geometry->picture.height};
	struct rect moved = {
			clamp_i32((int64_t)damage->x - geometry->picture.x),
			clamp_i32((int64_t)damage->y - geometry->picture.y),
			damage->width,
			damage->height,
	};
	region_add(region, &moved, &bounds);
}

void damage_add_surface(struct region *region, const struct surface_geometry *geometry,
		const struct rect *damage)
{
	if (geometry->width <= 0 || geometry->height <= 0) {
		return;
	}
	struct rect bounds = {0, 0, geometry->picture.width, geometry->picture.height};
	int64_t left = divide_down((int64_t)damage->x * geometry->picture.width, geometry->width);
	int64_t top = divide_down((int64_t)damage->y * geometry->picture.height, geometry->height);
	int64_t right = divide_up(((int64_t)damage->x + damage->width) * geometry->picture.width,
			geometry->width);
	int64_t bottom = divide_up(((int64_t)damage->y + damage->height) * geometry->picture.height,
			geometry->height);
	struct rect scaled = {clamp_i32(left), clamp_i32(top), clamp_i32(right - left),
			clamp_i32(bottom - top)};
	region_add(region, &scaled, &bounds);
}
