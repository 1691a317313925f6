#include <stdlib.h>
#include <string.h>

#include "compositor/compositor.h"
#include "compositor/popup.h"
#include "compositor/resource.h"
#include "compositor/seat.h"
#include "compositor/surface.h"

#define NOTCH 120
#define CURSOR_SHAPE_HIDDEN 0u
#define CURSOR_SHAPE_DEFAULT 1u
#define CURSOR_SHAPE_SURFACE 255u

static void send_frame(struct wl_resource *resource)
{
	if (resource_version(resource) >= WL_POINTER_FRAME_SINCE_VERSION) {
		wl_pointer_send_frame(resource);
	}
}

struct surface *pointer_pick(struct surface *surface, int32_t *x, int32_t *y)
{
	struct surface *under = surface;
	int32_t at_x = *x, at_y = *y;
	while (under && !surface_takes_input(under, at_x, at_y)) {
		at_x = fixed_add_pixels(at_x, under->x);
		at_y = fixed_add_pixels(at_y, under->y);
		under = under->parent;
	}
	if (!under || !under->is_mapped) {
		return NULL;
	}
	*x = at_x;
	*y = at_y;
	return under;
}

void pointer_set_focus(struct seat *seat, struct surface *surface, int32_t x, int32_t y)
{
	struct pointer *pointer = &seat->pointer;
	struct wl_resource *resource;
	if (pointer->focus == surface) {
		return;
	}
	wl_resource_for_each(resource, &pointer->resources)
	{
		if (pointer->focus) {
			wl_pointer_send_leave(resource, compositor_next_serial(seat->compositor),
					pointer->focus->resource);
			send_frame(resource);
		}
	}
	pointer->focus = surface;
	pointer->x = x;
	pointer->y = y;
	if (!surface) {
		return;
	}
	pointer->enter_serial = compositor_next_serial(seat->compositor);
	wl_resource_for_each(resource, &pointer->resources)
	{
		wl_pointer_send_enter(resource, pointer->enter_serial, surface->resource, x, y);
		send_frame(resource);
	}
}

static void send_motion(struct seat *seat, int32_t x, int32_t y)
{
	struct pointer *pointer = &seat->pointer;
	struct wl_resource *resource;
	if (x == pointer->x && y == pointer->y) {
		return;
	}
	pointer->x = x;
	pointer->y = y;
	uint32_t now = compositor_time_ms();
	wl_resource_for_each(resource, &pointer->resources)
	{
		wl_pointer_send_motion(resource, now, x, y);
		send_frame(resource);
	}
}

void pointer_handle_motion(struct seat *seat, const struct wire_pointer_motion *motion)
{
	struct pointer *pointer = &seat->pointer;
	struct surface *surface = surface_by_id(seat->compositor, motion->surface);
	if (!surface || !surface->is_mapped || !layout_is_shown(surface)) {
		return;
	}
	int32_t x = output_to_client(&seat->compositor->output, motion->x);
	int32_t y = output_to_client(&seat->compositor->output, motion->y);
	if (seat->data.drag.is_active) {
		struct surface *under = pointer_pick(surface, &x, &y);
		drag_handle_motion(&seat->data, under, x, y);
		return;
	}
	/* While a button is down everything goes to the surface on which it went down. */
	if (pointer->button_count > 0 && pointer->focus) {
		surface_move_point(surface, pointer->focus, &x, &y);
		send_motion(seat, x, y);
		return;
	}
	struct surface *under = pointer_pick(surface, &x, &y);
	pointer_set_focus(seat, under, x, y);
	if (under) {
		send_motion(seat, x, y);
	}
}

static bool note_button(struct pointer *pointer, uint16_t button, bool is_pressed)
{
	for (uint32_t i = 0; i < pointer->button_count; i++) {
		if (pointer->buttons[i] == button) {
			if (is_pressed) {
				return false;
			}
			pointer->buttons[i] = pointer->buttons[--pointer->button_count];
			return true;
		}
	}
	if (!is_pressed || pointer->button_count == SEAT_BUTTONS_MAX) {
		return false;
	}
	pointer->buttons[pointer->button_count++] = button;
	return true;
}

