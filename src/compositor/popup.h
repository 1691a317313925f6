/* xdg_popup: menus, select boxes, bubbles. */
#ifndef SAFEWEB_COMPOSITOR_POPUP_H
#define SAFEWEB_COMPOSITOR_POPUP_H

#include "compositor/xdg_shell.h"

struct popup {
	struct xdg_surface *xdg; /* NULL once it is gone */
	struct wl_resource *resource;
	struct wl_list link; /* compositor.popups; the newest is first */
	struct xdg_surface *parent; /* NULL once it is gone */
	struct positioner positioner;
	struct rect place; /* relative to the parent's window geometry */
	bool has_grab;
	bool was_mapped;
};

void popup_create(struct wl_client *client, struct xdg_surface *xdg, uint32_t id,
		struct xdg_surface *parent, const struct positioner *positioner);
void popup_handle_xdg_gone(struct xdg_surface *xdg);
/* Tells every popup that holds a grab that it is over. */
void popup_dismiss_all(struct compositor *compositor);
/* The newest shown popup with a grab, or NULL: the keyboard is its. */
struct surface *popup_grab_surface(struct compositor *compositor);
/* The output changed: popups that asked for it are placed anew. */
void popup_replace_all(struct compositor *compositor);

#endif
