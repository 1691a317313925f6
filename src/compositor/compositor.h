/* A session's compositor: the Wayland server of one client, Chromium, and its CDP peer. It turns
 * the client's surfaces into records and pixels of the frame ring and the viewer's input into
 * Wayland events and CDP commands. One thread, one libwayland event loop; with nothing to do it
 * sleeps. */
#ifndef SAFEWEB_COMPOSITOR_COMPOSITOR_H
#define SAFEWEB_COMPOSITOR_COMPOSITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/error.h"
#include "compositor/output.h"
#include "compositor/publisher.h"
#include "compositor/quota.h"
#include "compositor/seat.h"

struct cdp;
struct tabs;
struct toplevel;

struct compositor_options {
	int ring_fd; /* descriptors become the compositor's */
	int doorbell_fd;
	int pacing_fd;
	int wayland_fd;
	int cdp_out_fd; /* -1 with cdp_in_fd: no CDP */
	int cdp_in_fd;
	uint32_t width; /* of the viewer's page area, logical pixels */
	uint32_t height;
	uint32_t scale_120;
};

struct compositor {
	struct wl_display *display;
	struct wl_event_loop *loop;
	struct wl_client *client;
	struct wl_listener client_gone;
	struct wl_event_source *pacing_source;
	int pacing_fd;
	bool has_failed; /* the session ended because a peer broke the rules */

	struct publisher publisher;
	struct quota quota;
	struct output output;
	struct seat seat;
	struct cdp *cdp; /* owned */
	struct tabs *tabs; /* owned */

	struct wl_list surfaces; /* surface.link, in order of creation */
	struct wl_list toplevels; /* toplevel.link, in order of creation */
	struct toplevel *active; /* the one that is shown; NULL before the first */
	struct wl_list popups; /* popup.link; the newest is first */
	uint32_t next_surface_id;
	uint32_t next_window; /* number of the next toplevel */
	bool is_layout_dirty; /* places have to be looked at again */
	bool is_attached; /* a client is there */
	bool is_visible; /* and looks at the page */
	uint32_t last_input_serial; /* of the last input that Chromium was given */
	struct wl_event_source *idle; /* the flush that is due, or NULL */
	struct wl_event_source *empty_timer; /* answers callbacks of commits without a picture */
	uint64_t empty_answered_ms;
};

int compositor_create(const struct compositor_options *options, struct compositor **ret_compositor,
		struct error *err);
void compositor_destroy(struct compositor *compositor);

/* Runs until the client, CDP or the encoder ends. 0, or -EPROTO when one of them broke the rules.
 */
int compositor_run(struct compositor *compositor);
/* Ends the run. */
void compositor_stop(struct compositor *compositor);
void compositor_fail(struct compositor *compositor, const char *why);

/* Copies what changed into the ring once the present batch of requests is handled. */
void compositor_schedule_flush(struct compositor *compositor);

/* The client is there and looks at the page: pictures are wanted. */
static inline bool compositor_is_seen(const struct compositor *compositor)
{
	return compositor->is_attached && compositor->is_visible;
}

/* Handles one message of groups input and pacing; false when it is not valid. */
bool pacing_handle_message(struct compositor *compositor, const uint8_t *bytes, size_t len);
int pacing_start(struct compositor *compositor, struct error *err);

uint32_t compositor_next_serial(struct compositor *compositor);
uint32_t compositor_time_ms(void);

#endif
