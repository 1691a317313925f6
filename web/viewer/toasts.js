// @ts-check
// Short messages at the lower edge that go away by themselves.

import { byId, element, icon } from "./dom.js";

const SHOWN_MS = 8000;
const MAX_SHOWN = 3;

/**
 * @param {string} text
 * @param {{label: string, run: () => void}} [action]
 */
export function toast(text, action) {
	const holder = byId("toasts");
	const made = element("div", { class: "toast" }, element("span", {}, text));
	const remove = () => made.remove();
	if (action) {
		const button = element("button", { type: "button", class: "link" }, action.label);
		button.addEventListener("click", () => {
			remove();
			action.run();
		});
		made.append(button);
	}
	const close = element("button", { type: "button", class: "tool small", "aria-label": "Dismiss" }, icon("close"));
	close.addEventListener("click", remove);
	made.append(close);
	while (holder.children.length >= MAX_SHOWN) {
		holder.firstChild.remove();
	}
	holder.append(made);
	setTimeout(remove, SHOWN_MS);
}

/** Says something to screen readers only. @param {string} text */
export function announce(text) {
	byId("announce").textContent = text;
}
