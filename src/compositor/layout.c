#include "compositor/compositor.h"
#include "compositor/popup.h"
#include "compositor/subsurface.h"
#include "compositor/surface.h"
#include "compositor/toplevel.h"
#include "wire/wire.h"

/* Subsurfaces inside subsurfaces; deeper ones are not shown. */
#define LAYOUT_DEPTH_MAX 16

/* One pass from the back to the front. */
struct layout {
	struct compositor *compositor;
	uint32_t order;
};

static uint32_t wire_role(enum surface_role role)
{
	switch (role) {
	case SURFACE_ROLE_POPUP:
		return WIRE_ROLE_POPUP;
	case SURFACE_ROLE_SUBSURFACE:
		return WIRE_ROLE_SUBSURFACE;
	case SURFACE_ROLE_CURSOR:
		return WIRE_ROLE_CURSOR;
	case SURFACE_ROLE_DRAG_ICON:
		return WIRE_ROLE_DRAG_ICON;
	case SURFACE_ROLE_NONE:
	case SURFACE_ROLE_XDG:
	case SURFACE_ROLE_TOPLEVEL:
		return WIRE_ROLE_MAIN;
	}
	return WIRE_ROLE_MAIN;
}

bool layout_is_shown(struct surface *surface)
{
	struct compositor *compositor = surface->compositor;
	struct surface *root = surface_root(surface);
	if (root->role == SURFACE_ROLE_TOPLEVEL) {
		return compositor->active && root->role_data == compositor->active;
	}
	return root->role == SURFACE_ROLE_CURSOR || root->role == SURFACE_ROLE_DRAG_ICON;
}

static bool is_visible(struct surface *surface)
{
	for (struct surface *each = surface; each; each = each->parent) {
		if (!each->is_mapped) {
			return false;
		}
	}
	return layout_is_shown(surface);
}

/* A length from edge to edge, so that neighbours stay neighbours at every zoom. */
static uint32_t view_length(const struct output *output, int32_t start, int32_t length)
{
	return (uint32_t)(output_to_viewer(output, start + length) -
			output_to_viewer(output, start));
}

static void place_surface(struct layout *layout, struct surface *surface)
{
	const struct output *output = &layout->compositor->output;
	bool is_free = surface->role == SURFACE_ROLE_CURSOR ||
			surface->role == SURFACE_ROLE_DRAG_ICON;
	int32_t x = is_free ? surface->hot_x : surface->x;
	int32_t y = is_free ? surface->hot_y : surface->y;
	surface->place = (struct ring_surface){
			.role = wire_role(surface->role),
			.parent = surface->parent ? surface->parent->id : 0,
			.x = output_to_viewer(output, x),
			.y = output_to_viewer(output, y),
			.width = (uint32_t)surface->geometry.picture.width,
			.height = (uint32_t)surface->geometry.picture.height,
			.view_width = view_length(output, x, surface->geometry.width),
			.view_height = view_length(output, y, surface->geometry.height),
			.order = layout->order++,
			.visible = is_visible(surface),
	};
	if (surface->role == SURFACE_ROLE_TOPLEVEL &&
			surface->geometry.width == output_client_width(output) &&
			surface->geometry.height == output_client_height(output)) {
		surface->place.view_width = output->width;
		surface->place.view_height = output->height;
	}
}

static void place_tree(struct layout *layout, struct surface *surface, int depth)
{
	struct subsurface *child;
	if (depth == LAYOUT_DEPTH_MAX) {
		return;
	}
	wl_list_for_each(child, &surface->below, link)
	{
		place_tree(layout, child->surface, depth + 1);
	}
	place_surface(layout, surface);
	wl_list_for_each(child, &surface->above, link)
	{
		place_tree(layout, child->surface, depth + 1);
	}
}

void layout_update(struct compositor *compositor)
{
	struct layout layout = {.compositor = compositor, .order = 1};
	struct toplevel *toplevel;
	struct popup *popup;
	struct surface *surface;
	wl_list_for_each(toplevel, &compositor->toplevels, link)
	{
		place_tree(&layout, toplevel->xdg->surface, 0);
	}
	wl_list_for_each_reverse(popup, &compositor->popups, link)
	{
		place_tree(&layout, popup->xdg->surface, 0);
	}
	wl_list_for_each(surface, &compositor->surfaces, link)
	{
		if (!surface->parent &&
				(surface->role == SURFACE_ROLE_CURSOR ||
						surface->role == SURFACE_ROLE_DRAG_ICON)) {
			place_tree(&layout, surface, 0);
		} else if (!surface->is_mapped ||
				(!surface->parent && surface->role != SURFACE_ROLE_TOPLEVEL)) {
			surface->place.visible = 0;
		}
	}
	compositor->is_layout_dirty = false;
}
