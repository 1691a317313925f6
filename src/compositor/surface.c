#include "compositor/surface.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "compositor/compositor.h"
#include "compositor/presentation.h"
#include "compositor/resource.h"
#include "compositor/seat.h"
#include "compositor/subsurface.h"

#define COMPOSITOR_VERSION 5
#define FIXED_ONE 256

static int32_t clamp_pixels(int64_t value)
{
	return value > SURFACE_POSITION_MAX		? SURFACE_POSITION_MAX
			: value < -SURFACE_POSITION_MAX ? -SURFACE_POSITION_MAX
							: (int32_t)value;
}

static void handle_buffer_destroyed(struct wl_listener *listener, void *data)
{
	(void)data;
	struct buffer_hold *hold = wl_container_of(listener, hold, destroyed);
	wl_list_remove(&hold->destroyed.link);
	hold->resource = NULL;
}

void buffer_hold_set(struct buffer_hold *hold, struct wl_resource *buffer)
{
	if (hold->resource) {
		wl_list_remove(&hold->destroyed.link);
	}
	hold->resource = buffer;
	if (buffer) {
		hold->destroyed.notify = handle_buffer_destroyed;
		wl_resource_add_destroy_listener(buffer, &hold->destroyed);
	}
}

static void state_init(struct surface_state *state)
{
	state->scale = 1;
	wl_list_init(&state->callbacks);
	wl_list_init(&state->feedbacks);
}

static void destroy_callbacks(struct wl_list *list)
{
	struct wl_resource *resource, *next;
	wl_resource_for_each_safe(resource, next, list)
	{
		wl_resource_destroy(resource);
	}
}

static void state_finish(struct surface_state *state)
{
	buffer_hold_set(&state->buffer, NULL);
	input_region_finish(&state->input);
	input_region_finish(&state->opaque);
	destroy_callbacks(&state->callbacks);
	presentation_discard(&state->feedbacks);
}

/* Moves a buffer on; the one that it replaces goes back to the client. */
static void move_buffer(struct surface_state *to, struct surface_state *from)
{
	if (!from->has_buffer) {
		return;
	}
	struct wl_resource *buffer = from->buffer.resource;
	if (to->buffer.resource && to->buffer.resource != buffer) {
		wl_buffer_send_release(to->buffer.resource);
	}
	buffer_hold_set(&from->buffer, NULL);
	buffer_hold_set(&to->buffer, buffer);
	to->has_buffer = true;
	from->has_buffer = false;
}

static void move_damage(struct region *to, struct region *from)
{
	static const struct rect everything = {0, 0, INT32_MAX, INT32_MAX};
	for (size_t i = 0; i < from->count; i++) {
		region_add(to, &from->rects[i], &everything);
	}
	region_clear(from);
}

void surface_state_merge(struct surface_state *to, struct surface_state *from)
{
	move_buffer(to, from);
	to->scale = from->scale;
	to->source = from->source;
	to->has_destination = from->has_destination;
	to->destination_width = from->destination_width;
	to->destination_height = from->destination_height;
	to->dx = clamp_pixels((int64_t)to->dx + from->dx);
	to->dy = clamp_pixels((int64_t)to->dy + from->dy);
	from->dx = 0;
	from->dy = 0;
	move_damage(&to->buffer_damage, &from->buffer_damage);
	move_damage(&to->surface_damage, &from->surface_damage);
	wl_list_insert_list(to->callbacks.prev, &from->callbacks);
	wl_list_init(&from->callbacks);
	to->callback_count += from->callback_count;
	from->callback_count = 0;
	wl_list_insert_list(to->feedbacks.prev, &from->feedbacks);
	wl_list_init(&from->feedbacks);
	if (from->input.steps || from->has_input) {
		input_region_move(&to->input, &from->input);
		to->has_input = true;
		from->has_input = false;
	}
	if (from->opaque.steps || from->has_opaque) {
		input_region_move(&to->opaque, &from->opaque);
		to->has_opaque = true;
		from->has_opaque = false;
	}
}

