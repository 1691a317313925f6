#include "compositor/seat.h"

#include <errno.h>

#include "compositor/compositor.h"
#include "compositor/popup.h"
#include "compositor/resource.h"
#include "compositor/surface.h"
#include "compositor/toplevel.h"

#define SEAT_VERSION 8

static void handle_get_pointer(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	pointer_bind(wl_resource_get_user_data(resource), client, resource_version(resource), id);
}

static void handle_get_keyboard(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	keyboard_bind(wl_resource_get_user_data(resource), client, resource_version(resource), id);
}

static void handle_get_touch(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	touch_bind(wl_resource_get_user_data(resource), client, resource_version(resource), id);
}

static const struct wl_seat_interface seat_impl = {
		.get_pointer = handle_get_pointer,
		.get_keyboard = handle_get_keyboard,
		.get_touch = handle_get_touch,
		.release = resource_handle_destroy,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct seat *seat = data;
	struct wl_resource *resource = resource_make(
			client, &wl_seat_interface, version, id, &seat_impl, seat, resource_unlink);
	if (!resource) {
		return;
	}
	wl_list_insert(&seat->resources, wl_resource_get_link(resource));
	wl_seat_send_capabilities(resource,
			WL_SEAT_CAPABILITY_POINTER | WL_SEAT_CAPABILITY_KEYBOARD |
					WL_SEAT_CAPABILITY_TOUCH);
	if (version >= WL_SEAT_NAME_SINCE_VERSION) {
		wl_seat_send_name(resource, "viewer");
	}
}

int seat_init(struct seat *seat, struct compositor *compositor)
{
	seat->compositor = compositor;
	wl_list_init(&seat->resources);
	pointer_init(seat);
	touch_init(seat);
	int code = keyboard_init(seat);
	if (code == 0) {
		code = data_devices_init(&seat->data, seat);
	}
	if (code == 0) {
		code = text_inputs_init(&seat->text, seat);
	}
	if (code == 0 &&
			!wl_global_create(compositor->display, &wl_seat_interface, SEAT_VERSION,
					seat, handle_bind)) {
		code = -ENOMEM;
	}
	return code;
}

void seat_finish(struct seat *seat)
{
	keyboard_finish(seat);
	data_devices_finish(&seat->data);
}

void seat_handle_unmapped(struct seat *seat, struct surface *surface)
{
	pointer_handle_unmapped(seat, surface);
	touch_handle_unmapped(seat, surface);
	drag_handle_unmapped(&seat->data, surface);
	if (seat->keyboard.focus == surface) {
		seat_update_keyboard_focus(seat);
	}
}

void seat_update_keyboard_focus(struct seat *seat)
{
	struct compositor *compositor = seat->compositor;
	struct surface *focus = popup_grab_surface(compositor);
	struct toplevel *active = compositor->active;
	if (!focus && active && active->xdg->surface->is_mapped) {
		focus = active->xdg->surface;
	}
	keyboard_set_focus(seat, focus);
	text_inputs_set_focus(&seat->text, focus);
	data_devices_set_focus(&seat->data, focus);
}

void seat_release_all(struct seat *seat)
{
	drag_cancel(&seat->data);
	pointer_release_all(seat);
	keyboard_release_all(seat);
	touch_cancel_all(seat);
}

bool seat_publish(struct seat *seat)
{
	return pointer_publish_cursor(seat) && text_inputs_publish(&seat->text);
}
