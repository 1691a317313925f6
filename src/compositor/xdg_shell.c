#include "compositor/xdg_shell.h"

#include <errno.h>
#include <stdlib.h>
#include <xdg-shell-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/popup.h"
#include "compositor/resource.h"
#include "compositor/surface.h"
#include "compositor/toplevel.h"

#define XDG_WM_BASE_VERSION 5

struct positioner *positioner_from_resource(struct wl_resource *resource)
{
	return wl_resource_get_user_data(resource);
}

static bool is_small(int32_t value)
{
	return value >= -POSITIONER_MAX && value <= POSITIONER_MAX;
}

static void post_invalid_input(struct wl_resource *resource)
{
	wl_resource_post_error(
			resource, XDG_POSITIONER_ERROR_INVALID_INPUT, "the value is out of range");
}

static void handle_set_size(struct wl_client *client, struct wl_resource *resource, int32_t width,
		int32_t height)
{
	(void)client;
	struct positioner *positioner = positioner_from_resource(resource);
	if (width < 1 || height < 1 || !is_small(width) || !is_small(height)) {
		post_invalid_input(resource);
		return;
	}
	positioner->width = width;
	positioner->height = height;
}

static void handle_set_anchor_rect(struct wl_client *client, struct wl_resource *resource,
		int32_t x, int32_t y, int32_t width, int32_t height)
{
	(void)client;
	if (width < 0 || height < 0 || !is_small(x) || !is_small(y) || !is_small(width) ||
			!is_small(height)) {
		post_invalid_input(resource);
		return;
	}
	positioner_from_resource(resource)->anchor_rect = (struct rect){x, y, width, height};
}

static void handle_set_anchor(
		struct wl_client *client, struct wl_resource *resource, uint32_t anchor)
{
	(void)client;
	if (anchor > EDGE_BOTTOM_RIGHT) {
		post_invalid_input(resource);
		return;
	}
	positioner_from_resource(resource)->anchor = (enum positioner_edge)anchor;
}

static void handle_set_gravity(
		struct wl_client *client, struct wl_resource *resource, uint32_t gravity)
{
	(void)client;
	if (gravity > EDGE_BOTTOM_RIGHT) {
		post_invalid_input(resource);
		return;
	}
	positioner_from_resource(resource)->gravity = (enum positioner_edge)gravity;
}

static void handle_set_adjustment(
		struct wl_client *client, struct wl_resource *resource, uint32_t adjustment)
{
	(void)client;
	positioner_from_resource(resource)->adjustment = adjustment;
}

static void handle_set_offset(
		struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y)
{
	(void)client;
	if (!is_small(x) || !is_small(y)) {
		post_invalid_input(resource);
		return;
	}
	positioner_from_resource(resource)->dx = x;
	positioner_from_resource(resource)->dy = y;
}

static void handle_set_reactive(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	positioner_from_resource(resource)->is_reactive = true;
}

static void handle_set_parent_size(struct wl_client *client, struct wl_resource *resource,
		int32_t width, int32_t height)
{
	(void)client;
	(void)resource;
	(void)width;
	(void)height;
	/* Toplevels always have the output's size, so there is nothing to foresee. */
}

static void handle_set_parent_configure(
		struct wl_client *client, struct wl_resource *resource, uint32_t serial)
{
	(void)client;
	(void)resource;
	(void)serial;
}

static const struct xdg_positioner_interface positioner_impl = {
		.destroy = resource_handle_destroy,
		.set_size = handle_set_size,
		.set_anchor_rect = handle_set_anchor_rect,
		.set_anchor = handle_set_anchor,
		.set_gravity = handle_set_gravity,
		.set_constraint_adjustment = handle_set_adjustment,
		.set_offset = handle_set_offset,
		.set_reactive = handle_set_reactive,
		.set_parent_size = handle_set_parent_size,
		.set_parent_configure = handle_set_parent_configure,
};

static void handle_positioner_destroyed(struct wl_resource *resource)
{
	free(wl_resource_get_user_data(resource));
}

static void handle_create_positioner(
		struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	struct positioner *positioner = calloc(1, sizeof(*positioner));
	if (!positioner) {
		wl_client_post_no_memory(client);
		return;
	}
	if (!resource_make(client, &xdg_positioner_interface, resource_version(resource), id,
			    &positioner_impl, positioner, handle_positioner_destroyed)) {
		free(positioner);
	}
}

