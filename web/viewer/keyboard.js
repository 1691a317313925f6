// @ts-check
// Keys, composed text and the clipboard's paste, taken by a text field that nobody sees: so that input
// methods and phones' keyboards have a place to compose in.
//
// A key that types one character, and every other key, goes as `key` with its physical code and its
// character. Text that an input method composed goes as `insert_text` when it is done. Control+V is not
// sent: the browser's own paste event brings the text, which goes as `paste`.

import { KEY_CODES, isApple, keyCode, keyCodepoint, modifierBits } from "./keys.js";

const BACKSPACE = 14;
const ENTER = 28;
const CONTROL_LEFT = 29;
const RIGHT_ALT = 100;
/**
 * F13 to F24, for characters that no physical key types here: the server learns which character a key
 * has, and keys keep their order where inserted text would overtake them.
 */
const SPARE_FIRST = 183;
const SPARE_KEYS = 12;
/** In the field all the time, so that a phone's keyboard has something to delete. */
const FILLER = "  ";
/** Bits of modifierBits and the codes of the keys that hold them, left and right. */
const HELD = [[1, 42, 54], [2, CONTROL_LEFT, 97], [4, 56, 56]];
/** Control and AltGr that come together are one key on some systems. */
const ALT_GRAPH_MS = 60;

/** Bytes a part of a paste may have, and of all of them together. */
const PART_BYTES = 4000;
const PASTE_MAX_BYTES = 1024 * 1024;

/**
 * Cuts text into parts of at most `limit` bytes of UTF-8, between characters.
 * @param {string} text
 * @param {number} limit
 * @returns {string[]} at least one
 */
export function textParts(text, limit) {
	const parts = [];
	let part = "";
	let size = 0;
	for (const character of text) {
		const codepoint = character.codePointAt(0) ?? 0;
		const bytes = codepoint < 0x80 ? 1 : codepoint < 0x800 ? 2 : codepoint < 0x10000 ? 3 : 4;
		if (size + bytes > limit) {
			parts.push(part);
			part = "";
			size = 0;
		}
		part += character;
		size += bytes;
	}
	parts.push(part);
	return parts;
}

export class Keyboard {
	/**
	 * @param {HTMLTextAreaElement} field
	 * @param {(name: string, values: Record<string, any>) => void} input
	 * @param {(name: string, values: Record<string, any>) => void} send
	 * @param {{shortcut: (event: KeyboardEvent) => boolean, gesture: () => void,
	 *          tooLarge: () => void}} owner
	 */
	constructor(field, input, send, owner) {
		this.field = field;
		this.input = input;
		this.send = send;
		this.owner = owner;
		this.apple = isApple();
		/** Linux codes that the server knows to be down. @type {Set<number>} */
		this.down = new Set();
		/** Characters that the spare keys have. @type {number[]} */
		this.spare = [];
		this.spareNext = 0;
		this.controlAt = -Infinity;
		this.composing = false;
		/** Whether the field has the focus because of a finger. */
		this.touch = false;
		field.value = FILLER;
		field.addEventListener("keydown", (event) => this.pressed(event));
		field.addEventListener("keyup", (event) => this.released(event));
		field.addEventListener("blur", () => this.releaseAll());
		field.addEventListener("compositionstart", () => {
			this.composing = true;
		});
		field.addEventListener("compositionend", (event) => this.composed(event));
		field.addEventListener("input", (event) => this.edited(/** @type {InputEvent} */ (event)));
		field.addEventListener("paste", (event) => this.pasted(event));
		for (const kind of ["copy", "cut", "drop"]) {
			field.addEventListener(kind, (event) => event.preventDefault());
		}
	}

	/** @param {KeyboardEvent} event */
	pressed(event) {
		if (event.isComposing || event.key === "Process" || event.keyCode === 229) {
			return;
		}
		if (event.key === "Dead") {
			// The key that follows brings the character, or a composition does.
			return;
		}
		if (this.owner.shortcut(event)) {
			event.preventDefault();
			this.releaseAll();
			return;
		}
		if (this.isPaste(event)) {
			return;
		}
		if (this.isCopy(event)) {
			this.owner.gesture();
		}
		event.preventDefault();
		this.key(event);
	}

	/** @param {KeyboardEvent} event */
	key(event) {
		const code = keyCode(event.code, this.apple);
		const codepoint = keyCodepoint(event.key);
		if (code === 0) {
			if (codepoint !== 0) {
				this.type(codepoint);
			}
			return;
		}
		if (code === CONTROL_LEFT) {
			this.controlAt = event.timeStamp;
		} else if (code === RIGHT_ALT && event.key === "AltGraph"
				&& event.timeStamp - this.controlAt < ALT_GRAPH_MS) {
			this.up(CONTROL_LEFT, 0);
		}
		const modifiers = modifierBits(event, this.apple);
		this.sync(code, modifiers);
		this.down.add(code);
		this.input("key", { code, pressed: 1, modifiers, codepoint });
		if (this.apple && event.metaKey && !/^(Meta|OS)/.test(event.code)) {
			// Macs do not tell when a key goes up while Command is down.
			this.up(code, modifiers);
		}
	}

	/**
	 * Makes the server's modifiers what they are here: some went down or up while the keys went to the
	 * viewer itself.
	 * @param {number} code the key that is about to be sent
	 * @param {number} modifiers
	 */
	sync(code, modifiers) {
		for (const [bit, left, right] of HELD) {
			const held = this.down.has(left) || this.down.has(right);
			if (code === left || code === right || held === ((modifiers & bit) !== 0)) {
				continue;
			}
			if (held) {
				this.up(left, modifiers);
				this.up(right, modifiers);
			} else {
				this.down.add(left);
				this.input("key", { code: left, pressed: 1, modifiers, codepoint: 0 });
			}
		}
	}

