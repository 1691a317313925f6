#include "compositor/region_resource.h"

#include <stdlib.h>
#include <wayland-server-protocol.h>

#include "compositor/quota.h"
#include "compositor/resource.h"

struct region_steps {
	size_t count, size;
	struct region_step steps[];
};

static struct region_steps *steps_copy(const struct region_steps *from, size_t size)
{
	struct region_steps *to = malloc(sizeof(*to) + size * sizeof(to->steps[0]));
	if (!to) {
		return NULL;
	}
	to->size = size;
	to->count = from ? from->count : 0;
	for (size_t i = 0; i < to->count; i++) {
		to->steps[i] = from->steps[i];
	}
	return to;
}

static void add_step(struct wl_resource *resource, const struct rect *rect, bool is_added)
{
	struct region_steps *steps = wl_resource_get_user_data(resource);
	if (rect_is_empty(rect)) {
		return;
	}
	if (steps->count == QUOTA_REGION_RECTS) {
		wl_client_post_no_memory(wl_resource_get_client(resource));
		return;
	}
	if (steps->count == steps->size) {
		struct region_steps *larger = steps_copy(steps, steps->size * 2);
		if (!larger) {
			wl_client_post_no_memory(wl_resource_get_client(resource));
			return;
		}
		free(steps);
		steps = larger;
		wl_resource_set_user_data(resource, steps);
	}
	steps->steps[steps->count++] = (struct region_step){*rect, is_added};
}

static void handle_add(struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y,
		int32_t width, int32_t height)
{
	(void)client;
	add_step(resource, &(struct rect){x, y, width, height}, true);
}

static void handle_subtract(struct wl_client *client, struct wl_resource *resource, int32_t x,
		int32_t y, int32_t width, int32_t height)
{
	(void)client;
	add_step(resource, &(struct rect){x, y, width, height}, false);
}

static const struct wl_region_interface region_impl = {
		.destroy = resource_handle_destroy,
		.add = handle_add,
		.subtract = handle_subtract,
};

static void handle_destroyed(struct wl_resource *resource)
{
	free(wl_resource_get_user_data(resource));
}

void region_resource_create(struct wl_client *client, struct wl_resource *compositor, uint32_t id)
{
	struct region_steps *steps = steps_copy(NULL, 4);
	if (!steps) {
		wl_client_post_no_memory(client);
		return;
	}
	if (!resource_make(client, &wl_region_interface, resource_version(compositor), id,
			    &region_impl, steps, handle_destroyed)) {
		free(steps);
	}
}

void input_region_set(struct input_region *region, struct wl_resource *resource)
{
	input_region_finish(region);
	if (resource) {
		const struct region_steps *steps = wl_resource_get_user_data(resource);
		region->steps = steps_copy(steps, steps->count);
		if (!region->steps) {
			wl_client_post_no_memory(wl_resource_get_client(resource));
		}
	}
}

void input_region_finish(struct input_region *region)
{
	free(region->steps);
	region->steps = NULL;
}

void input_region_move(struct input_region *to, struct input_region *from)
{
	input_region_finish(to);
	to->steps = from->steps;
	from->steps = NULL;
}

bool input_region_contains(const struct input_region *region, int32_t x, int32_t y)
{
	if (!region->steps) {
		return true;
	}
	struct rect point = {x, y, 1, 1};
	for (size_t i = region->steps->count; i > 0; i--) {
		const struct region_step *step = &region->steps->steps[i - 1];
		if (rect_contains(&step->rect, &point)) {
			return step->is_added;
		}
	}
	return false;
}

bool input_region_covers(const struct input_region *region, const struct rect *rect)
{
	bool is_covered = false;
	for (size_t i = 0; region->steps && i < region->steps->count; i++) {
		const struct region_step *step = &region->steps->steps[i];
		if (!step->is_added) {
			return false;
		}
		is_covered = is_covered || rect_contains(&step->rect, rect);
	}
	return is_covered;
}
