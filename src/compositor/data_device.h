/* wl_data_device_manager: the clipboard in both directions, and drags inside the page. */
#ifndef SAFEWEB_COMPOSITOR_DATA_DEVICE_H
#define SAFEWEB_COMPOSITOR_DATA_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/buffer.h"

/* Longest clipboard text that passes, either way. */
#define CLIPBOARD_MAX_BYTES (64u * 1024)
#define CLIPBOARD_TIMEOUT_MS 5000
/* Pastes that the client may be reading at once. */
#define CLIPBOARD_WRITERS_MAX 8u

struct compositor;
struct seat;
struct surface;
struct clipboard_writer;

/* What a client offers: owned by its wl_data_source. */
struct data_source {
	struct wl_resource *resource;
	struct data_devices *devices;
	char **mime_types;
	size_t mime_count;
	uint32_t actions; /* of a drag */
	uint32_t chosen_action;
	bool is_accepted; /* the target takes one of the types */
	bool is_dropped;
};

/* A source as it is shown to a receiver: owned by its wl_data_offer. */
struct data_offer {
	struct wl_resource *resource;
	struct data_devices *devices;
	struct wl_list link;
	struct data_source *source; /* NULL: the viewer's clipboard, or a source that is gone */
	bool is_viewers;
	bool is_drag;
	uint32_t actions, preferred;
};

struct clipboard {
	struct buffer incoming; /* parts of the viewer's paste */
	char *text; /* the viewer's clipboard, owned; NULL when the page's is the newer */
	size_t text_len;
	/* The page's clipboard, being read. */
	int read_fd;
	struct buffer read_buffer;
	struct wl_event_source *read_source, *read_timer;
	struct clipboard_writer *writers;
	size_t writer_count;
};

struct drag {
	bool is_active;
	struct data_source *source; /* NULL when it went during the drag */
	struct surface *icon, *focus;
	struct data_offer *offer; /* shown to focus */
	int32_t x, y;
};

struct data_devices {
	struct seat *seat;
	struct wl_list resources; /* wl_data_device */
	struct wl_list offers; /* data_offer.link */
	struct surface *focus; /* the selection is told to who has the keyboard */
	struct data_source *selection; /* the page's, or NULL */
	struct clipboard clipboard;
	struct drag drag;
};

int data_devices_init(struct data_devices *devices, struct seat *seat);
void data_devices_finish(struct data_devices *devices);
void data_devices_set_focus(struct data_devices *devices, struct surface *focus);
void data_devices_send_selection(struct data_devices *devices);
/* A new wl_data_offer on this device: of a source, or (NULL) of the viewer's clipboard. */
struct data_offer *data_offer_create(struct data_devices *devices, struct wl_resource *device,
		struct data_source *source, bool is_drag);

/* clipboard.c */
int clipboard_init(struct clipboard *clipboard, struct compositor *compositor);
void clipboard_finish(struct clipboard *clipboard);
/* Reads the page's selection, to tell the viewer. */
void clipboard_read(struct data_devices *devices, struct data_source *source);
/* A part of the viewer's clipboard; true with the last, when it is whole. */
bool clipboard_take_part(
		struct data_devices *devices, const char *bytes, size_t len, bool has_more);
/* Writes the viewer's clipboard to fd, which becomes the clipboard's. */
void clipboard_write(struct data_devices *devices, int fd);

/* drag.c */
void drag_start(struct data_devices *devices, struct data_source *source, struct surface *icon,
		struct wl_resource *error_resource);
void drag_handle_motion(
		struct data_devices *devices, struct surface *surface, int32_t x, int32_t y);
void drag_drop(struct data_devices *devices);
void drag_cancel(struct data_devices *devices);
void drag_handle_unmapped(struct data_devices *devices, struct surface *surface);
void drag_handle_source_gone(struct data_devices *devices, struct data_source *source);
void drag_choose_action(struct data_offer *offer);

#endif