void surface_unmap(struct surface *surface)
{
	surface->is_mapped = false;
	surface->is_frame_due = false;
	region_clear(&surface->damage);
	surface->compositor->is_layout_dirty = true;
	seat_handle_unmapped(&surface->compositor->seat, surface);
	compositor_schedule_flush(surface->compositor);
}

/* At a change of scale that leaves a window's pixels as they were, Chromium forgets to tell the new
 * logical size. A window with exactly the output's pixels has exactly its logical size. */
static void correct_window(const struct surface *surface, struct surface_geometry *geometry)
{
	const struct output *output = &surface->compositor->output;
	int32_t width = output_client_width(output), height = output_client_height(output);
	int64_t scale = output_client_scale_120(output);
	int64_t off_x = (int64_t)geometry->picture.width * 120 - width * scale;
	int64_t off_y = (int64_t)geometry->picture.height * 120 - height * scale;
	bool is_whole = off_x > -240 && off_x < 240 && off_y > -240 && off_y < 240;
	if (surface->role == SURFACE_ROLE_TOPLEVEL && is_whole) {
		geometry->width = width;
		geometry->height = height;
	}
}

static enum geometry_result measure(
		const struct surface *surface, struct surface_geometry *ret_geometry)
{
	const struct surface_state *state = &surface->current;
	struct geometry_input input = {
			.buffer_width = surface->buffer_width,
			.buffer_height = surface->buffer_height,
			.scale = state->scale,
			.source = state->source,
			.has_destination = state->has_destination,
			.destination_width = state->destination_width,
			.destination_height = state->destination_height,
	};
	enum geometry_result result = geometry_from_input(&input, ret_geometry);
	if (result == GEOMETRY_OK) {
		correct_window(surface, ret_geometry);
	}
	return result;
}

static bool picture_fits(const struct surface_geometry *geometry)
{
	const struct rect *picture = &geometry->picture;
	return picture->width > 0 && picture->height > 0 && geometry->width > 0 &&
			geometry->height > 0 && (uint32_t)picture->width <= RING_SURFACE_MAX_SIDE &&
			(uint32_t)picture->height <= RING_SURFACE_MAX_SIDE &&
			(uint32_t)geometry->width <= RING_SURFACE_MAX_SIDE &&
			(uint32_t)geometry->height <= RING_SURFACE_MAX_SIDE &&
			(uint64_t)picture->width * (uint64_t)picture->height <=
			RING_SURFACE_MAX_PIXELS;
}

static bool same_geometry(const struct surface_geometry *a, const struct surface_geometry *b)
{
	return a->picture.x == b->picture.x && a->picture.y == b->picture.y &&
			a->picture.width == b->picture.width &&
			a->picture.height == b->picture.height && a->width == b->width &&
			a->height == b->height;
}

static void post_geometry_error(struct surface *surface, enum geometry_result result)
{
	if (surface->viewport) {
		wl_resource_post_error(surface->viewport, result == GEOMETRY_BAD_SIZE ? 1 : 2,
				"the viewport's source does not fit the buffer");
	} else {
		wl_client_post_no_memory(wl_resource_get_client(surface->resource));
	}
}

static void take_damage(struct surface *surface, const struct surface_geometry *geometry)
{
	struct surface_state *state = &surface->current;
	bool is_whole = !surface->is_mapped || !same_geometry(geometry, &surface->geometry);
	surface->geometry = *geometry;
	if (is_whole) {
		struct rect all = {0, 0, geometry->picture.width, geometry->picture.height};
		region_clear(&surface->damage);
		region_add(&surface->damage, &all, &all);
		surface->compositor->is_layout_dirty = true;
	}
	for (size_t i = 0; i < state->buffer_damage.count; i++) {
		damage_add_buffer(&surface->damage, geometry, &state->buffer_damage.rects[i]);
	}
	for (size_t i = 0; i < state->surface_damage.count; i++) {
		damage_add_surface(&surface->damage, geometry, &state->surface_damage.rects[i]);
	}
}

