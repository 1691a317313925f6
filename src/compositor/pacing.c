/* What the encoder passes on: the viewer's input and the pace of frames. */
#include <errno.h>
#include <sys/socket.h>

#include "base/fds.h"
#include "base/log.h"
#include "compositor/compositor.h"
#include "compositor/surface.h"
#include "compositor/tabs.h"
#include "wire/messages.h"

/* Messages handled before the others get their turn. */
#define PACING_BATCH 64

typedef bool (*message_handler)(struct compositor *compositor, const uint8_t *bytes, size_t len);

static void note_serial(struct compositor *compositor, uint32_t serial)
{
	compositor->last_input_serial = serial;
}

/* Decodes into a variable `message` of the named type, or leaves with false. */
#define DECODE(type)                                                                               \
	struct wire_##type message;                                                                \
	if (wire_##type##_decode(bytes, len, &message) < 0) {                                      \
		return false;                                                                      \
	}

static bool handle_taken(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(taken)
	if (ring_writer_free(&compositor->publisher.ring, message.sequence) < 0) {
		return false;
	}
	compositor_schedule_flush(compositor);
	return true;
}

static bool handle_frame_done(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(frame_done)
	struct surface *surface = surface_by_id(compositor, message.surface);
	if (surface) {
		surface_handle_frame_done(surface);
	}
	return true;
}

static bool handle_attached(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(attached)
	compositor->is_attached = message.attached != 0;
	compositor->is_visible = true;
	if (compositor->is_attached) {
		surface_release_all(compositor);
	} else {
		seat_release_all(&compositor->seat);
	}
	return true;
}

static bool handle_visible(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(visible)
	compositor->is_visible = message.visible != 0;
	if (compositor_is_seen(compositor)) {
		surface_release_all(compositor);
	} else if (!compositor->is_visible) {
		seat_release_all(&compositor->seat);
	}
	return true;
}

static bool handle_hello(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(hello)
	output_resize(&compositor->output, message.width, message.height, message.scale_120);
	return true;
}

static bool handle_resize(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(resize)
	output_resize(&compositor->output, message.width, message.height, message.scale_120);
	return true;
}

static bool handle_motion(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(pointer_motion)
	pointer_handle_motion(&compositor->seat, &message);
	note_serial(compositor, message.serial);
	return true;
}

static bool handle_button(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(pointer_button)
	pointer_handle_button(&compositor->seat, message.button, message.pressed);
	note_serial(compositor, message.serial);
	return true;
}

static bool handle_leave(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(pointer_leave)
	pointer_handle_leave(&compositor->seat);
	note_serial(compositor, message.serial);
	return true;
}

static bool handle_wheel(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(wheel)
	pointer_handle_wheel(&compositor->seat, &message);
	note_serial(compositor, message.serial);
	return true;
}

static bool handle_key(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(key)
	keyboard_handle_key(&compositor->seat, &message);
	note_serial(compositor, message.serial);
	return true;
}

static bool handle_touch(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(touch)
	touch_handle(&compositor->seat, &message);
	note_serial(compositor, message.serial);
	return true;
}

static bool handle_insert_text(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(insert_text)
	tabs_insert_text(compositor->tabs, message.text);
	note_serial(compositor, message.serial);
	return true;
}

static bool handle_paste(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(paste)
	if (clipboard_take_part(&compositor->seat.data, message.part.bytes, message.part.len,
			    message.more)) {
		keyboard_press_paste(&compositor->seat);
	}
	return true;
}

static bool handle_navigate(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(navigate)
	tabs_navigate(compositor->tabs, message.tab, message.address);
	return true;
}

static bool handle_history(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(history)
	tabs_history(compositor->tabs, message.tab, message.steps);
	return true;
}

static bool handle_reload(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(reload)
	tabs_reload(compositor->tabs, message.tab, message.bypass_cache);
	return true;
}

static bool handle_stop(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(stop)
	tabs_stop(compositor->tabs, message.tab);
	return true;
}

static bool handle_tab_new(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(tab_new)
	tabs_open(compositor->tabs, message.address);
	return true;
}

static bool handle_tab_select(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(tab_select)
	tabs_select(compositor->tabs, message.tab);
	return true;
}

static bool handle_tab_close(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(tab_close)
	tabs_close(compositor->tabs, message.tab);
	return true;
}

static bool handle_dialog_reply(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(dialog_reply)
	tabs_reply_dialog(compositor->tabs, &message);
	return true;
}

static bool handle_zoom(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(zoom)
	tabs_zoom(compositor->tabs, message.tab, message.percent);
	return true;
}

static bool handle_find(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	DECODE(find)
	tabs_find(compositor->tabs, &message);
	return true;
}

/* Theirs are the encoder's own affairs. */
static bool ignore(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	(void)compositor;
	return wire_input_check(bytes, len) == 0;
}

static const message_handler handlers[256] = {
		[WIRE_TAKEN] = handle_taken,
		[WIRE_FRAME_DONE] = handle_frame_done,
		[WIRE_ATTACHED] = handle_attached,
		[WIRE_HELLO] = handle_hello,
		[WIRE_ACK] = ignore,
		[WIRE_PING] = ignore,
		[WIRE_RESIZE] = handle_resize,
		[WIRE_VISIBLE] = handle_visible,
		[WIRE_POINTER_MOTION] = handle_motion,
		[WIRE_POINTER_BUTTON] = handle_button,
		[WIRE_POINTER_LEAVE] = handle_leave,
		[WIRE_WHEEL] = handle_wheel,
		[WIRE_KEY] = handle_key,
		[WIRE_INSERT_TEXT] = handle_insert_text,
		[WIRE_TOUCH] = handle_touch,
		[WIRE_PASTE] = handle_paste,
		[WIRE_NAVIGATE] = handle_navigate,
		[WIRE_HISTORY] = handle_history,
		[WIRE_RELOAD] = handle_reload,
		[WIRE_STOP] = handle_stop,
		[WIRE_TAB_NEW] = handle_tab_new,
		[WIRE_TAB_SELECT] = handle_tab_select,
		[WIRE_TAB_CLOSE] = handle_tab_close,
		[WIRE_DIALOG_REPLY] = handle_dialog_reply,
		[WIRE_ZOOM] = handle_zoom,
		[WIRE_FIND] = handle_find,
};

bool pacing_handle_message(struct compositor *compositor, const uint8_t *bytes, size_t len)
{
	return len > 0 && handlers[bytes[0]] && handlers[bytes[0]](compositor, bytes, len);
}

static int handle_readable(int fd, uint32_t mask, void *data)
{
	(void)mask;
	struct compositor *compositor = data;
	uint8_t bytes[WIRE_SHORT_MAX_BYTES];
	for (int i = 0; i < PACING_BATCH; i++) {
		ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
		if (len < 0) {
			if (errno != EAGAIN && errno != EINTR) {
				compositor_stop(compositor);
			}
			return 0;
		}
		if (len == 0) {
			compositor_stop(compositor);
			return 0;
		}
		if ((size_t)len > sizeof(bytes) ||
				!pacing_handle_message(compositor, bytes, (size_t)len)) {
			compositor_fail(compositor,
					"the encoder sent what the protocol does not have");
			return 0;
		}
	}
	return 0;
}

int pacing_start(struct compositor *compositor, struct error *err)
{
	compositor->pacing_source = wl_event_loop_add_fd(compositor->loop, compositor->pacing_fd,
			WL_EVENT_READABLE, handle_readable, compositor);
	return compositor->pacing_source
			? 0
			: error_set(err, -ENOMEM, "cannot watch the encoder's socket");
}
