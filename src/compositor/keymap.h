/* The keyboard's layout, made by watching the viewer type: a table from physical keys to the
 * symbols of their four levels, US at first. When a key brings a character that the table does not
 * have, the table learns it and the client gets a new XKB keymap before the key. See
 * docs/decisions/0004. */
#ifndef SAFEWEB_COMPOSITOR_KEYMAP_H
#define SAFEWEB_COMPOSITOR_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYMAP_KEYS 256u /* evdev codes below this */
#define KEYMAP_LEVELS 4u /* plain, shift, AltGr, shift and AltGr */
/* Length of the longest text that keymap_write can make. */
#define KEYMAP_MAX_BYTES (48u * 1024)

/* XKB keysyms with a meaning of their own here. */
#define KEYSYM_NONE 0u
#define KEYSYM_VOID 0xffffffu /* a key that gives no character */

struct keymap {
	uint32_t keysyms[KEYMAP_KEYS][KEYMAP_LEVELS];
};

void keymap_init_us(struct keymap *keymap);
uint32_t keymap_keysym_from_codepoint(uint32_t codepoint);
/* The character a symbol gives, 0 for none. */
uint32_t keymap_codepoint_from_keysym(uint32_t keysym);
/* The symbol that a key gives under these modifiers (enum wire_modifier). */
uint32_t keymap_keysym(const struct keymap *keymap, uint16_t code, uint8_t modifiers);
/* Takes over what the viewer's layout says; true when the table changed. codepoint 0: the key gives
 * no character (a dead key, or no character key at all). */
bool keymap_learn(struct keymap *keymap, uint16_t code, uint8_t modifiers, uint32_t codepoint);
/* Writes the whole XKB keymap, NUL included; returns its length, 0 when size is too small. */
size_t keymap_write(const struct keymap *keymap, char *text, size_t size);

/* Masks of XKB real modifiers as wl_keyboard.modifiers wants them. */
uint32_t keymap_depressed_mask(uint8_t modifiers);
uint32_t keymap_locked_mask(uint8_t modifiers);

#endif
