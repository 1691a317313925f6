// @ts-check
// What every menu does: items of one shape, and the keys that move between them.

import { element, icon } from "./dom.js";

export class MenuList {
	/** @param {HTMLElement} menu */
	constructor(menu) {
		this.menu = menu;
		this.menu.addEventListener("keydown", (event) => this.key(event));
	}

	/** @param {boolean} refocus gives the focus back to where it was */
	close(refocus) {
		this.menu.hidden = true;
		void refocus;
	}

	/** @param {string} action */
	choose(action) {
		void action;
	}

	/** @returns {HTMLElement[]} */
	items() {
		return [...this.menu.querySelectorAll("button:not(:disabled)")]
			.map((item) => /** @type {HTMLElement} */ (item)).filter((item) => item.offsetParent !== null);
	}

	/** @param {string} action @param {string} iconName @param {string} label @param {string} [hint] */
	item(action, iconName, label, hint = "") {
		const item = element("button", { type: "button", role: "menuitem", tabindex: "-1", "data-action": action },
			icon(iconName), element("span", {}, label), element("kbd", {}, hint));
		item.addEventListener("click", () => {
			this.close(false);
			this.choose(action);
		});
		return item;
	}

	line() {
		return element("div", { role: "separator" });
	}

	/** @param {KeyboardEvent} event */
	key(event) {
		const items = this.items();
		const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
		const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
		if (event.key === "Escape" || event.key === "Tab") {
			event.preventDefault();
			this.close(true);
		} else if (event.key === "Home" || event.key === "End") {
			event.preventDefault();
			items.at(event.key === "Home" ? 0 : -1)?.focus();
		} else if (event.key in steps) {
			event.preventDefault();
			const step = /** @type {any} */ (steps)[event.key];
			// From outside, up is the last one.
			const from = at < 0 && step < 0 ? 0 : at;
			items[(from + step + items.length) % items.length]?.focus();
		}
	}
}
