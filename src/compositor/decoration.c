#include "compositor/decoration.h"

#include <errno.h>
#include <xdg-decoration-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/resource.h"

static void send_mode(struct wl_resource *resource)
{
	zxdg_toplevel_decoration_v1_send_configure(
			resource, ZXDG_TOPLEVEL_DECORATION_V1_MODE_SERVER_SIDE);
}

static void handle_set_mode(struct wl_client *client, struct wl_resource *resource, uint32_t mode)
{
	(void)client;
	(void)mode;
	send_mode(resource);
}

static void handle_unset_mode(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	send_mode(resource);
}

static const struct zxdg_toplevel_decoration_v1_interface decoration_impl = {
		.destroy = resource_handle_destroy,
		.set_mode = handle_set_mode,
		.unset_mode = handle_unset_mode,
};

static void handle_get_decoration(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, struct wl_resource *toplevel)
{
	(void)toplevel;
	struct wl_resource *decoration = resource_make(client,
			&zxdg_toplevel_decoration_v1_interface, resource_version(resource), id,
			&decoration_impl, NULL, NULL);
	if (decoration) {
		send_mode(decoration);
	}
}

static const struct zxdg_decoration_manager_v1_interface manager_impl = {
		.destroy = resource_handle_destroy,
		.get_toplevel_decoration = handle_get_decoration,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &zxdg_decoration_manager_v1_interface, version, id, &manager_impl,
			data, NULL);
}

int decoration_globals_init(struct compositor *compositor)
{
	return wl_global_create(compositor->display, &zxdg_decoration_manager_v1_interface, 1,
			       compositor, handle_bind)
			? 0
			: -ENOMEM;
}
