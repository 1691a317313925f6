/* The CDP peer: commands out, replies and events in. What comes in is hostile. */
#ifndef SAFEWEB_COMPOSITOR_CDP_H
#define SAFEWEB_COMPOSITOR_CDP_H

#include <jansson.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/buffer.h"
#include "compositor/cdp_stream.h"

#define CDP_PENDING_MAX 256u
#define CDP_REPLY_TIMEOUT_MS 15000u
/* Commands that Chromium has not read yet. */
#define CDP_QUEUE_MAX_BYTES (512u * 1024)
/* Target and session names. */
#define CDP_NAME_BYTES 64u

struct tabs;

/* A command's reply: result is NULL when it failed or never came. tab and value are the sender's.
 */
typedef void (*cdp_reply_handler)(struct tabs *tabs, uint32_t tab, int32_t value, json_t *result);

struct cdp_pending {
	uint32_t id;
	uint32_t tab;
	int32_t value;
	uint64_t due_ms;
	cdp_reply_handler handle;
};

struct cdp {
	struct tabs *tabs;
	struct wl_event_loop *loop; /* NULL in tests: commands only collect in the queue */
	int in_fd, out_fd; /* owned; -1 for none */
	struct wl_event_source *in_source, *out_source, *timer;
	struct cdp_stream stream;
	struct buffer queue; /* of commands, each with its NUL */
	uint32_t next_id;
	struct cdp_pending pending[CDP_PENDING_MAX]; /* in order of sending */
	size_t pending_count;
	void (*handle_end)(void *data);
	void *end_data;
};

/* in_fd and out_fd become its own; handle_end is called once when Chromium's end is gone. */
int cdp_create(struct wl_event_loop *loop, int in_fd, int out_fd, void (*handle_end)(void *data),
		void *end_data, struct cdp **ret_cdp);
void cdp_destroy(struct cdp *cdp);

/* Sends a command. session NULL or "": the browser itself. params is taken over, NULL for none.
 * handle may be NULL. A command that finds no room is dropped, and its handler called at once. */
void cdp_send(struct cdp *cdp, const char *session, const char *method, json_t *params,
		cdp_reply_handler handle, uint32_t tab, int32_t value);

/* One whole message from Chromium. */
void cdp_handle_message(struct cdp *cdp, const char *text, size_t len);

#endif
