// @ts-check
// The page's context menu: Chromium shows none of its own, and a page cannot open this one unasked.

import { byId, element } from "./dom.js";
import { MenuList } from "./menu-list.js";

export const EDITABLE = 1;
export const SELECTION = 2;
export const LINK = 4;

/** A menu that comes later than this after the user asked is not shown. */
const ASKED_MS = 5000;
const MARGIN_PX = 4;

/** @typedef {{action: string, icon: string, label: string, hint: string, disabled: boolean}} Item */

/**
 * What the menu offers, in groups.
 * @param {number} flags of the message context_menu
 * @param {string} link
 * @param {{back: boolean, forward: boolean, reload: boolean}} can
 * @param {boolean} apple
 * @returns {Item[][]}
 */
export function contextItems(flags, link, can, apple) {
	const command = apple ? "⌘" : "Ctrl+";
	const item = (/** @type {string} */ action, /** @type {string} */ icon, /** @type {string} */ label,
		hint = "", enabled = true) => ({ action, icon, label, hint, disabled: !enabled });
	const isLink = (flags & LINK) !== 0 && /^https?:\/\//i.test(link);
	const isEditable = (flags & EDITABLE) !== 0;
	const isSelection = (flags & SELECTION) !== 0;
	const text = [item("select-all", "select-all", "Select all", `${command}A`)];
	if (isEditable) {
		text.unshift(item("cut", "cut", "Cut", `${command}X`, isSelection),
			item("copy", "copy", "Copy", `${command}C`, isSelection),
			item("paste", "paste", "Paste", `${command}V`));
	} else if (isSelection) {
		text.unshift(item("copy", "copy", "Copy", `${command}C`));
	}
	return [
		isLink ? [item("open-link", "plus", "Open link in new tab"), item("copy-link", "link", "Copy link address")] : [],
		text,
		[
			item("back", "back", "Back", apple ? "⌘[" : "Alt+Left", can.back),
			item("forward", "forward", "Forward", apple ? "⌘]" : "Alt+Right", can.forward),
			item("reload", "reload", "Reload", `${command}R`, can.reload),
		],
	].filter((group) => group.length > 0);
}

/**
 * Where a menu of this size goes: at the place, or on the other side of it, inside the area.
 * @param {{x: number, y: number}} place
 * @param {{width: number, height: number}} size
 * @param {{left: number, top: number, right: number, bottom: number}} area
 */
export function menuPlace(place, size, area) {
	const along = (/** @type {number} */ at, /** @type {number} */ length, /** @type {number} */ low,
		/** @type {number} */ high) => {
		const to = at + length > high - MARGIN_PX && at - length >= low + MARGIN_PX ? at - length : at;
		return Math.max(low + MARGIN_PX, Math.min(to, high - MARGIN_PX - length));
	};
	return {
		x: along(place.x, size.width, area.left, area.right),
		y: along(place.y, size.height, area.top, area.bottom),
	};
}

export class ContextMenu extends MenuList {
	/**
	 * @param {HTMLElement} area the page's
	 * @param {{can: () => {back: boolean, forward: boolean, reload: boolean}, apple: () => boolean,
	 *          run: (action: string, link: string) => void, refocus: () => void}} owner
	 */
	constructor(area, owner) {
		super(byId("context-menu"));
		this.area = area;
		this.owner = owner;
		this.link = "";
		this.askedAt = -Infinity;
		/** Where the user asked, or null: by a key. @type {{x: number, y: number} | null} */
		this.place = null;
		area.addEventListener("pointerdown", (event) => {
			if (event.button === 2 || event.pointerType === "touch") {
				this.asked({ x: event.clientX, y: event.clientY });
			}
		});
		area.addEventListener("keydown", (event) => {
			if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
				this.asked(null);
			}
		}, true);
		this.menu.addEventListener("contextmenu", (event) => event.preventDefault());
		const outside = (/** @type {Event} */ event) => {
			if (!this.menu.contains(/** @type {Node} */ (event.target))) {
				this.close(false);
			}
		};
		document.addEventListener("pointerdown", outside, true);
		document.addEventListener("wheel", outside, { capture: true, passive: true });
		window.addEventListener("resize", () => this.close(false));
	}

	/** @param {{x: number, y: number} | null} place */
	asked(place) {
		this.askedAt = performance.now();
		this.place = place;
	}

	/** @param {Record<string, any>} message context_menu of the active tab */
	show({ flags, link }) {
		if (performance.now() - this.askedAt > ASKED_MS) {
			return;
		}
		this.askedAt = -Infinity;
		this.link = link;
		const groups = contextItems(flags, link, this.owner.can(), this.owner.apple());
		const rows = groups.flatMap((group, index) => [...(index > 0 ? [this.line()] : []), ...group.map((one) => {
			const made = this.item(one.action, one.icon, one.label, one.hint);
			made.disabled = one.disabled;
			return made;
		})]);
		if (groups[0][0].action === "open-link") {
			rows.unshift(element("div", { class: "menu-link", title: link }, link));
		}
		this.menu.replaceChildren(...rows);
		this.menu.hidden = false;
		this.put();
		this.menu.setAttribute("tabindex", "-1");
		this.menu.focus({ preventScroll: true });
		if (!this.place) {
			this.items()[0]?.focus();
		}
	}

	put() {
		const area = this.area.getBoundingClientRect();
		const caret = byId("keys").getBoundingClientRect();
		this.menu.style.maxHeight = `${area.height - 2 * MARGIN_PX}px`;
		const size = this.menu.getBoundingClientRect();
		const { x, y } = menuPlace(this.place ?? { x: caret.left, y: caret.bottom }, size, area);
		this.menu.style.left = `${x}px`;
		this.menu.style.top = `${y}px`;
	}

	/** @param {boolean} refocus @override */
	close(refocus) {
		if (!this.menu.hidden) {
			const hadFocus = this.menu.contains(document.activeElement);
			this.menu.hidden = true;
			if (refocus || hadFocus) {
				this.owner.refocus();
			}
		}
	}

	/** @param {string} action @override */
	choose(action) {
		this.owner.run(action, this.link);
	}
}
