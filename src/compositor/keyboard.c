#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/input-event-codes.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/log.h"
#include "compositor/chords.h"
#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/seat.h"
#include "compositor/surface.h"
#include "compositor/tabs.h"

#define REPEAT_PER_SECOND 25
#define REPEAT_DELAY_MS 500

/* Writes the table's text into memory that nobody can change any more. */
static int make_keymap_fd(const struct keymap *keymap, int *ret_fd, size_t *ret_bytes)
{
	static char text[KEYMAP_MAX_BYTES];
	size_t len = keymap_write(keymap, text, sizeof(text));
	if (len == 0) {
		return -ENOBUFS;
	}
	CLEANUP_CLOSE int fd = memfd_create("keymap", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		return -errno;
	}
	ssize_t written = write(fd, text, len);
	if (written != (ssize_t)len) {
		return written < 0 ? -errno : -EIO;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
		return -errno;
	}
	*ret_fd = steal_fd(&fd);
	*ret_bytes = len;
	return 0;
}

static int renew_keymap(struct keyboard *keyboard)
{
	int fd = -1;
	size_t bytes = 0;
	int code = make_keymap_fd(&keyboard->keymap, &fd, &bytes);
	if (code < 0) {
		log_warning("cannot make a keymap: %s", strerror(-code));
		return code;
	}
	cleanup_close(&keyboard->keymap_fd);
	keyboard->keymap_fd = fd;
	keyboard->keymap_bytes = bytes;
	return 0;
}

static void send_keymap(struct keyboard *keyboard, struct wl_resource *resource)
{
	wl_keyboard_send_keymap(resource, WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, keyboard->keymap_fd,
			(uint32_t)keyboard->keymap_bytes);
}

static void send_modifiers(struct seat *seat, struct wl_resource *resource)
{
	uint8_t modifiers = seat->keyboard.modifiers;
	wl_keyboard_send_modifiers(resource, compositor_next_serial(seat->compositor),
			keymap_depressed_mask(modifiers), 0, keymap_locked_mask(modifiers), 0);
}

static void set_modifiers(struct seat *seat, uint8_t modifiers)
{
	struct wl_resource *resource;
	if (seat->keyboard.modifiers == modifiers) {
		return;
	}
	seat->keyboard.modifiers = modifiers;
	wl_resource_for_each(resource, &seat->keyboard.resources)
	{
		send_modifiers(seat, resource);
	}
}

static void send_key(struct seat *seat, uint16_t code, bool is_pressed)
{
	struct wl_resource *resource;
	uint32_t serial = compositor_next_serial(seat->compositor);
	uint32_t now = compositor_time_ms();
	wl_resource_for_each(resource, &seat->keyboard.resources)
	{
		wl_keyboard_send_key(resource, serial, now, code,
				is_pressed ? WL_KEYBOARD_KEY_STATE_PRESSED
					   : WL_KEYBOARD_KEY_STATE_RELEASED);
	}
}

static void send_enter(struct seat *seat, struct wl_resource *resource)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct wl_array keys;
	wl_array_init(&keys);
	wl_keyboard_send_enter(resource, compositor_next_serial(seat->compositor),
			keyboard->focus->resource, &keys);
	wl_array_release(&keys);
	send_modifiers(seat, resource);
}

void keyboard_release_all(struct seat *seat)
{
	struct keyboard *keyboard = &seat->keyboard;
	while (keyboard->key_count > 0) {
		send_key(seat, keyboard->keys[--keyboard->key_count], false);
	}
	set_modifiers(seat,
			keyboard->modifiers & (WIRE_MODIFIER_CAPS_LOCK | WIRE_MODIFIER_NUM_LOCK));
}

void keyboard_set_focus(struct seat *seat, struct surface *surface)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct wl_resource *resource;
	if (keyboard->focus == surface) {
		return;
	}
	wl_resource_for_each(resource, &keyboard->resources)
	{
		if (keyboard->focus) {
			wl_keyboard_send_leave(resource, compositor_next_serial(seat->compositor),
					keyboard->focus->resource);
		}
	}
	keyboard->focus = surface;
	wl_resource_for_each(resource, &keyboard->resources)
	{
		if (surface) {
			send_enter(seat, resource);
		}
	}
}