struct rect xdg_surface_geometry(const struct xdg_surface *xdg)
{
	if (!rect_is_empty(&xdg->geometry) || !xdg->surface) {
		return xdg->geometry;
	}
	return (struct rect){0, 0, xdg->surface->geometry.width, xdg->surface->geometry.height};
}

void xdg_surface_configure(struct xdg_surface *xdg)
{
	xdg->is_configured = true;
	xdg_surface_send_configure(xdg->resource, compositor_next_serial(xdg->compositor));
}

void xdg_surface_commit(struct xdg_surface *xdg)
{
	xdg->geometry = xdg->pending_geometry;
}

void xdg_surface_reset(struct xdg_surface *xdg)
{
	xdg->is_configured = false;
	xdg->has_role = false;
	xdg->geometry = (struct rect){0};
	xdg->pending_geometry = (struct rect){0};
}

static void handle_get_toplevel(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	toplevel_create(client, wl_resource_get_user_data(resource), id);
}

static void handle_get_popup(struct wl_client *client, struct wl_resource *resource, uint32_t id,
		struct wl_resource *parent, struct wl_resource *positioner)
{
	popup_create(client, wl_resource_get_user_data(resource), id,
			parent ? wl_resource_get_user_data(parent) : NULL,
			positioner_from_resource(positioner));
}

static void handle_set_window_geometry(struct wl_client *client, struct wl_resource *resource,
		int32_t x, int32_t y, int32_t width, int32_t height)
{
	(void)client;
	struct xdg_surface *xdg = wl_resource_get_user_data(resource);
	if (width < 1 || height < 1 || !is_small(x) || !is_small(y) || !is_small(width) ||
			!is_small(height)) {
		return;
	}
	xdg->pending_geometry = (struct rect){x, y, width, height};
}

static void handle_ack_configure(
		struct wl_client *client, struct wl_resource *resource, uint32_t serial)
{
	(void)client;
	(void)resource;
	(void)serial;
	/* What is shown follows the buffers that come, not the promises. */
}

static const struct xdg_surface_interface xdg_surface_impl = {
		.destroy = resource_handle_destroy,
		.get_toplevel = handle_get_toplevel,
		.get_popup = handle_get_popup,
		.set_window_geometry = handle_set_window_geometry,
		.ack_configure = handle_ack_configure,
};

/* The surface goes before a role's object was made, or after it went. */
static void handle_surface_gone(struct surface *surface)
{
	struct xdg_surface *xdg = surface->role_data;
	xdg->surface = NULL;
}

static const struct surface_role_impl xdg_role = {.gone = handle_surface_gone};

static void handle_xdg_surface_destroyed(struct wl_resource *resource)
{
	struct xdg_surface *xdg = wl_resource_get_user_data(resource);
	toplevel_handle_xdg_gone(xdg);
	popup_handle_xdg_gone(xdg);
	if (xdg->surface) {
		xdg->surface->role_data = NULL;
		surface_unmap(xdg->surface);
	}
	free(xdg);
}

static void handle_get_xdg_surface(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, struct wl_resource *surface_resource)
{
	struct surface *surface = surface_from_resource(surface_resource);
	struct xdg_surface *xdg = calloc(1, sizeof(*xdg));
	if (!xdg) {
		wl_client_post_no_memory(client);
		return;
	}
	xdg->surface = surface;
	xdg->compositor = surface->compositor;
	if (!surface_set_role(surface, SURFACE_ROLE_XDG, &xdg_role, xdg, resource,
			    XDG_WM_BASE_ERROR_ROLE)) {
		free(xdg);
		return;
	}
	xdg->resource = resource_make(client, &xdg_surface_interface, resource_version(resource),
			id, &xdg_surface_impl, xdg, handle_xdg_surface_destroyed);
	if (!xdg->resource) {
		surface->role_data = NULL;
		free(xdg);
	}
}

static void handle_pong(struct wl_client *client, struct wl_resource *resource, uint32_t serial)
{
	(void)client;
	(void)resource;
	(void)serial;
}

static const struct xdg_wm_base_interface wm_base_impl = {
		.destroy = resource_handle_destroy,
		.create_positioner = handle_create_positioner,
		.get_xdg_surface = handle_get_xdg_surface,
		.pong = handle_pong,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &xdg_wm_base_interface, version, id, &wm_base_impl, data, NULL);
}

int xdg_shell_globals_init(struct compositor *compositor)
{
	wl_list_init(&compositor->toplevels);
	wl_list_init(&compositor->popups);
	return wl_global_create(compositor->display, &xdg_wm_base_interface, XDG_WM_BASE_VERSION,
			       compositor, handle_bind)
			? 0
			: -ENOMEM;
}