static void update_alpha(struct surface *surface, struct wl_shm_buffer *shm)
{
	struct rect all = {0, 0, surface->geometry.width, surface->geometry.height};
	bool has_alpha = wl_shm_buffer_get_format(shm) != WL_SHM_FORMAT_XRGB8888 &&
			!input_region_covers(&surface->current.opaque, &all);
	if (has_alpha != surface->has_alpha && surface->is_mapped) {
		/* What the encoder has of it was read with the other meaning. */
		struct rect picture = {0, 0, surface->geometry.picture.width,
				surface->geometry.picture.height};
		region_add(&surface->damage, &picture, &picture);
	}
	surface->has_alpha = has_alpha;
}

/* A commit without a buffer may still stretch the picture that is there to another size. */
static void take_new_size(struct surface *surface)
{
	struct surface_geometry geometry;
	if (surface->is_mapped && measure(surface, &geometry) == GEOMETRY_OK &&
			picture_fits(&geometry)) {
		surface->geometry.width = geometry.width;
		surface->geometry.height = geometry.height;
		surface->compositor->is_layout_dirty = true;
	}
}

static void take_picture(struct surface *surface)
{
	struct surface_state *state = &surface->current;
	struct wl_shm_buffer *shm =
			state->buffer.resource ? wl_shm_buffer_get(state->buffer.resource) : NULL;
	if (state->has_buffer && !shm) {
		surface_unmap(surface);
		return;
	}
	if (!shm) {
		take_new_size(surface);
		return;
	}
	surface->buffer_width = wl_shm_buffer_get_width(shm);
	surface->buffer_height = wl_shm_buffer_get_height(shm);
	struct surface_geometry geometry;
	enum geometry_result result = measure(surface, &geometry);
	if (result != GEOMETRY_OK) {
		post_geometry_error(surface, result);
		return;
	}
	if (!picture_fits(&geometry)) {
		log_warning("the browser showed a surface of %dx%d pixels, more than allowed",
				geometry.picture.width, geometry.picture.height);
		surface_unmap(surface);
		return;
	}
	take_damage(surface, &geometry);
	update_alpha(surface, shm);
	surface->is_mapped = true;
}

void surface_apply(struct surface *surface, struct surface_state *state)
{
	surface_state_merge(&surface->current, state);
	take_picture(surface);
	surface->hot_x = clamp_pixels((int64_t)surface->hot_x + surface->current.dx);
	surface->hot_y = clamp_pixels((int64_t)surface->hot_y + surface->current.dy);
	surface->current.dx = 0;
	surface->current.dy = 0;
	surface->current.has_buffer = false;
	region_clear(&surface->current.buffer_damage);
	region_clear(&surface->current.surface_damage);
	surface_handle_committed(surface);
	subsurface_apply_children(surface);
	if (surface->impl && surface->impl->commit && surface->role_data) {
		surface->impl->commit(surface);
	}
}

static void handle_attach(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *buffer, int32_t x, int32_t y)
{
	(void)client;
	struct surface *surface = surface_from_resource(resource);
	surface->pending.has_buffer = true;
	buffer_hold_set(&surface->pending.buffer, buffer);
	surface->pending.dx = x;
	surface->pending.dy = y;
}

static void add_damage(struct region *region, struct rect rect)
{
	static const struct rect bounds = {0, 0, INT32_MAX, INT32_MAX};
	region_add(region, &rect, &bounds);
}

static void handle_damage(struct wl_client *client, struct wl_resource *resource, int32_t x,
		int32_t y, int32_t width, int32_t height)
{
	(void)client;
	add_damage(&surface_from_resource(resource)->pending.surface_damage,
			(struct rect){x, y, width, height});
}

static void handle_damage_buffer(struct wl_client *client, struct wl_resource *resource, int32_t x,
		int32_t y, int32_t width, int32_t height)
{
	(void)client;
	add_damage(&surface_from_resource(resource)->pending.buffer_damage,
			(struct rect){x, y, width, height});
}

static void handle_frame(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	struct surface *surface = surface_from_resource(resource);
	if (surface->pending.callback_count + surface->current.callback_count >=
			QUOTA_FRAME_CALLBACKS) {
		wl_client_post_no_memory(client);
		return;
	}
	struct wl_resource *callback = resource_make(
			client, &wl_callback_interface, 1, id, NULL, NULL, resource_unlink);
	if (callback) {
		wl_list_insert(surface->pending.callbacks.prev, wl_resource_get_link(callback));
		surface->pending.callback_count++;
	}
}

