// @ts-check
// Dialogs of a page's script: alert, confirm, prompt, and leaving a page. They are the viewer's own,
// name the site that asks, and cover its page only: the toolbar and other tabs stay in reach.

import { displayParts } from "./address.js";
import { makeCard, trapTab } from "./cards.js";
import { element } from "./dom.js";

const ALERT = 0;
const PROMPT = 2;
const LEAVE = 3;

/** @typedef {{id: number, tab: number, element: HTMLElement}} OpenDialog */

export class Dialogs {
	/**
	 * @param {HTMLElement} frame
	 * @param {{reply: (dialog: number, accept: boolean, text: string) => void,
	 *          address: (tab: number) => string, active: () => number, closed: () => void}} owner
	 */
	constructor(frame, owner) {
		this.frame = frame;
		this.owner = owner;
		/** @type {Map<number, OpenDialog>} */
		this.open = new Map();
	}

	/** @param {Record<string, any>} message dialog */
	show(message) {
		this.remove(message.dialog);
		const holder = this.build(message);
		this.open.set(message.dialog, { id: message.dialog, tab: message.tab, element: holder });
		this.frame.append(holder);
		this.update();
	}

	/** @param {Record<string, any>} message */
	build({ dialog, tab, kind, message, standard }) {
		const { host } = displayParts(this.owner.address(tab));
		const field = kind === PROMPT
			? element("input", { type: "text", class: "dialog-field", maxlength: "1024", "aria-label": "Your answer" }) : null;
		if (field) {
			field.value = standard;
		}
		const answer = (/** @type {boolean} */ accept) => {
			this.owner.reply(dialog, accept, accept && field ? field.value : "");
			this.remove(dialog);
			this.owner.closed();
		};
		const leave = kind === LEAVE;
		const actions = [{ label: leave ? "Leave page" : "OK", run: () => answer(true), primary: true }];
		if (kind !== ALERT) {
			actions.unshift({ label: leave ? "Stay" : "Cancel", run: () => answer(false), primary: false });
		}
		const card = makeCard({
			iconName: leave ? "warning" : "page",
			title: leave ? "Leave this page?" : `${host || "This page"} says`,
			text: leave ? "What you entered may not be saved." : message,
			more: field ? [field] : [],
			actions,
			role: "alertdialog",
		});
		card.classList.add("dialog");
		card.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
			trapTab(card, event);
			if (event.key === "Escape") {
				event.preventDefault();
				answer(kind === ALERT);
			} else if (event.key === "Enter" && event.target === field) {
				event.preventDefault();
				answer(true);
			}
		});
		return element("div", { class: "overlay dialog-holder" }, card);
	}

	/** @param {number} id */
	remove(id) {
		this.open.get(id)?.element.remove();
		this.open.delete(id);
	}

	/** Shows the active tab's dialogs only. */
	update() {
		for (const { tab, element: holder } of this.open.values()) {
			const hidden = tab !== 0 && tab !== this.owner.active();
			if (!hidden && (holder.hidden || !holder.contains(document.activeElement))) {
				holder.hidden = false;
				/** @type {HTMLElement | null} */ (holder.querySelector("input, .primary"))?.focus();
			}
			holder.hidden = hidden;
		}
	}

	/** @param {number} tab */
	isOpenFor(tab) {
		return [...this.open.values()].some((one) => one.tab === tab || one.tab === 0);
	}

	reset() {
		for (const id of [...this.open.keys()]) {
			this.remove(id);
		}
	}
}
