#include "compositor/keymap.h"

#include <linux/input-event-codes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/wire.h"

#define KEYSYM_UNICODE 0x01000000u
#define CODEPOINT_MAX 0x10ffffu
/* XKB's keycodes are evdev's plus this. */
#define XKB_CODE_OFFSET 8u

/* XKB real modifiers, by their bit: Shift Lock Control Mod1…Mod5. */
#define MASK_SHIFT 0x01u
#define MASK_LOCK 0x02u
#define MASK_CONTROL 0x04u
#define MASK_ALT 0x08u /* Mod1 */
#define MASK_NUM 0x10u /* Mod2 */
#define MASK_META 0x40u /* Mod4 */
#define MASK_ALTGR 0x80u /* Mod5 */

struct key_row {
	uint16_t first_code; /* consecutive evdev codes from here */
	const char *plain, *shifted;
};

static const struct key_row character_rows[] = {
		{KEY_1, "1234567890-=", "!@#$%^&*()_+"},
		{KEY_Q, "qwertyuiop[]", "QWERTYUIOP{}"},
		{KEY_A, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
		{KEY_BACKSLASH, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
		{KEY_SPACE, " ", " "},
		{KEY_102ND, "<", ">"},
};

struct plain_key {
	uint16_t code;
	uint32_t keysym, shifted; /* shifted 0: the same */
};

static const struct plain_key plain_keys[] = {
		{KEY_ESC, 0xff1b, 0},
		{KEY_BACKSPACE, 0xff08, 0},
		{KEY_TAB, 0xff09, 0xfe20},
		{KEY_ENTER, 0xff0d, 0},
		{KEY_LEFTCTRL, 0xffe3, 0},
		{KEY_RIGHTCTRL, 0xffe4, 0},
		{KEY_LEFTSHIFT, 0xffe1, 0},
		{KEY_RIGHTSHIFT, 0xffe2, 0},
		{KEY_LEFTALT, 0xffe9, 0},
		{KEY_RIGHTALT, 0xfe03, 0},
		{KEY_LEFTMETA, 0xffeb, 0},
		{KEY_RIGHTMETA, 0xffec, 0},
		{KEY_CAPSLOCK, 0xffe5, 0},
		{KEY_NUMLOCK, 0xff7f, 0},
		{KEY_SCROLLLOCK, 0xff14, 0},
		{KEY_COMPOSE, 0xff67, 0},
		{KEY_SYSRQ, 0xff61, 0},
		{KEY_PAUSE, 0xff13, 0},
		{KEY_F1, 0xffbe, 0},
		{KEY_F2, 0xffbf, 0},
		{KEY_F3, 0xffc0, 0},
		{KEY_F4, 0xffc1, 0},
		{KEY_F5, 0xffc2, 0},
		{KEY_F6, 0xffc3, 0},
		{KEY_F7, 0xffc4, 0},
		{KEY_F8, 0xffc5, 0},
		{KEY_F9, 0xffc6, 0},
		{KEY_F10, 0xffc7, 0},
		{KEY_F11, 0xffc8, 0},
		{KEY_F12, 0xffc9, 0},
		{KEY_HOME, 0xff50, 0},
		{KEY_LEFT, 0xff51, 0},
		{KEY_UP, 0xff52, 0},
		{KEY_RIGHT, 0xff53, 0},
		{KEY_DOWN, 0xff54, 0},
		{KEY_PAGEUP, 0xff55, 0},
		{KEY_PAGEDOWN, 0xff56, 0},
		{KEY_END, 0xff57, 0},
		{KEY_INSERT, 0xff63, 0},
		{KEY_DELETE, 0xffff, 0},
		/* The number block: with the number lock, the second. */
		{KEY_KP7, 0xff95, 0xffb7},
		{KEY_KP8, 0xff97, 0xffb8},
		{KEY_KP9, 0xff9a, 0xffb9},
		{KEY_KP4, 0xff96, 0xffb4},
		{KEY_KP5, 0xff9d, 0xffb5},
		{KEY_KP6, 0xff98, 0xffb6},
		{KEY_KP1, 0xff9c, 0xffb1},
		{KEY_KP2, 0xff99, 0xffb2},
		{KEY_KP3, 0xff9b, 0xffb3},
		{KEY_KP0, 0xff9e, 0xffb0},
		{KEY_KPDOT, 0xff9f, 0xffae},
		{KEY_KPENTER, 0xff8d, 0},
		{KEY_KPSLASH, 0xffaf, 0},
		{KEY_KPASTERISK, 0xffaa, 0},
		{KEY_KPMINUS, 0xffad, 0},
		{KEY_KPPLUS, 0xffab, 0},
		{KEY_KPEQUAL, 0xffbd, 0},
		{KEY_KPCOMMA, 0xffac, 0},
		/* Of other languages' keyboards. */
		{KEY_HENKAN, 0xff23, 0},
		{KEY_MUHENKAN, 0xff22, 0},
		{KEY_KATAKANAHIRAGANA, 0xff27, 0},
		{KEY_ZENKAKUHANKAKU, 0xff2a, 0},
		{KEY_HANGEUL, 0xff31, 0},
		{KEY_HANJA, 0xff34, 0},
		/* Media and browser keys. */
		{KEY_MUTE, 0x1008ff12, 0},
		{KEY_VOLUMEDOWN, 0x1008ff11, 0},
		{KEY_VOLUMEUP, 0x1008ff13, 0},
		{KEY_NEXTSONG, 0x1008ff17, 0},
		{KEY_PLAYPAUSE, 0x1008ff14, 0},
		{KEY_PREVIOUSSONG, 0x1008ff16, 0},
		{KEY_STOPCD, 0x1008ff15, 0},
		{KEY_BACK, 0x1008ff26, 0},
		{KEY_FORWARD, 0x1008ff27, 0},
		{KEY_REFRESH, 0x1008ff29, 0},
};

static void init_character_row(struct keymap *keymap, const struct key_row *row)
{
	for (size_t i = 0; row->plain[i]; i++) {
		uint32_t *levels = keymap->keysyms[row->first_code + i];
		levels[0] = (unsigned char)row->plain[i];
		levels[1] = (unsigned char)row->shifted[i];
	}
}

void keymap_init_us(struct keymap *keymap)
{
	*keymap = (struct keymap){0};
	for (size_t i = 0; i < ARRAY_LENGTH(character_rows); i++) {
		init_character_row(keymap, &character_rows[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(plain_keys); i++) {
		const struct plain_key *key = &plain_keys[i];
		keymap->keysyms[key->code][0] = key->keysym;
		keymap->keysyms[key->code][1] = key->shifted;
	}
}

uint32_t keymap_keysym_from_codepoint(uint32_t codepoint)
{
	bool is_latin1 = (codepoint >= 0x20 && codepoint <= 0x7e) ||
			(codepoint >= 0xa0 && codepoint <= 0xff);
	if (is_latin1) {
		return codepoint;
	}
	bool is_character = codepoint > 0xff && codepoint <= CODEPOINT_MAX &&
			!(codepoint >= 0xd800 && codepoint <= 0xdfff);
	return is_character ? KEYSYM_UNICODE | codepoint : KEYSYM_NONE;
}

uint32_t keymap_codepoint_from_keysym(uint32_t keysym)
{
	if (keysym >= 0x20 && keysym <= 0xff) {
		return keysym;
	}
	if (keysym > KEYSYM_UNICODE && keysym <= KEYSYM_UNICODE + CODEPOINT_MAX) {
		return keysym - KEYSYM_UNICODE;
	}
	if (keysym >= 0xffaa && keysym <= 0xffb9) {
		return keysym - 0xff80; /* the number block's characters */
	}
	return keysym == 0xffbd ? '=' : 0;
}

static bool is_number_block(uint16_t code)
{
	return code >= KEY_KP7 && code <= KEY_KPDOT && code != KEY_KPMINUS && code != KEY_KPPLUS;
}

/* A small and a capital letter: the caps lock takes the other. By the alphabets' places in Unicode,
 * as the C library knows capitals only with locale files. */
static bool is_letter(const uint32_t *levels)
{
	uint32_t small = keymap_codepoint_from_keysym(levels[0]);
	uint32_t capital = keymap_codepoint_from_keysym(levels[1]);
	bool is_latin1 = (small >= 'a' && small <= 'z') || (small >= 0xe0 && small <= 0xfe);
	bool is_greek_cyrillic =
			(small >= 0x3b1 && small <= 0x3c9) || (small >= 0x430 && small <= 0x44f);
	if (is_latin1 || is_greek_cyrillic) {
		return small != 0xf7 && capital + 0x20 == small;
	}
	if (small >= 0x450 && small <= 0x45f) {
		return capital + 0x50 == small;
	}
	return small > 0x100 && small < 0x250 && capital + 1 == small;
}

static size_t level_of(const struct keymap *keymap, uint16_t code, uint8_t modifiers)
{
	bool is_second = modifiers & WIRE_MODIFIER_SHIFT;
	if (is_number_block(code)) {
		return is_second != ((modifiers & WIRE_MODIFIER_NUM_LOCK) != 0) ? 1 : 0;
	}
	if (modifiers & WIRE_MODIFIER_ALTGR) {
		return is_second ? 3 : 2;
	}
	if ((modifiers & WIRE_MODIFIER_CAPS_LOCK) && is_letter(keymap->keysyms[code])) {
		is_second = !is_second;
	}
	return is_second ? 1 : 0;
}

uint32_t keymap_keysym(const struct keymap *keymap, uint16_t code, uint8_t modifiers)
{
	return code < KEYMAP_KEYS ? keymap->keysyms[code][level_of(keymap, code, modifiers)]
				  : KEYSYM_NONE;
}

/* Shortcuts are looked up by the letter on the key, so that much is learnt even under Ctrl or Meta;
 * other characters there (and all under Alt) are not what the key types. */
static bool is_telling(uint8_t modifiers, uint32_t codepoint)
{
	if (modifiers & WIRE_MODIFIER_ALT) {
		return false;
	}
	if (modifiers & (WIRE_MODIFIER_CONTROL | WIRE_MODIFIER_META)) {
		return codepoint >= 'a' && codepoint <= 'z' && !(modifiers & WIRE_MODIFIER_SHIFT);
	}
	return true;
}

/* Function keys, modifiers and the like stay what they are on every layout. */
static bool is_character_key(const struct keymap *keymap, uint16_t code)
{
	const uint32_t *levels = keymap->keysyms[code];
	for (size_t i = 0; i < KEYMAP_LEVELS; i++) {
		if (levels[i] == KEYSYM_VOID || keymap_codepoint_from_keysym(levels[i])) {
			return true;
		}
	}
	return levels[0] == KEYSYM_NONE;
}

bool keymap_learn(struct keymap *keymap, uint16_t code, uint8_t modifiers, uint32_t codepoint)
{
	if (code == 0 || code >= KEYMAP_KEYS || !is_telling(modifiers, codepoint) ||
			!is_character_key(keymap, code)) {
		return false;
	}
	uint32_t *keysym = &keymap->keysyms[code][level_of(keymap, code, modifiers)];
	uint32_t wanted = keymap_keysym_from_codepoint(codepoint);
	if (codepoint == 0) {
		wanted = keymap_codepoint_from_keysym(*keysym) ? KEYSYM_VOID : *keysym;
	}
	if (wanted == KEYSYM_NONE || wanted == *keysym ||
			keymap_codepoint_from_keysym(*keysym) == codepoint) {
		return false;
	}
	*keysym = wanted;
	return true;
}

uint32_t keymap_depressed_mask(uint8_t modifiers)
{
	uint32_t mask = 0;
	mask |= modifiers & WIRE_MODIFIER_SHIFT ? MASK_SHIFT : 0;
	mask |= modifiers & WIRE_MODIFIER_CONTROL ? MASK_CONTROL : 0;
	mask |= modifiers & WIRE_MODIFIER_ALT ? MASK_ALT : 0;
	mask |= modifiers & WIRE_MODIFIER_META ? MASK_META : 0;
	mask |= modifiers & WIRE_MODIFIER_ALTGR ? MASK_ALTGR : 0;
	return mask;
}

uint32_t keymap_locked_mask(uint8_t modifiers)
{
	uint32_t mask = 0;
	mask |= modifiers & WIRE_MODIFIER_CAPS_LOCK ? MASK_LOCK : 0;
	mask |= modifiers & WIRE_MODIFIER_NUM_LOCK ? MASK_NUM : 0;
	return mask;
}

struct text_writer {
	char *text;
	size_t size, at;
	bool failed;
};

static void put(struct text_writer *writer, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

static void put(struct text_writer *writer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int len = vsnprintf(
			writer->text + writer->at, writer->size - writer->at, format, arguments);
	va_end(arguments);
	if (len < 0 || (size_t)len >= writer->size - writer->at) {
		writer->failed = true;
		writer->at = 0;
		return;
	}
	writer->at += (size_t)len;
}

static const char types_text[] =
		"xkb_types \"safeweb\" {\n"
		"virtual_modifiers NumLock,Alt,Meta,LevelThree;\n"
		"type \"ONE_LEVEL\" { modifiers = none; level_name[Level1] = \"Any\"; };\n"
		"type \"TWO_LEVEL\" { modifiers = Shift; map[Shift] = Level2;\n"
		"level_name[Level1] = \"Base\"; level_name[Level2] = \"Shift\"; };\n"
		"type \"ALPHABETIC\" { modifiers = Shift+Lock; map[Shift] = Level2; map[Lock] = "
		"Level2;\n"
		"level_name[Level1] = \"Base\"; level_name[Level2] = \"Caps\"; };\n"
		"type \"KEYPAD\" { modifiers = Shift+Mod2; map[Shift] = Level2; map[Mod2] = "
		"Level2;\n"
		"level_name[Level1] = \"Base\"; level_name[Level2] = \"Number\"; };\n"
		"type \"FOUR_LEVEL\" { modifiers = Shift+Mod5; map[Shift] = Level2; map[Mod5] = "
		"Level3;\n"
		"map[Shift+Mod5] = Level4; level_name[Level1] = \"Base\"; level_name[Level2] = "
		"\"Shift\";\n"
		"level_name[Level3] = \"Alt\"; level_name[Level4] = \"Shift Alt\"; };\n"
		"type \"FOUR_LEVEL_ALPHABETIC\" { modifiers = Shift+Lock+Mod5; map[Shift] = "
		"Level2;\n"
		"map[Lock] = Level2; map[Mod5] = Level3; map[Shift+Mod5] = Level4;\n"
		"map[Lock+Mod5] = Level3; map[Shift+Lock+Mod5] = Level4;\n"
		"level_name[Level1] = \"Base\"; level_name[Level2] = \"Shift\";\n"
		"level_name[Level3] = \"Alt\"; level_name[Level4] = \"Shift Alt\"; };\n"
		"};\n"
		"xkb_compatibility \"safeweb\" {\n"
		"virtual_modifiers NumLock,Alt,Meta,LevelThree;\n"
		"interpret ISO_Level3_Shift+AnyOf(all) { virtualModifier = LevelThree;\n"
		"action = SetMods(modifiers=LevelThree,clearLocks); };\n"
		"interpret Num_Lock+AnyOf(all) { virtualModifier = NumLock;\n"
		"action = LockMods(modifiers=NumLock); };\n"
		"interpret Alt_L+AnyOf(all) { virtualModifier = Alt;\n"
		"action = SetMods(modifiers=modMapMods,clearLocks); };\n"
		"interpret Super_L+AnyOf(all) { virtualModifier = Meta;\n"
		"action = SetMods(modifiers=modMapMods,clearLocks); };\n"
		"interpret Caps_Lock+AnyOf(all) { action = LockMods(modifiers=Lock); };\n"
		"interpret Any+Exactly(all) { action = SetMods(modifiers=modMapMods,clearLocks); "
		"};\n"
		"};\n";

static const char modifiers_text[] = "modifier_map Shift { <K42>, <K54> };\n"
				     "modifier_map Lock { <K58> };\n"
				     "modifier_map Control { <K29>, <K97> };\n"
				     "modifier_map Mod1 { <K56> };\n"
				     "modifier_map Mod2 { <K69> };\n"
				     "modifier_map Mod4 { <K125>, <K126> };\n"
				     "modifier_map Mod5 { <K100> };\n";

static const char *type_name(const struct keymap *keymap, uint16_t code, size_t levels)
{
	if (is_number_block(code)) {
		return "KEYPAD";
	}
	if (is_letter(keymap->keysyms[code])) {
		return levels > 2 ? "FOUR_LEVEL_ALPHABETIC" : "ALPHABETIC";
	}
	return levels > 2 ? "FOUR_LEVEL" : levels > 1 ? "TWO_LEVEL" : "ONE_LEVEL";
}

static void put_key(struct text_writer *writer, const struct keymap *keymap, uint16_t code)
{
	const uint32_t *keysyms = keymap->keysyms[code];
	size_t levels = KEYMAP_LEVELS;
	while (levels > 0 && keysyms[levels - 1] == KEYSYM_NONE) {
		levels--;
	}
	if (levels == 0) {
		return;
	}
	/* So that AltGr with a key that has nothing there types nothing. */
	if (keymap_codepoint_from_keysym(keysyms[0]) && !is_number_block(code)) {
		levels = KEYMAP_LEVELS;
	}
	if (levels == 3) {
		levels = 4;
	}
	put(writer, "key <K%u> { type = \"%s\", symbols[Group1] = [", code,
			type_name(keymap, code, levels));
	for (size_t i = 0; i < levels; i++) {
		if (keysyms[i] == KEYSYM_NONE) {
			put(writer, "%sNoSymbol", i ? "," : "");
		} else {
			put(writer, "%s0x%x", i ? "," : "", keysyms[i]);
		}
	}
	put(writer, "] };\n");
}

size_t keymap_write(const struct keymap *keymap, char *text, size_t size)
{
	struct text_writer writer = {.text = text, .size = size};
	put(&writer, "xkb_keymap {\nxkb_keycodes \"safeweb\" {\nminimum = 8;\nmaximum = 255;\n");
	for (uint16_t code = 1; code + XKB_CODE_OFFSET < KEYMAP_KEYS; code++) {
		put(&writer, "<K%u> = %u;\n", code, code + XKB_CODE_OFFSET);
	}
	put(&writer, "};\n%sxkb_symbols \"safeweb\" {\nname[Group1] = \"Safeweb\";\n", types_text);
	for (uint16_t code = 1; code + XKB_CODE_OFFSET < KEYMAP_KEYS; code++) {
		put_key(&writer, keymap, code);
	}
	put(&writer, "%s};\n};\n", modifiers_text);
	return writer.failed ? 0 : writer.at + 1;
}
