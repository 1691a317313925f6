#include "compositor/compositor.h"
#include "compositor/popup.h"
#include "compositor/resource.h"
#include "compositor/seat.h"
#include "compositor/surface.h"

enum touch_phase { TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP, TOUCH_CANCEL };

static struct touch_point *find_point(struct touch *touch, uint16_t point)
{
	for (uint32_t i = 0; i < touch->point_count; i++) {
		if (touch->points[i].point == point) {
			return &touch->points[i];
		}
	}
	return NULL;
}

static void send_frame(struct touch *touch)
{
	struct wl_resource *resource;
	wl_resource_for_each(resource, &touch->resources)
	{
		wl_touch_send_frame(resource);
	}
}

static void touch_down(struct seat *seat, const struct wire_touch *message)
{
	struct touch *touch = &seat->touch;
	struct surface *surface = surface_by_id(seat->compositor, message->surface);
	if (!surface || !layout_is_shown(surface) || find_point(touch, message->point) ||
			touch->point_count == SEAT_TOUCHES_MAX) {
		return;
	}
	int32_t x = output_to_client(&seat->compositor->output, message->x);
	int32_t y = output_to_client(&seat->compositor->output, message->y);
	struct surface *under = pointer_pick(surface, &x, &y);
	if (!under) {
		popup_dismiss_all(seat->compositor);
		return;
	}
	touch->points[touch->point_count++] = (struct touch_point){message->point, under, x, y};
	struct wl_resource *resource;
	uint32_t serial = compositor_next_serial(seat->compositor);
	wl_resource_for_each(resource, &touch->resources)
	{
		wl_touch_send_down(resource, serial, compositor_time_ms(), under->resource,
				message->point, x, y);
	}
	send_frame(touch);
}

static void touch_move(struct seat *seat, const struct wire_touch *message)
{
	struct touch_point *point = find_point(&seat->touch, message->point);
	struct surface *surface = surface_by_id(seat->compositor, message->surface);
	if (!point || !surface) {
		return;
	}
	point->x = output_to_client(&seat->compositor->output, message->x);
	point->y = output_to_client(&seat->compositor->output, message->y);
	surface_move_point(surface, point->surface, &point->x, &point->y);
	struct wl_resource *resource;
	wl_resource_for_each(resource, &seat->touch.resources)
	{
		wl_touch_send_motion(
				resource, compositor_time_ms(), point->point, point->x, point->y);
	}
	send_frame(&seat->touch);
}

static void touch_up(struct seat *seat, uint16_t number)
{
	struct touch *touch = &seat->touch;
	struct touch_point *point = find_point(touch, number);
	if (!point) {
		return;
	}
	*point = touch->points[--touch->point_count];
	struct wl_resource *resource;
	uint32_t serial = compositor_next_serial(seat->compositor);
	wl_resource_for_each(resource, &touch->resources)
	{
		wl_touch_send_up(resource, serial, compositor_time_ms(), number);
	}
	send_frame(touch);
}

void touch_cancel_all(struct seat *seat)
{
	struct wl_resource *resource;
	if (seat->touch.point_count == 0) {
		return;
	}
	seat->touch.point_count = 0;
	wl_resource_for_each(resource, &seat->touch.resources)
	{
		wl_touch_send_cancel(resource);
	}
}

void touch_handle(struct seat *seat, const struct wire_touch *message)
{
	if (message->phase > TOUCH_CANCEL) {
		return;
	}
	switch ((enum touch_phase)message->phase) {
	case TOUCH_DOWN:
		touch_down(seat, message);
		break;
	case TOUCH_MOVE:
		touch_move(seat, message);
		break;
	case TOUCH_UP:
		touch_up(seat, message->point);
		break;
	case TOUCH_CANCEL:
		touch_cancel_all(seat);
		break;
	}
}

void touch_handle_unmapped(struct seat *seat, struct surface *surface)
{
	struct touch *touch = &seat->touch;
	for (uint32_t i = touch->point_count; i > 0; i--) {
		if (touch->points[i - 1].surface == surface) {
			touch_cancel_all(seat);
			return;
		}
	}
}

static const struct wl_touch_interface touch_impl = {.release = resource_handle_destroy};

void touch_init(struct seat *seat)
{
	wl_list_init(&seat->touch.resources);
}

void touch_bind(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id)
{
	struct wl_resource *resource = resource_make(client, &wl_touch_interface, version, id,
			&touch_impl, seat, resource_unlink);
	if (resource) {
		wl_list_insert(&seat->touch.resources, wl_resource_get_link(resource));
	}
}