static void handle_set_opaque_region(
		struct wl_client *client, struct wl_resource *resource, struct wl_resource *region)
{
	(void)client;
	struct surface *surface = surface_from_resource(resource);
	input_region_set(&surface->pending.opaque, region);
	surface->pending.has_opaque = true;
}

static void handle_set_input_region(
		struct wl_client *client, struct wl_resource *resource, struct wl_resource *region)
{
	(void)client;
	struct surface *surface = surface_from_resource(resource);
	input_region_set(&surface->pending.input, region);
	surface->pending.has_input = true;
}

static void handle_commit(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	struct surface *surface = surface_from_resource(resource);
	if (subsurface_is_synchronized(surface)) {
		surface_state_merge(&surface->cached, &surface->pending);
		surface->cached_is_due = true;
		return;
	}
	if (surface->cached_is_due) {
		surface_state_merge(&surface->cached, &surface->pending);
		surface->cached_is_due = false;
		surface_apply(surface, &surface->cached);
		return;
	}
	surface_apply(surface, &surface->pending);
}

static void handle_set_buffer_transform(
		struct wl_client *client, struct wl_resource *resource, int32_t transform)
{
	(void)client;
	if (transform < 0 || transform > WL_OUTPUT_TRANSFORM_FLIPPED_270) {
		wl_resource_post_error(resource, WL_SURFACE_ERROR_INVALID_TRANSFORM,
				"no transform has the number %d", transform);
	}
	/* Our output is never turned, so a client has no cause to turn its buffers. */
}

static void handle_set_buffer_scale(
		struct wl_client *client, struct wl_resource *resource, int32_t scale)
{
	(void)client;
	if (scale < 1 || scale > 16) {
		wl_resource_post_error(resource, WL_SURFACE_ERROR_INVALID_SCALE,
				"a buffer's scale cannot be %d", scale);
		return;
	}
	surface_from_resource(resource)->pending.scale = scale;
}

static void handle_offset(
		struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y)
{
	(void)client;
	surface_from_resource(resource)->pending.dx = x;
	surface_from_resource(resource)->pending.dy = y;
}

static const struct wl_surface_interface surface_impl = {
		.destroy = resource_handle_destroy,
		.attach = handle_attach,
		.damage = handle_damage,
		.frame = handle_frame,
		.set_opaque_region = handle_set_opaque_region,
		.set_input_region = handle_set_input_region,
		.commit = handle_commit,
		.set_buffer_transform = handle_set_buffer_transform,
		.set_buffer_scale = handle_set_buffer_scale,
		.damage_buffer = handle_damage_buffer,
		.offset = handle_offset,
};

static void handle_destroyed(struct wl_resource *resource)
{
	struct surface *surface = wl_resource_get_user_data(resource);
	struct compositor *compositor = surface->compositor;
	surface->is_mapped = false;
	if (surface->impl && surface->impl->gone && surface->role_data) {
		surface->impl->gone(surface);
	}
	seat_handle_unmapped(&compositor->seat, surface);
	subsurface_orphan_children(surface);
	wl_list_remove(&surface->link);
	struct surface *other;
	wl_list_for_each(other, &compositor->surfaces, link)
	{
		if (other->parent == surface) {
			other->parent = NULL;
		}
	}
	if (surface->current.buffer.resource) {
		wl_buffer_send_release(surface->current.buffer.resource);
	}
	if (surface->viewport) {
		wl_resource_set_user_data(surface->viewport, NULL);
	}
	if (surface->fractional) {
		wl_resource_set_user_data(surface->fractional, NULL);
	}
	state_finish(&surface->pending);
	state_finish(&surface->cached);
	state_finish(&surface->current);
	if (surface->is_published &&
			publisher_send_surface_gone(&compositor->publisher, surface->id) < 0) {
		compositor_fail(compositor, "the encoder does not take records");
	}
	compositor->is_layout_dirty = true;
	compositor_schedule_flush(compositor);
	free(surface);
}

