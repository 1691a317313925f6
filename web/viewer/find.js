// @ts-check
// The bar that finds text in the page.

import { byId } from "./dom.js";

/** Typing settles before the page is searched. */
const SETTLE_MS = 250;

export class Find {
	/** @param {{find: (text: string, backward: boolean) => void, closed: () => void}} owner */
	constructor(owner) {
		this.owner = owner;
		this.bar = byId("find");
		this.input = byId("find-text");
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
		this.input.addEventListener("input", () => {
			clearTimeout(this.timer);
			this.timer = setTimeout(() => this.run(false), SETTLE_MS);
		});
		this.bar.addEventListener("submit", (/** @type {Event} */ event) => {
			event.preventDefault();
			this.run(false);
		});
		byId("find-previous").addEventListener("click", () => this.run(true));
		byId("find-close").addEventListener("click", () => this.close());
		this.bar.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
			if (event.key === "Escape") {
				event.preventDefault();
				this.close();
			} else if (event.key === "Enter" && event.shiftKey) {
				event.preventDefault();
				this.run(true);
			}
		});
	}

	open() {
		this.bar.hidden = false;
		this.input.focus();
		this.input.select();
	}

	close() {
		if (!this.bar.hidden) {
			clearTimeout(this.timer);
			this.bar.hidden = true;
			this.owner.find("", false);
			this.owner.closed();
		}
	}

	/** @param {boolean} backward */
	run(backward) {
		clearTimeout(this.timer);
		this.owner.find(this.input.value, backward);
	}
}
