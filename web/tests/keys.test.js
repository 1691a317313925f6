// @ts-check
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";

import { textParts } from "../viewer/keyboard.js";
import { KEY_CODES, keyCode, keyCodepoint, modifierBits, shortcutName } from "../viewer/keys.js";
import { nextZoom, shortcutAction } from "../viewer/shortcuts.js";

/** @param {string[]} held */
const state = (...held) => (/** @type {string} */ name) => held.includes(name);

/** @param {string} key @param {string[]} held @returns {any} */
const press = (key, ...held) => ({
	key, code: "", getModifierState: state(...held), ctrlKey: held.includes("Control"),
	altKey: held.includes("Alt"), shiftKey: held.includes("Shift"), metaKey: held.includes("Meta"),
});

test("every key of a 105-key keyboard has its code", () => {
	const keys = ["Escape", "Backquote", "Minus", "Equal", "Backspace", "Tab", "BracketLeft",
		"BracketRight", "Backslash", "CapsLock", "Semicolon", "Quote", "Enter", "ShiftLeft",
		"IntlBackslash", "Comma", "Period", "Slash", "ShiftRight", "ControlLeft", "MetaLeft", "AltLeft",
		"Space", "AltRight", "MetaRight", "ContextMenu", "ControlRight", "PrintScreen", "ScrollLock",
		"Pause", "Insert", "Home", "PageUp", "Delete", "End", "PageDown", "ArrowUp", "ArrowLeft",
		"ArrowDown", "ArrowRight", "NumLock", "NumpadDivide", "NumpadMultiply", "NumpadSubtract",
		"NumpadAdd", "NumpadEnter", "NumpadDecimal"];
	for (let i = 1; i <= 12; i++) {
		keys.push(`F${i}`);
	}
	for (let i = 0; i <= 9; i++) {
		keys.push(`Digit${i}`, `Numpad${i}`);
	}
	for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		keys.push(`Key${letter}`);
	}
	assert.equal(keys.length, 105);
	assert.deepEqual(keys.filter((key) => !(KEY_CODES[key] > 0 && KEY_CODES[key] < 256)), []);
	assert.equal(new Set(keys.map((key) => KEY_CODES[key])).size, 105);
});

test("codes are those of the kernel's header", () => {
	const header = fs.readFileSync("/usr/include/linux/input-event-codes.h", "utf8");
	const named = { KeyA: "A", Enter: "ENTER", Quote: "APOSTROPHE", IntlBackslash: "102ND", Numpad5: "KP5",
		NumpadEnter: "KPENTER", ArrowUp: "UP", ContextMenu: "COMPOSE", MediaPlayPause: "PLAYPAUSE",
		AudioVolumeUp: "VOLUMEUP", F12: "F12", F24: "F24", IntlYen: "YEN", BrowserBack: "BACK" };
	for (const [code, name] of Object.entries(named)) {
		const line = new RegExp(`#define KEY_${name}\\s+(0x[0-9a-f]+|\\d+)`).exec(header);
		assert.equal(keyCode(code, false), Number(line?.[1]), code);
	}
	assert.equal(keyCode("Unidentified", false), 0);
	assert.equal(keyCode("constructor", false), 0);
});

test("Command is Control on a Mac, and nowhere else", () => {
	assert.equal(keyCode("MetaLeft", true), KEY_CODES.ControlLeft);
	assert.equal(keyCode("MetaRight", true), KEY_CODES.ControlRight);
	assert.equal(keyCode("MetaLeft", false), KEY_CODES.MetaLeft);
	assert.equal(modifierBits(press("c", "Meta"), true), 2);
	assert.equal(modifierBits(press("c", "Meta"), false), 8);
});

test("modifiers are the wire's bits, and AltGr is itself alone", () => {
	assert.equal(modifierBits(press("x", "Shift", "CapsLock", "NumLock"), false), 1 | 32 | 64);
	assert.equal(modifierBits(press("@", "Control", "Alt", "AltGraph"), false), 16);
});

test("characters go along with keys that type them", () => {
	assert.equal(keyCodepoint("a"), 0x61);
	assert.equal(keyCodepoint("€"), 0x20ac);
	assert.equal(keyCodepoint("𝄞"), 0x1d11e);
	for (const key of ["Enter", "Dead", "", "F1", "Unidentified", "\u007f"]) {
		assert.equal(keyCodepoint(key), 0, key);
	}
});

test("the viewer keeps its own shortcuts and no others", () => {
	assert.equal(shortcutName(press("l", "Control"), false), "Control+L");
	assert.equal(shortcutAction(press("l", "Control"), false), "address");
	assert.equal(shortcutAction(press("l", "Meta"), true), "address");
	assert.equal(shortcutAction(press("F5"), false), "reload");
	assert.equal(shortcutAction(press("F5", "Control"), false), "reload-anew");
	assert.equal(shortcutAction(press("ArrowLeft", "Alt"), false), "back");
	assert.equal(shortcutAction(press("ArrowLeft", "Alt"), true), "");
	assert.equal(shortcutAction(press("Tab", "Control", "Shift"), false), "previous-tab");
	assert.equal(shortcutAction(press("Shift", "Control", "Alt", "Shift"), false), "menu");
	assert.equal(shortcutAction(press("a", "Control"), false), "");
	assert.equal(shortcutAction(press("l"), false), "");
	// AltGr with L types a letter in some layouts.
	assert.equal(shortcutAction(press("ł", "Control", "Alt", "AltGraph"), false), "");
});

test("zoom goes in steps and stops at its ends", () => {
	assert.equal(nextZoom(100, 1), 110);
	assert.equal(nextZoom(100, -1), 90);
	assert.equal(nextZoom(500, 1), 500);
	assert.equal(nextZoom(25, -1), 25);
});

test("long text is cut between characters", () => {
	assert.deepEqual(textParts("", 4), [""]);
	assert.deepEqual(textParts("abcdef", 4), ["abcd", "ef"]);
	assert.deepEqual(textParts("a€€", 4), ["a€", "€"]);
	assert.deepEqual(textParts("𝄞𝄞", 7), ["𝄞", "𝄞"]);
	const text = "ü€𝄞x".repeat(3000);
	const parts = textParts(text, 4000);
	assert.equal(parts.join(""), text);
	assert.ok(parts.every((part) => Buffer.byteLength(part) <= 4000));
});
