// @ts-check
// Text that a page put on its clipboard, on its way to this computer's: at once when the user has just
// asked for a copy, else behind a button.

import { toast } from "./toasts.js";

const MAX_CHARACTERS = 1024 * 1024;
/** A copy that the server answers in this time was the user's own. */
const GESTURE_MS = 3000;

export class Clipboard {
	constructor() {
		/** @type {string[]} */
		this.parts = [];
		this.size = 0;
		this.gestureAt = -Infinity;
	}

	/** The user pressed a copy key, or a button on the page. */
	gesture() {
		this.gestureAt = performance.now();
	}

	/** @param {Record<string, any>} message clipboard */
	receive(message) {
		this.size += message.part.length;
		if (this.size <= MAX_CHARACTERS) {
			this.parts.push(message.part);
		}
		if (!message.more) {
			const text = this.parts.join("");
			const whole = this.size <= MAX_CHARACTERS;
			this.parts = [];
			this.size = 0;
			if (!whole) {
				toast("The text that was copied is too long to leave the isolated page.");
			} else if (text !== "") {
				this.offer(text);
			}
		}
	}

	/** @param {string} text */
	offer(text) {
		const asked = performance.now() - this.gestureAt < GESTURE_MS && document.hasFocus();
		if (!asked) {
			this.ask(text);
			return;
		}
		this.write(text).catch(() => this.ask(text));
	}

	/** @param {string} text */
	ask(text) {
		toast("The page has text for your clipboard.", {
			label: "Copy",
			run: () => this.write(text).then(() => toast("Copied."),
				() => toast("This browser did not allow copying.")),
		});
	}

	/** @returns {Promise<string>} this computer's clipboard */
	read() {
		return navigator.clipboard?.readText ? navigator.clipboard.readText()
			: Promise.reject(new Error("no clipboard"));
	}

	/** @param {string} text @returns {Promise<void>} */
	write(text) {
		return navigator.clipboard ? navigator.clipboard.writeText(text)
			: Promise.reject(new Error("no clipboard"));
	}
}
