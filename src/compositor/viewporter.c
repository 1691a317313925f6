#include "compositor/viewporter.h"

#include <errno.h>
#include <viewporter-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/surface.h"

/* The surface, or NULL and a protocol error when it is gone. */
static struct surface *get_surface(struct wl_resource *resource)
{
	struct surface *surface = wl_resource_get_user_data(resource);
	if (!surface) {
		wl_resource_post_error(resource, WP_VIEWPORT_ERROR_NO_SURFACE,
				"the viewport's surface is gone");
	}
	return surface;
}

static void handle_set_source(struct wl_client *client, struct wl_resource *resource, wl_fixed_t x,
		wl_fixed_t y, wl_fixed_t width, wl_fixed_t height)
{
	(void)client;
	static const wl_fixed_t unset = -256;
	struct surface *surface = get_surface(resource);
	if (!surface) {
		return;
	}
	if (x == unset && y == unset && width == unset && height == unset) {
		surface->pending.source = (struct viewport_source){0};
		return;
	}
	if (x < 0 || y < 0 || width <= 0 || height <= 0) {
		wl_resource_post_error(resource, WP_VIEWPORT_ERROR_BAD_VALUE,
				"the source is no rectangle");
		return;
	}
	surface->pending.source = (struct viewport_source){true, x, y, width, height};
}

static void handle_set_destination(struct wl_client *client, struct wl_resource *resource,
		int32_t width, int32_t height)
{
	(void)client;
	struct surface *surface = get_surface(resource);
	if (!surface) {
		return;
	}
	bool is_unset = width == -1 && height == -1;
	if (!is_unset && (width <= 0 || height <= 0)) {
		wl_resource_post_error(resource, WP_VIEWPORT_ERROR_BAD_VALUE,
				"the destination has no size");
		return;
	}
	surface->pending.has_destination = !is_unset;
	surface->pending.destination_width = is_unset ? 0 : width;
	surface->pending.destination_height = is_unset ? 0 : height;
}

static const struct wp_viewport_interface viewport_impl = {
		.destroy = resource_handle_destroy,
		.set_source = handle_set_source,
		.set_destination = handle_set_destination,
};

static void handle_destroyed(struct wl_resource *resource)
{
	struct surface *surface = wl_resource_get_user_data(resource);
	if (surface) {
		surface->viewport = NULL;
		surface->pending.source = (struct viewport_source){0};
		surface->pending.has_destination = false;
	}
}

static void handle_get_viewport(struct wl_client *client, struct wl_resource *resource, uint32_t id,
		struct wl_resource *surface_resource)
{
	struct surface *surface = surface_from_resource(surface_resource);
	if (surface->viewport) {
		wl_resource_post_error(resource, WP_VIEWPORTER_ERROR_VIEWPORT_EXISTS,
				"the surface has a viewport already");
		return;
	}
	surface->viewport = resource_make(client, &wp_viewport_interface,
			resource_version(resource), id, &viewport_impl, surface, handle_destroyed);
}

static const struct wp_viewporter_interface viewporter_impl = {
		.destroy = resource_handle_destroy,
		.get_viewport = handle_get_viewport,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &wp_viewporter_interface, version, id, &viewporter_impl, data, NULL);
}

int viewporter_globals_init(struct compositor *compositor)
{
	return wl_global_create(compositor->display, &wp_viewporter_interface, 1, compositor,
			       handle_bind)
			? 0
			: -ENOMEM;
}
