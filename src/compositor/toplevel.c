#include "compositor/toplevel.h"

#include <stdlib.h>
#include <xdg-shell-server-protocol.h>

#include "compositor/compositor.h"
#include "compositor/popup.h"
#include "compositor/resource.h"
#include "compositor/surface.h"
#include "compositor/tabs.h"

static void add_state(struct wl_array *states, uint32_t state)
{
	uint32_t *at = wl_array_add(states, sizeof(*at));
	if (at) {
		*at = state;
	}
}

static void configure(struct toplevel *toplevel)
{
	struct compositor *compositor = toplevel->xdg->compositor;
	int32_t width = output_client_width(&compositor->output);
	int32_t height = output_client_height(&compositor->output);
	uint32_t version = resource_version(toplevel->resource);
	if (!toplevel->xdg->is_configured &&
			version >= XDG_TOPLEVEL_CONFIGURE_BOUNDS_SINCE_VERSION) {
		xdg_toplevel_send_configure_bounds(toplevel->resource, width, height);
	}
	struct wl_array states;
	wl_array_init(&states);
	if (!toplevel->xdg->is_configured &&
			version >= XDG_TOPLEVEL_WM_CAPABILITIES_SINCE_VERSION) {
		add_state(&states, XDG_TOPLEVEL_WM_CAPABILITIES_FULLSCREEN);
		xdg_toplevel_send_wm_capabilities(toplevel->resource, &states);
		states.size = 0;
	}
	add_state(&states, XDG_TOPLEVEL_STATE_FULLSCREEN);
	if (compositor->active == toplevel) {
		add_state(&states, XDG_TOPLEVEL_STATE_ACTIVATED);
	}
	xdg_toplevel_send_configure(toplevel->resource, width, height, &states);
	wl_array_release(&states);
	xdg_surface_configure(toplevel->xdg);
}

void toplevel_configure_all(struct compositor *compositor)
{
	struct toplevel *toplevel;
	wl_list_for_each(toplevel, &compositor->toplevels, link)
	{
		if (toplevel->xdg->is_configured) {
			configure(toplevel);
		}
	}
	popup_replace_all(compositor);
}

void toplevel_activate(struct compositor *compositor, struct toplevel *toplevel)
{
	struct toplevel *before = compositor->active;
	if (before == toplevel) {
		return;
	}
	popup_dismiss_all(compositor);
	compositor->active = toplevel;
	compositor->is_layout_dirty = true;
	if (before && before->xdg && before->xdg->is_configured) {
		configure(before);
	}
	if (toplevel && toplevel->xdg->is_configured) {
		configure(toplevel);
	}
	seat_update_keyboard_focus(&compositor->seat);
	surface_release_all(compositor);
	compositor_schedule_flush(compositor);
}

struct toplevel *toplevel_by_number(struct compositor *compositor, uint32_t number)
{
	struct toplevel *toplevel;
	wl_list_for_each(toplevel, &compositor->toplevels, link)
	{
		if (toplevel->number == number) {
			return toplevel;
		}
	}
	return NULL;
}

/* The newest other window that has a picture. */
static struct toplevel *successor(struct compositor *compositor, const struct toplevel *gone)
{
	struct toplevel *toplevel;
	wl_list_for_each_reverse(toplevel, &compositor->toplevels, link)
	{
		if (toplevel != gone && toplevel->was_mapped) {
			return toplevel;
		}
	}
	return NULL;
}

/* Takes it out of everything; called once, by whichever of its three objects goes first. */
static void retire(struct toplevel *toplevel)
{
	struct xdg_surface *xdg = toplevel->xdg;
	if (!xdg) {
		return;
	}
	struct compositor *compositor = xdg->compositor;
	wl_list_remove(&toplevel->link);
	if (compositor->active == toplevel) {
		compositor->active = NULL;
		toplevel_activate(compositor, successor(compositor, toplevel));
	}
	toplevel->xdg = NULL;
	if (xdg->surface) {
		xdg->surface->role_data = NULL;
		surface_unmap(xdg->surface);
	}
	xdg_surface_reset(xdg);
	tabs_handle_window_gone(compositor->tabs, toplevel->number);
}

void toplevel_handle_xdg_gone(struct xdg_surface *xdg)
{
	struct toplevel *toplevel, *next;
	wl_list_for_each_safe(toplevel, next, &xdg->compositor->toplevels, link)
	{
		if (toplevel->xdg == xdg) {
			retire(toplevel);
		}
	}
}