static void send_button(struct seat *seat, uint16_t button, bool is_pressed)
{
	struct wl_resource *resource;
	uint32_t serial = compositor_next_serial(seat->compositor);
	uint32_t now = compositor_time_ms();
	if (is_pressed) {
		seat->pointer.press_serial = serial;
	}
	wl_resource_for_each(resource, &seat->pointer.resources)
	{
		wl_pointer_send_button(resource, serial, now, button,
				is_pressed ? WL_POINTER_BUTTON_STATE_PRESSED
					   : WL_POINTER_BUTTON_STATE_RELEASED);
		send_frame(resource);
	}
}

void pointer_handle_button(struct seat *seat, uint16_t button, bool is_pressed)
{
	struct pointer *pointer = &seat->pointer;
	if (!pointer->focus && is_pressed && !seat->data.drag.is_active) {
		popup_dismiss_all(seat->compositor);
		return;
	}
	if (!note_button(pointer, button, is_pressed)) {
		return;
	}
	if (seat->data.drag.is_active) {
		if (!is_pressed && pointer->button_count == 0) {
			drag_drop(&seat->data);
		}
		return;
	}
	send_button(seat, button, is_pressed);
}

void pointer_handle_leave(struct seat *seat)
{
	if (seat->data.drag.is_active) {
		drag_handle_motion(&seat->data, NULL, 0, 0);
	} else if (seat->pointer.button_count == 0) {
		pointer_set_focus(seat, NULL, 0, 0);
	}
}

void pointer_release_all(struct seat *seat)
{
	struct pointer *pointer = &seat->pointer;
	while (pointer->button_count > 0) {
		send_button(seat, pointer->buttons[--pointer->button_count], false);
	}
	pointer_set_focus(seat, NULL, 0, 0);
}

void pointer_handle_unmapped(struct seat *seat, struct surface *surface)
{
	struct pointer *pointer = &seat->pointer;
	if (pointer->cursor == surface) {
		pointer->cursor = NULL;
		pointer->wanted = (struct ring_cursor){.shape = CURSOR_SHAPE_HIDDEN};
	}
	if (pointer->focus == surface) {
		pointer->button_count = 0;
		pointer_set_focus(seat, NULL, 0, 0);
	}
}

/* One axis of a wheel: notches for a wheel, plain lengths for a touchpad. */
static void send_axis(struct wl_resource *resource, uint32_t now, uint32_t axis, int32_t length,
		int32_t notches, int32_t whole_notches)
{
	uint32_t version = resource_version(resource);
	if (length == 0) {
		return;
	}
	if (notches != 0 && version >= WL_POINTER_AXIS_VALUE120_SINCE_VERSION) {
		wl_pointer_send_axis_value120(resource, axis, notches);
	} else if (whole_notches != 0 && version >= WL_POINTER_AXIS_DISCRETE_SINCE_VERSION) {
		wl_pointer_send_axis_discrete(resource, axis, whole_notches);
	}
	wl_pointer_send_axis(resource, now, axis, length);
}

static int32_t take_whole(int32_t *rest, int32_t notches)
{
	*rest = (*rest + notches) % (NOTCH * 256);
	int32_t whole = *rest / NOTCH;
	*rest -= whole * NOTCH;
	return whole;
}