static void learn(struct seat *seat, const struct wire_key *key)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct wl_resource *resource;
	if (!keymap_learn(&keyboard->keymap, key->code, key->modifiers, key->codepoint) ||
			renew_keymap(keyboard) < 0) {
		return;
	}
	wl_resource_for_each(resource, &keyboard->resources)
	{
		send_keymap(keyboard, resource);
		send_modifiers(seat, resource);
	}
}

static uint32_t find_key(const struct keyboard *keyboard, uint16_t code)
{
	uint32_t i = 0;
	while (i < keyboard->key_count && keyboard->keys[i] != code) {
		i++;
	}
	return i;
}

void keyboard_handle_key(struct seat *seat, const struct wire_key *key)
{
	struct keyboard *keyboard = &seat->keyboard;
	uint32_t at = find_key(keyboard, key->code);
	bool is_held = at < keyboard->key_count;
	if (key->code == 0 || key->code >= KEYMAP_KEYS || !keyboard->focus) {
		return;
	}
	if (!key->pressed) {
		if (is_held) {
			keyboard->keys[at] = keyboard->keys[--keyboard->key_count];
			send_key(seat, key->code, false);
		}
		set_modifiers(seat, key->modifiers);
		return;
	}
	/* Pressed again without a release is the viewer's key repeat. Chromium would tell the page
	 * of another first press; it makes repeats of its own, that pages know as such (see
	 * docs/decisions/0004). */
	if (is_held || keyboard->key_count == SEAT_KEYS_MAX) {
		return;
	}
	set_modifiers(seat, key->modifiers);
	learn(seat, key);
	const struct chord *chord =
			chord_find(keyboard->keymap.keysyms[key->code][0], key->modifiers);
	if (chord && seat->compositor->tabs) {
		tabs_press_chord(seat->compositor->tabs, chord);
		return;
	}
	keyboard->keys[keyboard->key_count++] = key->code;
	send_key(seat, key->code, true);
}

void keyboard_press_paste(struct seat *seat)
{
	struct keyboard *keyboard = &seat->keyboard;
	if (!keyboard->focus) {
		return;
	}
	uint8_t before = keyboard->modifiers;
	struct wire_key key = {.code = KEY_V, .pressed = 1, .codepoint = 0};
	/* The key that has the v now; on most layouts it is where it always was. */
	for (uint16_t code = 1; code < KEYMAP_KEYS; code++) {
		if (keyboard->keymap.keysyms[code][0] == 'v') {
			key.code = code;
			break;
		}
	}
	if (find_key(keyboard, key.code) < keyboard->key_count) {
		send_key(seat, key.code, false);
	}
	send_key(seat, KEY_LEFTCTRL, true);
	set_modifiers(seat, WIRE_MODIFIER_CONTROL);
	send_key(seat, key.code, true);
	send_key(seat, key.code, false);
	send_key(seat, KEY_LEFTCTRL, false);
	set_modifiers(seat, before);
}

static const struct wl_keyboard_interface keyboard_impl = {.release = resource_handle_destroy};

int keyboard_init(struct seat *seat)
{
	wl_list_init(&seat->keyboard.resources);
	seat->keyboard.keymap_fd = -1;
	keymap_init_us(&seat->keyboard.keymap);
	return renew_keymap(&seat->keyboard);
}

void keyboard_finish(struct seat *seat)
{
	cleanup_close(&seat->keyboard.keymap_fd);
}

void keyboard_bind(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id)
{
	struct wl_resource *resource = resource_make(client, &wl_keyboard_interface, version, id,
			&keyboard_impl, seat, resource_unlink);
	if (!resource) {
		return;
	}
	wl_list_insert(&seat->keyboard.resources, wl_resource_get_link(resource));
	send_keymap(&seat->keyboard, resource);
	if (version >= WL_KEYBOARD_REPEAT_INFO_SINCE_VERSION) {
		wl_keyboard_send_repeat_info(resource, REPEAT_PER_SECOND, REPEAT_DELAY_MS);
	}
	if (seat->keyboard.focus) {
		send_enter(seat, resource);
	}
}