static void handle_commit(struct surface *surface)
{
	struct toplevel *toplevel = surface->role_data;
	struct compositor *compositor = surface->compositor;
	xdg_surface_commit(toplevel->xdg);
	if (!toplevel->xdg->is_configured) {
		configure(toplevel);
		return;
	}
	if (surface->is_mapped && !toplevel->was_mapped) {
		toplevel->was_mapped = true;
		output_send_enter(&compositor->output, surface->resource);
		toplevel_activate(compositor, toplevel);
		tabs_handle_window_shown(compositor->tabs, toplevel->number);
	}
}

static void handle_surface_gone(struct surface *surface)
{
	struct toplevel *toplevel = surface->role_data;
	struct xdg_surface *xdg = toplevel->xdg;
	retire(toplevel);
	xdg->surface = NULL;
}

static const struct surface_role_impl toplevel_role = {
		.commit = handle_commit,
		.gone = handle_surface_gone,
};

/* Requests about things that a window here does not have: menus, edges, minimizing. */
static void ignore_resource(
		struct wl_client *client, struct wl_resource *resource, struct wl_resource *other)
{
	(void)client;
	(void)resource;
	(void)other;
}

static void ignore_text(struct wl_client *client, struct wl_resource *resource, const char *text)
{
	(void)client;
	(void)resource;
	(void)text;
}

/* The text itself is taken from CDP. */
static void handle_set_title(
		struct wl_client *client, struct wl_resource *resource, const char *text)
{
	(void)client;
	(void)text;
	struct toplevel *toplevel = wl_resource_get_user_data(resource);
	if (toplevel->xdg) {
		tabs_handle_window_title(toplevel->xdg->compositor->tabs, toplevel->number);
	}
}

static void ignore_menu(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *seat, uint32_t serial, int32_t x, int32_t y)
{
	(void)client;
	(void)resource;
	(void)seat;
	(void)serial;
	(void)x;
	(void)y;
}

static void ignore_move(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *seat, uint32_t serial)
{
	(void)client;
	(void)resource;
	(void)seat;
	(void)serial;
}

static void ignore_resize(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *seat, uint32_t serial, uint32_t edges)
{
	(void)edges;
	ignore_move(client, resource, seat, serial);
}

static void ignore_size(struct wl_client *client, struct wl_resource *resource, int32_t width,
		int32_t height)
{
	(void)client;
	(void)resource;
	(void)width;
	(void)height;
}

static void ignore(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	(void)resource;
}

/* Whatever state the client asks for, the answer is the one it has. */
static void handle_state(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	struct toplevel *toplevel = wl_resource_get_user_data(resource);
	if (toplevel && toplevel->xdg && toplevel->xdg->is_configured) {
		configure(toplevel);
	}
}

static void handle_set_fullscreen(
		struct wl_client *client, struct wl_resource *resource, struct wl_resource *output)
{
	(void)output;
	handle_state(client, resource);
}

static const struct xdg_toplevel_interface toplevel_impl = {
		.destroy = resource_handle_destroy,
		.set_parent = ignore_resource,
		.set_title = handle_set_title,
		.set_app_id = ignore_text,
		.show_window_menu = ignore_menu,
		.move = ignore_move,
		.resize = ignore_resize,
		.set_max_size = ignore_size,
		.set_min_size = ignore_size,
		.set_maximized = handle_state,
		.unset_maximized = handle_state,
		.set_fullscreen = handle_set_fullscreen,
		.unset_fullscreen = handle_state,
		.set_minimized = ignore,
};

static void handle_destroyed(struct wl_resource *resource)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);
	retire(toplevel);
	free(toplevel);
}

void toplevel_create(struct wl_client *client, struct xdg_surface *xdg, uint32_t id)
{
	struct toplevel *toplevel =
			xdg->surface && !xdg->has_role ? calloc(1, sizeof(*toplevel)) : NULL;
	if (!toplevel) {
		wl_client_post_no_memory(client);
		return;
	}
	xdg->surface->role_data = NULL;
	if (!surface_set_role(xdg->surface, SURFACE_ROLE_TOPLEVEL, &toplevel_role, toplevel,
			    xdg->resource, XDG_SURFACE_ERROR_ALREADY_CONSTRUCTED)) {
		free(toplevel);
		return;
	}
	toplevel->resource = resource_make(client, &xdg_toplevel_interface,
			resource_version(xdg->resource), id, &toplevel_impl, toplevel,
			handle_destroyed);
	if (!toplevel->resource) {
		xdg->surface->role_data = NULL;
		free(toplevel);
		return;
	}
	toplevel->xdg = xdg;
	xdg->has_role = true;
	toplevel->number = ++xdg->compositor->next_window;
	wl_list_insert(xdg->compositor->toplevels.prev, &toplevel->link);
}
