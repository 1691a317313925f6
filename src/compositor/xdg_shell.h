/* xdg_wm_base, xdg_surface and xdg_positioner: what toplevels and popups share. */
#ifndef SAFEWEB_COMPOSITOR_XDG_SHELL_H
#define SAFEWEB_COMPOSITOR_XDG_SHELL_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "compositor/positioner.h"

struct compositor;
struct surface;

struct xdg_surface {
	struct wl_resource *resource;
	struct surface *surface; /* NULL once it is gone */
	struct compositor *compositor;
	struct rect geometry, pending_geometry; /* of the window; empty: the whole surface */
	bool is_configured; /* the first configure was sent */
	bool has_role;
};

int xdg_shell_globals_init(struct compositor *compositor);
void xdg_surface_configure(struct xdg_surface *xdg);
/* Applies the pending window geometry; part of every commit. */
void xdg_surface_commit(struct xdg_surface *xdg);
/* The window geometry, relative to the surface. */
struct rect xdg_surface_geometry(const struct xdg_surface *xdg);
/* The role's object went: the surface may be configured anew. */
void xdg_surface_reset(struct xdg_surface *xdg);
struct positioner *positioner_from_resource(struct wl_resource *resource);

#endif