void pointer_handle_wheel(struct seat *seat, const struct wire_wheel *wheel)
{
	struct pointer *pointer = &seat->pointer;
	struct wl_resource *resource;
	if (!pointer->focus) {
		return;
	}
	bool is_wheel = wheel->notches_x != 0 || wheel->notches_y != 0;
	int32_t whole_x = take_whole(&pointer->rest_x, wheel->notches_x);
	int32_t whole_y = take_whole(&pointer->rest_y, wheel->notches_y);
	int32_t dx = output_to_client(&seat->compositor->output, wheel->dx);
	int32_t dy = output_to_client(&seat->compositor->output, wheel->dy);
	uint32_t now = compositor_time_ms();
	wl_resource_for_each(resource, &pointer->resources)
	{
		if (resource_version(resource) >= WL_POINTER_AXIS_SOURCE_SINCE_VERSION) {
			wl_pointer_send_axis_source(resource,
					is_wheel ? WL_POINTER_AXIS_SOURCE_WHEEL
						 : WL_POINTER_AXIS_SOURCE_CONTINUOUS);
		}
		send_axis(resource, now, WL_POINTER_AXIS_VERTICAL_SCROLL, dy, wheel->notches_y,
				whole_y);
		send_axis(resource, now, WL_POINTER_AXIS_HORIZONTAL_SCROLL, dx, wheel->notches_x,
				whole_x);
		send_frame(resource);
	}
}

static void handle_cursor_gone(struct surface *surface)
{
	pointer_handle_unmapped(&surface->compositor->seat, surface);
}

static const struct surface_role_impl cursor_role = {.gone = handle_cursor_gone};

static void handle_set_cursor(struct wl_client *client, struct wl_resource *resource,
		uint32_t serial, struct wl_resource *surface_resource, int32_t hot_x, int32_t hot_y)
{
	(void)client;
	struct seat *seat = wl_resource_get_user_data(resource);
	struct pointer *pointer = &seat->pointer;
	struct surface *surface = surface_resource ? surface_from_resource(surface_resource) : NULL;
	if (surface &&
			!surface_set_role(surface, SURFACE_ROLE_CURSOR, &cursor_role, seat,
					resource, WL_POINTER_ERROR_ROLE)) {
		return;
	}
	if (serial != pointer->enter_serial) {
		return;
	}
	pointer->cursor = surface;
	pointer->wanted = (struct ring_cursor){
			.shape = surface ? CURSOR_SHAPE_SURFACE : CURSOR_SHAPE_HIDDEN,
			.surface = surface ? surface->id : 0,
			.hot_x = output_to_viewer(&seat->compositor->output, hot_x),
			.hot_y = output_to_viewer(&seat->compositor->output, hot_y),
	};
	seat->compositor->is_layout_dirty = true;
	compositor_schedule_flush(seat->compositor);
}

void pointer_set_shape(struct seat *seat, uint32_t serial, uint32_t shape)
{
	if (serial == seat->pointer.enter_serial) {
		seat->pointer.cursor = NULL;
		seat->pointer.wanted = (struct ring_cursor){.shape = shape};
		compositor_schedule_flush(seat->compositor);
	}
}

bool pointer_publish_cursor(struct seat *seat)
{
	struct pointer *pointer = &seat->pointer;
	struct publisher *publisher = &seat->compositor->publisher;
	if (pointer->is_cursor_published &&
			memcmp(&pointer->wanted, &pointer->published, sizeof(pointer->wanted)) ==
					0) {
		return true;
	}
	struct ring_record *record = publisher_begin(publisher);
	if (!record) {
		return false;
	}
	record->kind = RING_CURSOR;
	record->surface = pointer->wanted.surface;
	record->cursor = pointer->wanted;
	publisher_publish(publisher);
	pointer->published = pointer->wanted;
	pointer->is_cursor_published = true;
	return true;
}

static const struct wl_pointer_interface pointer_impl = {
		.set_cursor = handle_set_cursor,
		.release = resource_handle_destroy,
};

void pointer_init(struct seat *seat)
{
	wl_list_init(&seat->pointer.resources);
	seat->pointer.wanted = (struct ring_cursor){.shape = CURSOR_SHAPE_DEFAULT};
}

void pointer_bind(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id)
{
	struct wl_resource *resource = resource_make(client, &wl_pointer_interface, version, id,
			&pointer_impl, seat, resource_unlink);
	if (resource) {
		wl_list_insert(&seat->pointer.resources, wl_resource_get_link(resource));
	}
}
