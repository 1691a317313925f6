/* wl_seat: the viewer's pointer, keyboard and touch, given to the client. */
#ifndef SAFEWEB_COMPOSITOR_SEAT_H
#define SAFEWEB_COMPOSITOR_SEAT_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "compositor/data_device.h"
#include "compositor/keymap.h"
#include "compositor/text_input.h"
#include "frame/ring.h"
#include "wire/messages.h"

#define SEAT_BUTTONS_MAX 8u
#define SEAT_KEYS_MAX 32u
#define SEAT_TOUCHES_MAX 16u

struct compositor;
struct surface;

struct pointer {
	struct wl_list resources; /* wl_pointer */
	struct surface *focus;
	uint32_t enter_serial;
	int32_t x, y; /* inside focus, client's logical pixels times 256 */
	uint16_t buttons[SEAT_BUTTONS_MAX]; /* pressed */
	uint32_t button_count;
	uint32_t press_serial; /* of the last press */
	int32_t rest_x, rest_y; /* wheel 120ths not yet a whole notch, for old clients */
	struct surface *cursor; /* the surface that set_cursor named, or NULL */
	struct ring_cursor wanted, published;
	bool is_cursor_published;
};

struct keyboard {
	struct wl_list resources; /* wl_keyboard */
	struct surface *focus;
	uint16_t keys[SEAT_KEYS_MAX]; /* pressed evdev codes */
	uint32_t key_count;
	uint8_t modifiers; /* enum wire_modifier, as the client was last told */
	struct keymap keymap;
	int keymap_fd; /* sealed text of keymap, -1 before the first */
	size_t keymap_bytes;
};

struct touch_point {
	uint16_t point;
	struct surface *surface;
	int32_t x, y;
};

struct touch {
	struct wl_list resources; /* wl_touch */
	struct touch_point points[SEAT_TOUCHES_MAX];
	uint32_t point_count;
};

struct seat {
	struct compositor *compositor;
	struct wl_list resources; /* wl_seat */
	struct pointer pointer;
	struct keyboard keyboard;
	struct touch touch;
	struct data_devices data;
	struct text_inputs text;
};

int seat_init(struct seat *seat, struct compositor *compositor);
void seat_finish(struct seat *seat);
/* The surface is no longer there to be given input. */
void seat_handle_unmapped(struct seat *seat, struct surface *surface);
/* The keyboard belongs to the newest popup with a grab, else to the active window. */
void seat_update_keyboard_focus(struct seat *seat);
/* Lets go of every key, button and finger: the viewer left, so it will not send the releases. */
void seat_release_all(struct seat *seat);
/* Writes cursor and text focus into the ring when they changed; false when there is no room. */
bool seat_publish(struct seat *seat);

/* pointer.c; x and y are the viewer's logical pixels times 256. */
void pointer_init(struct seat *seat);
void pointer_bind(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id);
void pointer_handle_motion(struct seat *seat, const struct wire_pointer_motion *motion);
void pointer_handle_button(struct seat *seat, uint16_t button, bool is_pressed);
void pointer_handle_leave(struct seat *seat);
void pointer_handle_wheel(struct seat *seat, const struct wire_wheel *wheel);
void pointer_handle_unmapped(struct seat *seat, struct surface *surface);
void pointer_release_all(struct seat *seat);
void pointer_set_focus(struct seat *seat, struct surface *surface, int32_t x, int32_t y);
void pointer_set_shape(struct seat *seat, uint32_t serial, uint32_t shape);
bool pointer_publish_cursor(struct seat *seat);
/* The surface that takes input at a point of one that may not, and the point inside it. */
struct surface *pointer_pick(struct surface *surface, int32_t *x, int32_t *y);

/* keyboard.c */
int keyboard_init(struct seat *seat);
void keyboard_finish(struct seat *seat);
void keyboard_bind(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id);
void keyboard_set_focus(struct seat *seat, struct surface *surface);
void keyboard_handle_key(struct seat *seat, const struct wire_key *key);
void keyboard_release_all(struct seat *seat);
/* Ctrl+V as a person would press it. */
void keyboard_press_paste(struct seat *seat);

/* touch.c */
void touch_init(struct seat *seat);
void touch_bind(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id);
void touch_handle(struct seat *seat, const struct wire_touch *touch);
void touch_handle_unmapped(struct seat *seat, struct surface *surface);
void touch_cancel_all(struct seat *seat);

/* cursor_shape.c */
int cursor_shape_globals_init(struct compositor *compositor);

#endif
