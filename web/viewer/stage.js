// @ts-check
// What stands over the page area: a card in the page's place, cards that ask, and word of the connection.

import { makeCard, trapTab } from "./cards.js";
import { byId, element } from "./dom.js";
import { announce } from "./toasts.js";

export class Stage {
	/**
	 * @param {HTMLElement} frame
	 * @param {{refocus: () => void, retry: (() => void)}} owner
	 */
	constructor(frame, owner) {
		this.frame = frame;
		this.owner = owner;
		this.holder = byId("card");
		this.veil = byId("veil");
		/** What the card is about, "" when it is not a page's failure. */
		this.key = "";
	}

	/** Whether a card that is no page's failure is there. */
	get isTaken() {
		return !this.holder.hidden && this.key === "";
	}

	/**
	 * @param {HTMLElement} card
	 * @param {string} [key] of a page's failure
	 */
	show(card, key = "") {
		this.holder.replaceChildren(card);
		this.holder.hidden = false;
		this.key = key;
		/** @type {HTMLElement | null} */ (card.querySelector(".primary"))?.focus();
	}

	hide() {
		const focused = this.holder.contains(document.activeElement);
		this.holder.hidden = true;
		this.holder.replaceChildren();
		this.key = "";
		if (focused) {
			this.owner.refocus();
		}
	}

	/** @param {string} text @param {boolean} retry offers to try at once */
	say(text, retry) {
		const pill = element("div", { class: "pill" },
			element("span", { class: "spinner", "aria-hidden": "true" }), element("span", {}, text));
		if (retry) {
			const button = element("button", { type: "button", class: "link" }, "Try now");
			button.addEventListener("click", this.owner.retry);
			pill.append(button);
		}
		this.veil.replaceChildren(pill);
		this.veil.hidden = false;
		announce(text);
	}

	sayNothing() {
		this.veil.hidden = true;
		this.veil.replaceChildren();
	}

	/**
	 * A card of the viewer's own that waits for an answer.
	 * @param {Parameters<typeof makeCard>[0]} content
	 * @param {() => void} [confirmed] what its first action does
	 */
	ask(content, confirmed) {
		const holder = element("div", { class: "overlay dialog-holder" });
		const close = () => {
			holder.remove();
			this.owner.refocus();
		};
		const actions = confirmed ? [
			{ label: "Cancel", run: close },
			{ label: content.title.replace(/\?$/, ""), primary: true, run: () => {
				close();
				confirmed();
			} },
		] : [{ label: "Close", run: close, primary: true }];
		const card = makeCard({ ...content, actions, role: "dialog" });
		card.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
			trapTab(card, event);
			if (event.key === "Escape") {
				event.preventDefault();
				close();
			}
		});
		holder.append(card);
		this.frame.append(holder);
		card.querySelector(".primary").focus();
	}
}
