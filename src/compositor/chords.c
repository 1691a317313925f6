#include "compositor/chords.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "wire/wire.h"

#define SHIFT WIRE_MODIFIER_SHIFT
#define CONTROL WIRE_MODIFIER_CONTROL
#define ALT WIRE_MODIFIER_ALT

#define KEYSYM_F(number) (0xffbeu + (number)-1u)
#define FUNCTION_KEY(number, modifiers)                                                            \
	{                                                                                          \
		KEYSYM_F(number), modifiers, 0x6f + (number), "F" #number, "F" #number             \
	}
#define LETTER(small, capital, modifiers)                                                          \
	{                                                                                          \
		(small)[0], modifiers, (uint16_t)(capital)[0], "Key" capital,                      \
				(modifiers)&SHIFT ? capital : small                                \
	}

/* What Chromium 156 does with them on Linux, tried one by one in a session. */
static const struct chord chords[] = {
		/* its own pages and windows: history, downloads, source, new window, bookmarks */
		LETTER("h", "H", CONTROL),
		LETTER("j", "J", CONTROL),
		LETTER("u", "U", CONTROL),
		LETTER("n", "N", CONTROL),
		LETTER("t", "T", CONTROL),
		LETTER("w", "W", CONTROL),
		LETTER("d", "D", CONTROL),
		LETTER("n", "N", CONTROL | SHIFT),
		LETTER("t", "T", CONTROL | SHIFT),
		LETTER("w", "W", CONTROL | SHIFT),
		LETTER("d", "D", CONTROL | SHIFT),
		LETTER("o", "O", CONTROL | SHIFT),
		LETTER("a", "A", CONTROL | SHIFT),
		{0xffff, CONTROL | SHIFT, 0x2e, "Delete", "Delete"},
		/* developer tools */
		FUNCTION_KEY(12, 0),
		LETTER("i", "I", CONTROL | SHIFT),
		LETTER("j", "J", CONTROL | SHIFT),
		LETTER("c", "C", CONTROL | SHIFT),
		/* profiles, task manager, help, caret browsing's question, full screen, its find
		   bar */
		LETTER("m", "M", CONTROL | SHIFT),
		{0xff1b, SHIFT, 0x1b, "Escape", "Escape"},
		FUNCTION_KEY(1, 0),
		FUNCTION_KEY(3, 0),
		FUNCTION_KEY(3, SHIFT),
		FUNCTION_KEY(7, 0),
		FUNCTION_KEY(11, 0),
		LETTER("f", "F", CONTROL),
		LETTER("g", "G", CONTROL),
		LETTER("g", "G", CONTROL | SHIFT),
		/* dialogs of files and printing, and the address bar's */
		LETTER("o", "O", CONTROL),
		LETTER("s", "S", CONTROL),
		LETTER("p", "P", CONTROL),
		LETTER("p", "P", CONTROL | SHIFT),
		LETTER("l", "L", CONTROL),
		LETTER("k", "K", CONTROL),
		LETTER("e", "E", CONTROL),
		/* windows and tabs, which the viewer has its own keys for */
		FUNCTION_KEY(4, ALT),
		FUNCTION_KEY(4, CONTROL),
		{0xff09, CONTROL, 0x09, "Tab", "Tab"},
		{0xff09, CONTROL | SHIFT, 0x09, "Tab", "Tab"},
		{0xff55, CONTROL, 0x21, "PageUp", "PageUp"},
		{0xff56, CONTROL, 0x22, "PageDown", "PageDown"},
		{0xff50, ALT, 0x24, "Home", "Home"},
};

const struct chord *chord_find(uint32_t keysym, uint8_t modifiers)
{
	uint8_t held = modifiers & (SHIFT | CONTROL | ALT);
	if (modifiers & (WIRE_MODIFIER_META | WIRE_MODIFIER_ALTGR)) {
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(chords); i++) {
		if (chords[i].keysym == keysym && chords[i].modifiers == held) {
			return &chords[i];
		}
	}
	return NULL;
}
