/* wl_subcompositor: surfaces inside surfaces. */
#ifndef SAFEWEB_COMPOSITOR_SUBSURFACE_H
#define SAFEWEB_COMPOSITOR_SUBSURFACE_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct compositor;
struct surface;

struct subsurface {
	struct wl_resource *resource;
	struct surface *surface; /* its role_data is this */
	struct surface *parent; /* NULL once the parent is gone */
	struct wl_list link; /* surface.below or above */
	struct wl_list pending_link; /* surface.pending_below or pending_above */
	bool is_synchronized;
	bool has_position; /* to apply with the parent's commit */
	int32_t x, y;
};

int subsurface_globals_init(struct compositor *compositor);
/* The surface's commits wait for its parent's. */
bool subsurface_is_synchronized(const struct surface *surface);
/* The parent committed: positions, stacking and cached states become real. */
void subsurface_apply_children(struct surface *parent);
void subsurface_orphan_children(struct surface *parent);

#endif
