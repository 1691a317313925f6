// @ts-check
// The viewer's own shortcuts. Every other key goes to the page.

import { shortcutName } from "./keys.js";

/** @type {Record<string, string>} */
const ACTIONS = {
	"Control+L": "address", "Alt+D": "address", F6: "toolbar",
	"Control+T": "new-tab", "Control+W": "close-tab", "Control+F4": "close-tab",
	"Control+R": "reload", F5: "reload", "Control+Shift+R": "reload-anew", "Control+F5": "reload-anew",
	"Control+Tab": "next-tab", "Control+Shift+Tab": "previous-tab",
	"Control+PageDown": "next-tab", "Control+PageUp": "previous-tab",
	"Control+F": "find",
	"Control++": "zoom-in", "Control+Shift++": "zoom-in", "Control+=": "zoom-in",
	"Control+-": "zoom-out", "Control+0": "zoom-reset",
};

/** Alt and an arrow move by words on a Mac. @type {Record<string, string>} */
const OTHERS = { "Alt+ArrowLeft": "back", "Alt+ArrowRight": "forward" };
/** @type {Record<string, string>} */
const APPLE = { "Control+[": "back", "Control+]": "forward" };

const MODIFIER_KEYS = new Set(["Control", "Alt", "Shift"]);

/**
 * @param {KeyboardEvent} event
 * @param {boolean} apple
 * @returns {string} the action, "" for none
 */
export function shortcutAction(event, apple) {
	if (event.ctrlKey && event.altKey && event.shiftKey && MODIFIER_KEYS.has(event.key)) {
		return "menu";
	}
	const name = shortcutName(event, apple);
	const found = [ACTIONS, apple ? APPLE : OTHERS].find((actions) => Object.hasOwn(actions, name));
	return found?.[name] ?? "";
}

/** What zooming steps through, percent. */
const ZOOMS = [25, 33, 50, 67, 75, 80, 90, 100, 110, 125, 150, 175, 200, 250, 300, 400, 500];

/** @param {number} percent @param {number} direction */
export function nextZoom(percent, direction) {
	return direction > 0 ? ZOOMS.find((zoom) => zoom > percent) ?? 500
		: ZOOMS.findLast((zoom) => zoom < percent) ?? 25;
}