	/** @param {KeyboardEvent} event */
	released(event) {
		const code = keyCode(event.code, this.apple);
		if (this.down.has(code)) {
			event.preventDefault();
			this.up(code, modifierBits(event, this.apple));
		}
	}

	/** @param {number} code @param {number} modifiers */
	up(code, modifiers) {
		if (this.down.delete(code)) {
			this.input("key", { code, pressed: 0, modifiers, codepoint: 0 });
		}
	}

	releaseAll() {
		for (const code of [...this.down]) {
			this.up(code, 0);
		}
	}

	/** Forgets what is down: the server has forgotten too. */
	reset() {
		this.down.clear();
	}

	/** @param {KeyboardEvent} event */
	isPaste(event) {
		const command = this.apple ? event.metaKey : event.ctrlKey;
		return (command && !event.altKey && event.key.toLowerCase() === "v")
			|| (event.shiftKey && !event.ctrlKey && event.key === "Insert") || event.key === "Paste";
	}

	/** @param {KeyboardEvent} event */
	isCopy(event) {
		const command = this.apple ? event.metaKey : event.ctrlKey;
		return (command && /^[cx]$|^Insert$/i.test(event.key)) || event.key === "Copy"
			|| event.key === "Cut" || (event.shiftKey && event.key === "Delete");
	}

	/** @param {CompositionEvent} event */
	composed(event) {
		this.composing = false;
		this.insert(event.data);
		this.field.value = FILLER;
	}

	/** Text that came without a key, as from a phone's keyboard. @param {InputEvent} event */
	edited(event) {
		if (this.composing || event.isComposing) {
			return;
		}
		if (event.inputType === "insertLineBreak" || event.inputType === "insertParagraph") {
			this.tap(ENTER);
		} else if (event.inputType.startsWith("delete")) {
			this.tap(BACKSPACE);
		} else if (event.inputType !== "insertCompositionText"
				&& event.inputType !== "insertFromComposition" && event.data) {
			this.insert(event.data);
		}
		this.field.value = FILLER;
	}

	/** @param {number} code */
	tap(code) {
		this.input("key", { code, pressed: 1, modifiers: 0, codepoint: 0 });
		this.input("key", { code, pressed: 0, modifiers: 0, codepoint: 0 });
	}

	/** Presses Control and a letter, and lets them go. @param {string} letter */
	chord(letter) {
		const code = KEY_CODES[`Key${letter.toUpperCase()}`];
		const codepoint = letter.codePointAt(0) ?? 0;
		this.releaseAll();
		this.input("key", { code: CONTROL_LEFT, pressed: 1, modifiers: 0, codepoint: 0 });
		this.input("key", { code, pressed: 1, modifiers: 2, codepoint });
		this.input("key", { code, pressed: 0, modifiers: 2, codepoint });
		this.input("key", { code: CONTROL_LEFT, pressed: 0, modifiers: 2, codepoint: 0 });
	}

	/** Types a character that has no key of its own. @param {number} codepoint */
	type(codepoint) {
		let at = this.spare.indexOf(codepoint);
		if (at < 0) {
			at = this.spareNext;
			this.spare[at] = codepoint;
			this.spareNext = (at + 1) % SPARE_KEYS;
		}
		this.input("key", { code: SPARE_FIRST + at, pressed: 1, modifiers: 0, codepoint });
		this.input("key", { code: SPARE_FIRST + at, pressed: 0, modifiers: 0, codepoint: 0 });
	}

	/** @param {string} text */
	insert(text) {
		if (keyCodepoint(text) !== 0) {
			this.type(keyCodepoint(text));
		} else if (text) {
			for (const part of textParts(text, PART_BYTES)) {
				this.input("insert_text", { text: part });
			}
		}
	}

	/** @param {ClipboardEvent} event */
	pasted(event) {
		event.preventDefault();
		this.paste(event.clipboardData?.getData("text/plain") ?? "");
	}

	/** @param {string} given */
	paste(given) {
		const text = given.replaceAll("\0", "");
		if (text === "") {
			return;
		}
		const parts = textParts(text, PART_BYTES);
		if (parts.length * PART_BYTES > PASTE_MAX_BYTES) {
			this.owner.tooLarge();
			return;
		}
		this.releaseAll();
		parts.forEach((part, index) => {
			this.send("paste", { more: index + 1 < parts.length ? 1 : 0, part });
		});
	}

	/**
	 * @param {boolean} touch opened by a finger: the phone's keyboard stays away until text is wanted
	 */
	focus(touch) {
		this.touch = touch;
		if (!touch) {
			this.field.inputMode = "";
			this.field.focus({ preventScroll: true });
		} else if (document.activeElement !== this.field) {
			this.field.inputMode = "none";
			this.field.focus({ preventScroll: true });
		}
	}

	/**
	 * Puts the field where the page's caret is, so that an input method's window opens there.
	 * @param {number} x @param {number} y @param {number} height
	 */
	place(x, y, height) {
		const { clientWidth, clientHeight } = /** @type {HTMLElement} */ (this.field.parentElement);
		this.field.style.left = `${Math.max(0, Math.min(x, clientWidth - 2))}px`;
		this.field.style.top = `${Math.max(0, Math.min(y + height, clientHeight - 2))}px`;
	}

	/** Shows or hides a phone's keyboard. @param {boolean} wanted */
	wantText(wanted) {
		const mode = wanted ? "text" : "none";
		if (!this.touch || this.field.inputMode === mode) {
			return;
		}
		this.field.inputMode = mode;
		if (document.activeElement === this.field) {
			// Phones look at the mode only when a field gains the focus.
			this.field.blur();
			this.field.focus({ preventScroll: true });
		}
	}
}
