// @ts-check
// The tabs of the session and the strip that shows them.

import { element, icon } from "./dom.js";

export const ACTIVE = 1;
export const LOADING = 2;
export const CAN_GO_BACK = 4;
export const CAN_GO_FORWARD = 8;
export const SECURE = 16;
export const CRASHED = 32;

const MAX_TABS = 256;

/**
 * @typedef {object} Tab
 * @property {number} id
 * @property {number} flags
 * @property {string} title
 * @property {string} address
 * @property {number} zoom percent
 */

/** Whether a tab shows no page, so that the start page stands there. @param {Tab | null} tab */
export function isEmpty(tab) {
	return !tab || tab.address === "" || tab.address === "about:blank";
}

/** What the strip calls a tab. @param {Tab} tab */
export function tabTitle(tab) {
	if (isEmpty(tab)) {
		return "New tab";
	}
	return tab.title || tab.address.replace(/^https?:\/\//, "");
}

export class Tabs {
	/**
	 * @param {HTMLElement} strip
	 * @param {{select: (id: number) => void, close: (id: number) => void,
	 *          changed: (active: Tab | null, switched: boolean) => void}} owner
	 */
	constructor(strip, owner) {
		this.strip = strip;
		this.owner = owner;
		/** @type {Map<number, Tab>} */
		this.tabs = new Map();
		/** @type {Map<number, any>} */
		this.elements = new Map();
		this.activeId = 0;
		strip.addEventListener("keydown", (event) => this.key(event));
	}

	/** @returns {Tab | null} */
	get active() {
		return this.tabs.get(this.activeId) ?? null;
	}

	/** @param {Record<string, any>} message tab */
	update(message) {
		const known = this.tabs.get(message.tab);
		if (!known && this.tabs.size >= MAX_TABS) {
			return;
		}
		const { tab: id, flags, title, address } = message;
		this.tabs.set(id, { id, flags, title, address, zoom: known?.zoom ?? 100 });
		const before = this.activeId;
		if (flags & ACTIVE) {
			this.activeId = id;
		}
		this.show();
		this.owner.changed(this.active, before !== this.activeId);
	}

	/** @param {number} id */
	gone(id) {
		this.tabs.delete(id);
		if (this.activeId === id) {
			this.activeId = 0;
		}
		this.show();
		this.owner.changed(this.active, this.activeId === 0);
	}

	reset() {
		this.restart();
		this.show();
	}

	/** A new stream tells of every tab; until then the strip stays as it was. */
	restart() {
		this.tabs.clear();
		this.activeId = 0;
	}

	/** The tab so many places after the active one, round in a circle. @param {number} steps */
	neighbour(steps) {
		const ids = [...this.tabs.keys()];
		const at = ids.indexOf(this.activeId);
		return ids.length > 1 && at >= 0 ? ids[(at + steps + ids.length) % ids.length] : 0;
	}

	show() {
		for (const [id, shown] of this.elements) {
			if (!this.tabs.has(id)) {
				shown.remove();
				this.elements.delete(id);
			}
		}
		for (const tab of this.tabs.values()) {
			let shown = this.elements.get(tab.id);
			if (!shown) {
				shown = this.create(tab.id);
				this.elements.set(tab.id, shown);
				this.strip.append(shown);
			}
			this.fill(shown, tab);
		}
	}

	/** @param {number} id */
	create(id) {
		const close = element("button", {
			type: "button", class: "tab-close", tabindex: "-1", "aria-label": "Close tab", title: "Close tab",
		}, icon("close"));
		const shown = element("div", { class: "tab", role: "tab", "aria-controls": "stage" },
			element("span", { class: "spinner", "aria-hidden": "true" }), icon("page"),
			element("span", { class: "tab-title" }), close);
		shown.dataset.tab = String(id);
		shown.addEventListener("click", () => this.owner.select(id));
		close.addEventListener("click", (/** @type {MouseEvent} */ event) => {
			event.stopPropagation();
			this.owner.close(id);
		});
		shown.addEventListener("auxclick", (/** @type {MouseEvent} */ event) => {
			if (event.button === 1) {
				event.preventDefault();
				this.owner.close(id);
			}
		});
		return shown;
	}

	/** @param {any} shown @param {Tab} tab */
	fill(shown, tab) {
		const active = tab.id === this.activeId;
		const title = tabTitle(tab);
		const wasActive = shown.classList.contains("active");
		shown.classList.toggle("active", active);
		shown.classList.toggle("loading", (tab.flags & LOADING) !== 0);
		shown.classList.toggle("crashed", (tab.flags & CRASHED) !== 0);
		shown.setAttribute("aria-selected", String(active));
		shown.tabIndex = active ? 0 : -1;
		shown.title = title;
		shown.querySelector(".tab-title").textContent = title;
		if (active && !wasActive) {
			shown.scrollIntoView({ block: "nearest", inline: "nearest" });
		}
	}

	/** @param {KeyboardEvent} event */
	key(event) {
		const ids = [...this.tabs.keys()];
		const shown = /** @type {HTMLElement} */ (event.target);
		const at = shown.classList.contains("tab") ? ids.indexOf(Number(shown.dataset.tab)) : -1;
		if (at < 0) {
			return;
		}
		const targets = {
			ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: ids.length - 1, Enter: at, " ": at,
		};
		if (event.key === "Delete") {
			event.preventDefault();
			this.owner.close(ids[at]);
		} else if (event.key in targets) {
			event.preventDefault();
			const to = (/** @type {any} */ (targets)[event.key] + ids.length) % ids.length;
			this.elements.get(ids[to]).focus();
			this.owner.select(ids[to]);
		}
	}
}
