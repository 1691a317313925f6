#include <cursor-shape-v1-server-protocol.h>
#include <errno.h>

#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/seat.h"

/* Version 1 has shapes 1 to 34; hiding the cursor goes through wl_pointer.set_cursor. */
#define CURSOR_SHAPE_VERSION 1
#define CURSOR_SHAPE_LAST 34u

static void handle_set_shape(struct wl_client *client, struct wl_resource *resource,
		uint32_t serial, uint32_t shape)
{
	(void)client;
	struct seat *seat = wl_resource_get_user_data(resource);
	if (shape < 1 || shape > CURSOR_SHAPE_LAST) {
		wl_resource_post_error(resource, WP_CURSOR_SHAPE_DEVICE_V1_ERROR_INVALID_SHAPE,
				"no cursor shape has the number %u", shape);
		return;
	}
	pointer_set_shape(seat, serial, shape);
}

static const struct wp_cursor_shape_device_v1_interface device_impl = {
		.destroy = resource_handle_destroy,
		.set_shape = handle_set_shape,
};

static void handle_get_pointer(struct wl_client *client, struct wl_resource *resource, uint32_t id,
		struct wl_resource *pointer)
{
	resource_make(client, &wp_cursor_shape_device_v1_interface, resource_version(resource), id,
			&device_impl, wl_resource_get_user_data(pointer), NULL);
}

/* There are no tablets, so nobody can have a tool to name. */
static void handle_get_tablet_tool(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, struct wl_resource *tool)
{
	(void)client;
	(void)id;
	(void)tool;
	wl_resource_post_error(resource, WL_DISPLAY_ERROR_INVALID_METHOD, "there are no tablets");
}

static const struct wp_cursor_shape_manager_v1_interface manager_impl = {
		.destroy = resource_handle_destroy,
		.get_pointer = handle_get_pointer,
		.get_tablet_tool_v2 = handle_get_tablet_tool,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &wp_cursor_shape_manager_v1_interface, version, id, &manager_impl,
			data, NULL);
}

int cursor_shape_globals_init(struct compositor *compositor)
{
	return wl_global_create(compositor->display, &wp_cursor_shape_manager_v1_interface,
			       CURSOR_SHAPE_VERSION, compositor, handle_bind)
			? 0
			: -ENOMEM;
}
