/* wl_surface: double-buffered state, role, and what of it is on the ring. */
#ifndef SAFEWEB_COMPOSITOR_SURFACE_H
#define SAFEWEB_COMPOSITOR_SURFACE_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-protocol.h>

#include "compositor/damage.h"
#include "compositor/region_resource.h"
#include "frame/ring.h"

/* Positions that clients give are cut to this, logical pixels. */
#define SURFACE_POSITION_MAX 65536
#define SURFACE_FIXED_MAX (SURFACE_POSITION_MAX * 4 * 256)

struct compositor;
struct surface;
struct subsurface;

enum surface_role {
	SURFACE_ROLE_NONE,
	SURFACE_ROLE_XDG, /* an xdg_surface whose own role is not known yet */
	SURFACE_ROLE_TOPLEVEL,
	SURFACE_ROLE_POPUP,
	SURFACE_ROLE_SUBSURFACE,
	SURFACE_ROLE_CURSOR,
	SURFACE_ROLE_DRAG_ICON,
};

/* A wl_buffer that is watched for its end; not owned. */
struct buffer_hold {
	struct wl_resource *resource;
	struct wl_listener destroyed;
};

/* What requests set and a commit applies. */
struct surface_state {
	bool has_buffer; /* attach was called; buffer may be none */
	struct buffer_hold buffer;
	int32_t scale;
	struct viewport_source source;
	bool has_destination;
	int32_t destination_width, destination_height;
	int32_t dx, dy;
	struct region buffer_damage; /* as the client said it, cut to the largest surface */
	struct region surface_damage;
	struct input_region input;
	struct input_region opaque;
	bool has_input, has_opaque; /* set since the last commit */
	struct wl_list callbacks; /* frame callbacks: wl_resource links */
	struct wl_list feedbacks; /* presentation feedback: wl_resource links */
	uint32_t callback_count;
};

/* What a role adds. Every function may be NULL. */
struct surface_role_impl {
	/* After a commit is applied. */
	void (*commit)(struct surface *surface);
	/* The surface goes while its role's object is still there. */
	void (*gone)(struct surface *surface);
};

struct surface {
	struct compositor *compositor;
	struct wl_resource *resource;
	struct wl_list link; /* compositor.surfaces */
	uint32_t id; /* on the ring; never used again */

	enum surface_role role;
	const struct surface_role_impl *impl;
	void *role_data; /* the role's object, NULL once it is gone */
	struct surface *parent; /* of a popup or subsurface */
	int32_t x, y; /* relative to the parent, client's logical pixels */
	int32_t hot_x, hot_y; /* of a cursor or drag icon: the surface's own offset */
	/* Subsurfaces in stacking order, this surface itself standing between them. */
	struct wl_list below, above; /* subsurface.link */
	/* In the order the parent's next commit will make real. */
	struct wl_list pending_below, pending_above; /* subsurface.pending_link */
	bool is_order_due;

	struct surface_state pending, cached, current;
	bool cached_is_due; /* a synchronized subsurface's commit waits for its parent's */
	struct wl_resource *viewport; /* wp_viewport or NULL */
	struct wl_resource *fractional; /* wp_fractional_scale_v1 or NULL */

	bool is_mapped; /* has a picture */
	bool has_alpha;
	int32_t buffer_width, buffer_height; /* of the last buffer */
	struct surface_geometry geometry;

	/* Towards the ring. */
	struct ring_surface place, published;
	bool is_published;
	bool is_frame_due; /* damage waits for room in the ring */
	bool awaits_frame_done; /* a picture is with the encoder */
	struct region damage; /* picture pixels that the ring does not have */
	uint32_t frame_input_serial;
	uint64_t committed_us;
};

int surface_globals_init(struct compositor *compositor);

struct surface *surface_from_resource(struct wl_resource *resource);
struct surface *surface_by_id(struct compositor *compositor, uint32_t id);

/* Gives a role for good. False (and a protocol error on error_resource) when it has another. */
bool surface_set_role(struct surface *surface, enum surface_role role,
		const struct surface_role_impl *impl, void *data,
		struct wl_resource *error_resource, uint32_t error_code);

/* Applies cached or pending state; used by commits and by subsurfaces whose parent commits. */
void surface_apply(struct surface *surface, struct surface_state *state);
/* Moves what a state holds to the one that waits. */
void surface_state_merge(struct surface_state *to, struct surface_state *from);
void surface_unmap(struct surface *surface);

void buffer_hold_set(struct buffer_hold *hold, struct wl_resource *buffer);

/* The top of a surface's tree: follows parents. */
struct surface *surface_root(struct surface *surface);
/* Position of the surface's origin in its root's coordinates. */
void surface_position_in_root(struct surface *surface, int32_t *ret_x, int32_t *ret_y);
/* Moves a point (wl_fixed) from one surface's coordinates to another's of the same tree. */
void surface_move_point(struct surface *from, struct surface *to, int32_t *x, int32_t *y);
/* A wl_fixed coordinate moved by whole pixels, kept in range. */
static inline int32_t fixed_add_pixels(int32_t fixed, int64_t pixels)
{
	int64_t sum = fixed + pixels * 256;
	return sum > SURFACE_FIXED_MAX		   ? SURFACE_FIXED_MAX
			: sum < -SURFACE_FIXED_MAX ? -SURFACE_FIXED_MAX
						   : (int32_t)sum;
}
/* Whether input at this point (wl_fixed) is for this surface. */
bool surface_takes_input(const struct surface *surface, int32_t x, int32_t y);

/* surface_frame.c */
/* Copies what is due into the ring, as far as there is room. */
void surface_publish(struct surface *surface);
/* The encoder takes another frame. */
void surface_handle_frame_done(struct surface *surface);
/* Answers callbacks that nobody needs to hold back. */
void surface_answer_callbacks(struct surface *surface);
void surface_handle_committed(struct surface *surface);
/* Callbacks that were held back because nobody looked. */
void surface_release_all(struct compositor *compositor);
/* Answers callbacks of commits that had no picture. */
void surface_answer_empty(struct compositor *compositor);

/* layout.c: places, stacking and visibility of everything, after is_layout_dirty. */
void layout_update(struct compositor *compositor);
/* Whether the surface belongs to what the user sees. */
bool layout_is_shown(struct surface *surface);

#endif
