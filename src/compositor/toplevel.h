/* xdg_toplevel: a browser window. All have the output's size; one is active and shown. */
#ifndef SAFEWEB_COMPOSITOR_TOPLEVEL_H
#define SAFEWEB_COMPOSITOR_TOPLEVEL_H

#include "compositor/xdg_shell.h"

struct toplevel {
	struct xdg_surface *xdg; /* NULL once it is gone */
	struct wl_resource *resource;
	struct wl_list link; /* compositor.toplevels */
	uint32_t number; /* in order of creation, from 1 */
	bool was_mapped;
};

void toplevel_create(struct wl_client *client, struct xdg_surface *xdg, uint32_t id);
void toplevel_handle_xdg_gone(struct xdg_surface *xdg);
/* Shows this one; NULL for none. Moves the keyboard to it. */
void toplevel_activate(struct compositor *compositor, struct toplevel *toplevel);
void toplevel_configure_all(struct compositor *compositor);
struct toplevel *toplevel_by_number(struct compositor *compositor, uint32_t number);

#endif
