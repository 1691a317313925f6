#include "compositor/subsurface.h"

#include <errno.h>
#include <stdlib.h>

#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/surface.h"

static struct subsurface *from_surface(const struct surface *surface)
{
	return surface->role == SURFACE_ROLE_SUBSURFACE ? surface->role_data : NULL;
}

bool subsurface_is_synchronized(const struct surface *surface)
{
	const struct subsurface *subsurface = from_surface(surface);
	while (subsurface) {
		if (subsurface->is_synchronized) {
			return true;
		}
		subsurface = subsurface->parent ? from_surface(subsurface->parent) : NULL;
	}
	return false;
}

static void apply_order(struct wl_list *pending, struct wl_list *real)
{
	struct subsurface *child;
	wl_list_for_each(child, pending, pending_link)
	{
		wl_list_remove(&child->link);
		wl_list_insert(real->prev, &child->link);
	}
}

static void apply_child(struct subsurface *child)
{
	struct surface *surface = child->surface;
	if (child->has_position) {
		surface->x = child->x;
		surface->y = child->y;
		child->has_position = false;
		surface->compositor->is_layout_dirty = true;
	}
	if (surface->cached_is_due && subsurface_is_synchronized(surface)) {
		surface->cached_is_due = false;
		surface_apply(surface, &surface->cached);
	}
}

void subsurface_apply_children(struct surface *parent)
{
	struct subsurface *child, *next;
	if (wl_list_empty(&parent->pending_below) && wl_list_empty(&parent->pending_above)) {
		return;
	}
	if (parent->is_order_due) {
		apply_order(&parent->pending_below, &parent->below);
		apply_order(&parent->pending_above, &parent->above);
		parent->is_order_due = false;
		parent->compositor->is_layout_dirty = true;
	}
	wl_list_for_each_safe(child, next, &parent->below, link)
	{
		apply_child(child);
	}
	wl_list_for_each_safe(child, next, &parent->above, link)
	{
		apply_child(child);
	}
}

static void unlink_child(struct subsurface *child)
{
	wl_list_remove(&child->link);
	wl_list_remove(&child->pending_link);
	wl_list_init(&child->link);
	wl_list_init(&child->pending_link);
	child->parent = NULL;
	child->surface->parent = NULL;
	child->surface->compositor->is_layout_dirty = true;
}

void subsurface_orphan_children(struct surface *parent)
{
	struct subsurface *child, *next;
	wl_list_for_each_safe(child, next, &parent->pending_below, pending_link)
	{
		unlink_child(child);
	}
	wl_list_for_each_safe(child, next, &parent->pending_above, pending_link)
	{
		unlink_child(child);
	}
}

static int32_t clamp(int32_t position)
{
	return position > SURFACE_POSITION_MAX		   ? SURFACE_POSITION_MAX
			: position < -SURFACE_POSITION_MAX ? -SURFACE_POSITION_MAX
							   : position;
}

static void handle_set_position(
		struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y)
{
	(void)client;
	struct subsurface *subsurface = wl_resource_get_user_data(resource);
	if (subsurface) {
		subsurface->x = clamp(x);
		subsurface->y = clamp(y);
		subsurface->has_position = true;
	}
}

/* Where a sibling, or the parent itself, stands in the parent's pending order. */
static bool restack(struct subsurface *subsurface, struct surface *sibling, bool is_above)
{
	struct surface *parent = subsurface->parent;
	struct subsurface *other = from_surface(sibling);
	if (sibling == subsurface->surface ||
			(sibling != parent && (!other || other->parent != parent))) {
		return false;
	}
	wl_list_remove(&subsurface->pending_link);
	if (sibling == parent) {
		struct wl_list *at = is_above ? &parent->pending_above : parent->pending_below.prev;
		wl_list_insert(at, &subsurface->pending_link);
	} else {
		struct wl_list *at = is_above ? &other->pending_link : other->pending_link.prev;
		wl_list_insert(at, &subsurface->pending_link);
	}
	parent->is_order_due = true;
	return true;
}

static void handle_place(struct wl_resource *resource, struct wl_resource *sibling, bool is_above)
{
	struct subsurface *subsurface = wl_resource_get_user_data(resource);
	if (subsurface && subsurface->parent &&
			!restack(subsurface, surface_from_resource(sibling), is_above)) {
		wl_resource_post_error(resource, WL_SUBSURFACE_ERROR_BAD_SURFACE,
				"the surface is no sibling");
	}
}