static void handle_create_surface(
		struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);
	struct surface *surface = calloc(1, sizeof(*surface));
	if (!surface) {
		wl_client_post_no_memory(client);
		return;
	}
	surface->compositor = compositor;
	surface->id = ++compositor->next_surface_id;
	state_init(&surface->pending);
	state_init(&surface->cached);
	state_init(&surface->current);
	wl_list_init(&surface->below);
	wl_list_init(&surface->above);
	wl_list_init(&surface->pending_below);
	wl_list_init(&surface->pending_above);
	wl_list_insert(compositor->surfaces.prev, &surface->link);
	surface->resource = resource_make(client, &wl_surface_interface, resource_version(resource),
			id, &surface_impl, surface, handle_destroyed);
	if (!surface->resource) {
		wl_list_remove(&surface->link);
		free(surface);
	}
}

static void handle_create_region(
		struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	region_resource_create(client, resource, id);
}

static const struct wl_compositor_interface compositor_impl = {
		.create_surface = handle_create_surface,
		.create_region = handle_create_region,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &wl_compositor_interface, version, id, &compositor_impl, data, NULL);
}

int surface_globals_init(struct compositor *compositor)
{
	wl_list_init(&compositor->surfaces);
	return wl_global_create(compositor->display, &wl_compositor_interface, COMPOSITOR_VERSION,
			       compositor, handle_bind)
			? 0
			: -ENOMEM;
}

struct surface *surface_from_resource(struct wl_resource *resource)
{
	return wl_resource_get_user_data(resource);
}

struct surface *surface_by_id(struct compositor *compositor, uint32_t id)
{
	struct surface *surface;
	wl_list_for_each(surface, &compositor->surfaces, link)
	{
		if (surface->id == id) {
			return surface;
		}
	}
	return NULL;
}

bool surface_set_role(struct surface *surface, enum surface_role role,
		const struct surface_role_impl *impl, void *data,
		struct wl_resource *error_resource, uint32_t error_code)
{
	bool is_refined = surface->role == SURFACE_ROLE_XDG &&
			(role == SURFACE_ROLE_TOPLEVEL || role == SURFACE_ROLE_POPUP);
	bool is_again = surface->role == role ||
			(role == SURFACE_ROLE_XDG &&
					(surface->role == SURFACE_ROLE_TOPLEVEL ||
							surface->role == SURFACE_ROLE_POPUP));
	bool is_free = surface->role == SURFACE_ROLE_NONE || is_refined ||
			(is_again && (!surface->role_data || surface->role_data == data));
	if (!is_free) {
		wl_resource_post_error(error_resource, error_code, "the surface has another role");
		return false;
	}
	if (!(is_again && role == SURFACE_ROLE_XDG)) {
		surface->role = role;
	}
	surface->impl = impl;
	surface->role_data = data;
	return true;
}

struct surface *surface_root(struct surface *surface)
{
	while (surface->parent) {
		surface = surface->parent;
	}
	return surface;
}

void surface_position_in_root(struct surface *surface, int32_t *ret_x, int32_t *ret_y)
{
	int64_t x = 0, y = 0;
	for (; surface->parent; surface = surface->parent) {
		x += surface->x;
		y += surface->y;
	}
	*ret_x = clamp_pixels(x);
	*ret_y = clamp_pixels(y);
}

void surface_move_point(struct surface *from, struct surface *to, int32_t *x, int32_t *y)
{
	int32_t from_x, from_y, to_x, to_y;
	surface_position_in_root(from, &from_x, &from_y);
	surface_position_in_root(to, &to_x, &to_y);
	*x = fixed_add_pixels(*x, (int64_t)from_x - to_x);
	*y = fixed_add_pixels(*y, (int64_t)from_y - to_y);
}

bool surface_takes_input(const struct surface *surface, int32_t x, int32_t y)
{
	return x >= 0 && y >= 0 && x / FIXED_ONE < surface->geometry.width &&
			y / FIXED_ONE < surface->geometry.height &&
			input_region_contains(
					&surface->current.input, x / FIXED_ONE, y / FIXED_ONE);
}
