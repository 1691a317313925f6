/* Key chords that would open Chromium's own pages, windows and dialogs. The viewer draws the
 * browser's frame, so these must not reach Chromium's; the page still gets them, over CDP, whose
 * keys Chromium never takes for itself. */
#ifndef SAFEWEB_COMPOSITOR_CHORDS_H
#define SAFEWEB_COMPOSITOR_CHORDS_H

#include <stdint.h>

struct chord {
	uint32_t keysym; /* of the key without modifiers */
	uint8_t modifiers; /* enum wire_modifier: shift, control, alt; exactly these */
	uint16_t windows_key; /* virtual-key code, as CDP wants it */
	const char *code; /* KeyboardEvent.code */
	const char *key; /* KeyboardEvent.key */
};

/* The chord, or NULL when Chromium may have the key. */
const struct chord *chord_find(uint32_t keysym, uint8_t modifiers);

#endif
