// @ts-check
// Cards in the middle of the page area: why a session ended, why a page did not load, and dialogs.

import { element, icon } from "./dom.js";

let cardNumber = 0;

/**
 * @typedef {object} CardAction
 * @property {string} label
 * @property {() => void} run
 * @property {boolean} [primary]
 */

/**
 * @param {object} content
 * @param {string} content.iconName
 * @param {string} content.title
 * @param {string} [content.text]
 * @param {Node[]} [content.more]
 * @param {CardAction[]} [content.actions]
 * @param {"alertdialog" | "dialog" | "status"} [content.role]
 */
export function makeCard({ iconName, title, text = "", more = [], actions = [], role = "status" }) {
	const id = `card-${++cardNumber}`;
	const card = element("section", {
		class: "card", role, "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-text`,
	}, element("div", { class: "card-icon" }, icon(iconName)),
	element("h2", { id: `${id}-title` }, title), element("p", { id: `${id}-text` }, text), ...more);
	if (actions.length > 0) {
		card.append(element("div", { class: "card-actions" }, ...actions.map((action) => {
			const button = element("button", { type: "button", class: action.primary ? "primary" : "secondary" }, action.label);
			button.addEventListener("click", action.run);
			return button;
		})));
	}
	return card;
}

/** Keeps Tab inside a card that asks something. @param {HTMLElement} card @param {KeyboardEvent} event */
export function trapTab(card, event) {
	if (event.key !== "Tab") {
		return;
	}
	const inside = /** @type {HTMLElement[]} */ ([...card.querySelectorAll("button, input, textarea")]);
	const first = inside[0];
	const last = inside.at(-1);
	if (event.shiftKey && document.activeElement === first) {
		event.preventDefault();
		last?.focus();
	} else if (!event.shiftKey && document.activeElement === last) {
		event.preventDefault();
		first?.focus();
	}
}