static void handle_place_above(
		struct wl_client *client, struct wl_resource *resource, struct wl_resource *sibling)
{
	(void)client;
	handle_place(resource, sibling, true);
}

static void handle_place_below(
		struct wl_client *client, struct wl_resource *resource, struct wl_resource *sibling)
{
	(void)client;
	handle_place(resource, sibling, false);
}

static void handle_set_sync(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	struct subsurface *subsurface = wl_resource_get_user_data(resource);
	if (subsurface) {
		subsurface->is_synchronized = true;
	}
}

static void handle_set_desync(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	struct subsurface *subsurface = wl_resource_get_user_data(resource);
	if (!subsurface || !subsurface->is_synchronized) {
		return;
	}
	subsurface->is_synchronized = false;
	struct surface *surface = subsurface->surface;
	if (surface->cached_is_due && !subsurface_is_synchronized(surface)) {
		surface->cached_is_due = false;
		surface_apply(surface, &surface->cached);
	}
}

static const struct wl_subsurface_interface subsurface_impl = {
		.destroy = resource_handle_destroy,
		.set_position = handle_set_position,
		.place_above = handle_place_above,
		.place_below = handle_place_below,
		.set_sync = handle_set_sync,
		.set_desync = handle_set_desync,
};

static void handle_destroyed(struct wl_resource *resource)
{
	struct subsurface *subsurface = wl_resource_get_user_data(resource);
	if (subsurface) {
		struct surface *surface = subsurface->surface;
		unlink_child(subsurface);
		surface->role_data = NULL;
		surface_unmap(surface);
		free(subsurface);
	}
}

/* The surface goes first. */
static void handle_surface_gone(struct surface *surface)
{
	struct subsurface *subsurface = surface->role_data;
	unlink_child(subsurface);
	wl_resource_set_user_data(subsurface->resource, NULL);
	free(subsurface);
}

static const struct surface_role_impl subsurface_role = {.gone = handle_surface_gone};

static bool is_own_ancestor(struct surface *surface, struct surface *parent)
{
	for (; parent; parent = parent->parent) {
		if (parent == surface) {
			return true;
		}
	}
	return false;
}

static void handle_get_subsurface(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, struct wl_resource *surface_resource,
		struct wl_resource *parent_resource)
{
	struct surface *surface = surface_from_resource(surface_resource);
	struct surface *parent = surface_from_resource(parent_resource);
	if (is_own_ancestor(surface, parent)) {
		wl_resource_post_error(resource, WL_SUBCOMPOSITOR_ERROR_BAD_SURFACE,
				"a surface cannot be its own parent");
		return;
	}
	struct subsurface *subsurface = calloc(1, sizeof(*subsurface));
	if (!subsurface) {
		wl_client_post_no_memory(client);
		return;
	}
	if (!surface_set_role(surface, SURFACE_ROLE_SUBSURFACE, &subsurface_role, subsurface,
			    resource, WL_SUBCOMPOSITOR_ERROR_BAD_SURFACE)) {
		free(subsurface);
		return;
	}
	subsurface->resource =
			resource_make(client, &wl_subsurface_interface, resource_version(resource),
					id, &subsurface_impl, subsurface, handle_destroyed);
	if (!subsurface->resource) {
		surface->role_data = NULL;
		free(subsurface);
		return;
	}
	subsurface->surface = surface;
	subsurface->parent = parent;
	subsurface->is_synchronized = true;
	surface->parent = parent;
	wl_list_init(&subsurface->link);
	wl_list_insert(parent->pending_above.prev, &subsurface->pending_link);
	parent->is_order_due = true;
}

static const struct wl_subcompositor_interface subcompositor_impl = {
		.destroy = resource_handle_destroy,
		.get_subsurface = handle_get_subsurface,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	resource_make(client, &wl_subcompositor_interface, version, id, &subcompositor_impl, data,
			NULL);
}

int subsurface_globals_init(struct compositor *compositor)
{
	return wl_global_create(compositor->display, &wl_subcompositor_interface, 1, compositor,
			       handle_bind)
			? 0
			: -ENOMEM;
}
