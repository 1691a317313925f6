#include "compositor/popup.h"

#include <stdlib.h>
#include <xdg-shell-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/surface.h"

/* The output in the coordinates of the parent's window geometry. */
static struct rect popup_bounds(const struct popup *popup)
{
	const struct output *output = &popup->xdg->compositor->output;
	int32_t x = 0, y = 0;
	struct rect geometry = {0};
	if (popup->parent && popup->parent->surface) {
		surface_position_in_root(popup->parent->surface, &x, &y);
		geometry = xdg_surface_geometry(popup->parent);
	}
	return (struct rect){-x - geometry.x, -y - geometry.y, output_client_width(output),
			output_client_height(output)};
}

static void place(struct popup *popup)
{
	struct rect bounds = popup_bounds(popup);
	popup->place = positioner_place(&popup->positioner, &bounds);
}

static void configure(struct popup *popup)
{
	xdg_popup_send_configure(popup->resource, popup->place.x, popup->place.y,
			popup->place.width, popup->place.height);
	xdg_surface_configure(popup->xdg);
}

/* From window geometries to surfaces. */
static void update_position(struct popup *popup)
{
	struct surface *surface = popup->xdg->surface;
	struct rect own = xdg_surface_geometry(popup->xdg);
	struct rect parent = {0};
	if (popup->parent) {
		parent = xdg_surface_geometry(popup->parent);
	}
	int32_t x = parent.x + popup->place.x - own.x;
	int32_t y = parent.y + popup->place.y - own.y;
	if (x != surface->x || y != surface->y) {
		surface->x = x;
		surface->y = y;
		surface->compositor->is_layout_dirty = true;
	}
}

static void handle_commit(struct surface *surface)
{
	struct popup *popup = surface->role_data;
	xdg_surface_commit(popup->xdg);
	if (!popup->xdg->is_configured) {
		place(popup);
		configure(popup);
		return;
	}
	update_position(popup);
	if (surface->is_mapped && !popup->was_mapped) {
		popup->was_mapped = true;
		surface->compositor->is_layout_dirty = true;
		output_send_enter(&surface->compositor->output, surface->resource);
		seat_update_keyboard_focus(&surface->compositor->seat);
	}
}

static void retire(struct popup *popup)
{
	struct xdg_surface *xdg = popup->xdg;
	if (!xdg) {
		return;
	}
	wl_list_remove(&popup->link);
	popup->xdg = NULL;
	if (xdg->surface) {
		xdg->surface->role_data = NULL;
		xdg->surface->parent = NULL;
		surface_unmap(xdg->surface);
	}
	xdg_surface_reset(xdg);
	seat_update_keyboard_focus(&xdg->compositor->seat);
}

void popup_handle_xdg_gone(struct xdg_surface *xdg)
{
	struct popup *popup, *next;
	wl_list_for_each_safe(popup, next, &xdg->compositor->popups, link)
	{
		if (popup->parent == xdg) {
			popup->parent = NULL;
		}
		if (popup->xdg == xdg) {
			retire(popup);
		}
	}
}

static void handle_surface_gone(struct surface *surface)
{
	struct popup *popup = surface->role_data;
	struct xdg_surface *xdg = popup->xdg;
	retire(popup);
	xdg->surface = NULL;
}

static const struct surface_role_impl popup_role = {
		.commit = handle_commit,
		.gone = handle_surface_gone,
};

void popup_dismiss_all(struct compositor *compositor)
{
	struct popup *popup;
	wl_list_for_each(popup, &compositor->popups, link)
	{
		if (popup->has_grab) {
			popup->has_grab = false;
			xdg_popup_send_popup_done(popup->resource);
		}
	}
	seat_update_keyboard_focus(&compositor->seat);
}

struct surface *popup_grab_surface(struct compositor *compositor)
{
	struct popup *popup;
	wl_list_for_each(popup, &compositor->popups, link)
	{
		if (popup->has_grab && popup->xdg->surface && popup->xdg->surface->is_mapped) {
			return popup->xdg->surface;
		}
	}
	return NULL;
}

void popup_replace_all(struct compositor *compositor)
{
	struct popup *popup;
	wl_list_for_each(popup, &compositor->popups, link)
	{
		if (popup->positioner.is_reactive && popup->xdg->is_configured) {
			place(popup);
			configure(popup);
		}
	}
}

static void handle_grab(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *seat, uint32_t serial)
{
	(void)client;
	(void)seat;
	(void)serial;
	struct popup *popup = wl_resource_get_user_data(resource);
	if (!popup->xdg) {
		return;
	}
	if (popup->was_mapped) {
		wl_resource_post_error(resource, XDG_POPUP_ERROR_INVALID_GRAB,
				"the popup is shown already");
		return;
	}
	popup->has_grab = true;
}

static void handle_reposition(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *positioner, uint32_t token)
{
	(void)client;
	struct popup *popup = wl_resource_get_user_data(resource);
	if (!popup->xdg) {
		return;
	}
	popup->positioner = *positioner_from_resource(positioner);
	place(popup);
	xdg_popup_send_repositioned(resource, token);
	configure(popup);
}

static const struct xdg_popup_interface popup_impl = {
		.destroy = resource_handle_destroy,
		.grab = handle_grab,
		.reposition = handle_reposition,
};

static void handle_destroyed(struct wl_resource *resource)
{
	struct popup *popup = wl_resource_get_user_data(resource);
	retire(popup);
	free(popup);
}

static bool is_placeable(struct xdg_surface *xdg, struct xdg_surface *parent,
		const struct positioner *positioner)
{
	if (!positioner_is_complete(positioner)) {
		wl_resource_post_error(xdg->resource, XDG_WM_BASE_ERROR_INVALID_POSITIONER,
				"the positioner lacks a size");
		return false;
	}
	struct surface *each = parent ? parent->surface : NULL;
	if (!each) {
		wl_resource_post_error(xdg->resource, XDG_WM_BASE_ERROR_INVALID_POPUP_PARENT,
				"the popup has no parent");
		return false;
	}
	for (; each; each = each->parent) {
		if (each == xdg->surface) {
			wl_resource_post_error(xdg->resource,
					XDG_WM_BASE_ERROR_INVALID_POPUP_PARENT,
					"a popup cannot be its own parent");
			return false;
		}
	}
	return true;
}

void popup_create(struct wl_client *client, struct xdg_surface *xdg, uint32_t id,
		struct xdg_surface *parent, const struct positioner *positioner)
{
	if (!is_placeable(xdg, parent, positioner)) {
		return;
	}
	struct popup *popup = xdg->surface && !xdg->has_role ? calloc(1, sizeof(*popup)) : NULL;
	if (!popup) {
		wl_client_post_no_memory(client);
		return;
	}
	xdg->surface->role_data = NULL;
	if (!surface_set_role(xdg->surface, SURFACE_ROLE_POPUP, &popup_role, popup, xdg->resource,
			    XDG_SURFACE_ERROR_ALREADY_CONSTRUCTED)) {
		free(popup);
		return;
	}
	popup->resource = resource_make(client, &xdg_popup_interface,
			resource_version(xdg->resource), id, &popup_impl, popup, handle_destroyed);
	if (!popup->resource) {
		xdg->surface->role_data = NULL;
		free(popup);
		return;
	}
	popup->xdg = xdg;
	popup->parent = parent;
	popup->positioner = *positioner;
	xdg->has_role = true;
	xdg->surface->parent = parent->surface;
	wl_list_insert(&xdg->compositor->popups, &popup->link);
}
