#include <wayland-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/data_device.h"
#include "compositor/resource.h"
#include "compositor/surface.h"

static void leave(struct data_devices *devices)
{
	struct drag *drag = &devices->drag;
	struct wl_resource *device;
	if (!drag->focus) {
		return;
	}
	wl_resource_for_each(device, &devices->resources)
	{
		wl_data_device_send_leave(device);
	}
	drag->focus = NULL;
	drag->offer = NULL;
	if (drag->source) {
		drag->source->is_accepted = false;
	}
}

static void enter_device(struct data_devices *devices, struct wl_resource *device, uint32_t serial)
{
	struct drag *drag = &devices->drag;
	struct data_offer *offer = NULL;
	if (drag->source) {
		offer = data_offer_create(devices, device, drag->source, true);
	}
	if (offer && resource_version(device) >= WL_DATA_OFFER_SOURCE_ACTIONS_SINCE_VERSION) {
		wl_data_offer_send_source_actions(offer->resource, drag->source->actions);
	}
	wl_data_device_send_enter(device, serial, drag->focus->resource, drag->x, drag->y,
			offer ? offer->resource : NULL);
	drag->offer = offer;
}

static void enter(struct data_devices *devices, struct surface *surface)
{
	struct wl_resource *device;
	uint32_t serial = compositor_next_serial(devices->seat->compositor);
	devices->drag.focus = surface;
	wl_resource_for_each(device, &devices->resources)
	{
		enter_device(devices, device, serial);
	}
}

void drag_handle_motion(struct data_devices *devices, struct surface *surface, int32_t x, int32_t y)
{
	struct drag *drag = &devices->drag;
	struct wl_resource *device;
	drag->x = x;
	drag->y = y;
	if (surface != drag->focus) {
		leave(devices);
		if (surface) {
			enter(devices, surface);
		}
		return;
	}
	uint32_t now = compositor_time_ms();
	wl_resource_for_each(device, &devices->resources)
	{
		if (surface) {
			wl_data_device_send_motion(device, now, x, y);
		}
	}
}

/* The target's wish if the source allows it, else the first that both know. */
void drag_choose_action(struct data_offer *offer)
{
	uint32_t common = offer->actions & offer->source->actions;
	uint32_t chosen = common & offer->preferred ? offer->preferred : common & (~common + 1);
	if (chosen == offer->source->chosen_action || offer->source->is_dropped) {
		return;
	}
	offer->source->chosen_action = chosen;
	if (resource_version(offer->resource) >= WL_DATA_OFFER_ACTION_SINCE_VERSION) {
		wl_data_offer_send_action(offer->resource, chosen);
	}
	if (resource_version(offer->source->resource) >= WL_DATA_SOURCE_ACTION_SINCE_VERSION) {
		wl_data_source_send_action(offer->source->resource, chosen);
	}
}

static void hide_icon(struct drag *drag)
{
	if (drag->icon) {
		struct surface *icon = drag->icon;
		drag->icon = NULL;
		surface_unmap(icon);
	}
}

/* The pointer comes back to where the drag ended. */
static void finish(struct data_devices *devices)
{
	struct drag *drag = &devices->drag;
	struct surface *under = drag->focus;
	hide_icon(drag);
	*drag = (struct drag){.x = drag->x, .y = drag->y};
	pointer_set_focus(devices->seat, under, drag->x, drag->y);
}

void drag_drop(struct data_devices *devices)
{
	struct drag *drag = &devices->drag;
	struct data_source *source = drag->source;
	struct wl_resource *device;
	bool is_taken = drag->focus && source && source->is_accepted && source->chosen_action;
	if (!is_taken) {
		drag_cancel(devices);
		return;
	}
	source->is_dropped = true;
	wl_resource_for_each(device, &devices->resources)
	{
		wl_data_device_send_drop(device);
	}
	if (resource_version(source->resource) >= WL_DATA_SOURCE_DND_DROP_PERFORMED_SINCE_VERSION) {
		wl_data_source_send_dnd_drop_performed(source->resource);
	}
	finish(devices);
}

void drag_cancel(struct data_devices *devices)
{
	struct drag *drag = &devices->drag;
	if (!drag->is_active) {
		return;
	}
	struct surface *under = drag->focus;
	leave(devices);
	drag->focus = under;
	if (drag->source) {
		wl_data_source_send_cancelled(drag->source->resource);
	}
	finish(devices);
}

void drag_handle_unmapped(struct data_devices *devices, struct surface *surface)
{
	struct drag *drag = &devices->drag;
	if (drag->icon == surface) {
		drag->icon = NULL;
	}
	if (drag->focus == surface) {
		drag->focus = NULL;
		drag->offer = NULL;
	}
}

void drag_handle_source_gone(struct data_devices *devices, struct data_source *source)
{
	struct drag *drag = &devices->drag;
	if (drag->is_active && drag->source == source) {
		drag->source = NULL;
		drag_cancel(devices);
	}
}

static void handle_icon_gone(struct surface *surface)
{
	drag_handle_unmapped(surface->role_data, surface);
}

static const struct surface_role_impl icon_role = {.gone = handle_icon_gone};

void drag_start(struct data_devices *devices, struct data_source *source, struct surface *icon,
		struct wl_resource *error_resource)
{
	struct drag *drag = &devices->drag;
	struct pointer *pointer = &devices->seat->pointer;
	if (icon &&
			!surface_set_role(icon, SURFACE_ROLE_DRAG_ICON, &icon_role, devices,
					error_resource, WL_DATA_DEVICE_ERROR_ROLE)) {
		return;
	}
	if (drag->is_active || !pointer->focus || pointer->button_count == 0) {
		if (source) {
			wl_data_source_send_cancelled(source->resource);
		}
		return;
	}
	struct surface *under = pointer->focus;
	*drag = (struct drag){.is_active = true,
			.source = source,
			.icon = icon,
			.x = pointer->x,
			.y = pointer->y};
	if (icon) {
		icon->hot_x = 0;
		icon->hot_y = 0;
	}
	pointer_set_focus(devices->seat, NULL, 0, 0);
	drag_handle_motion(devices, under, drag->x, drag->y);
}
