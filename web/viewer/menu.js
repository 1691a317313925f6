// @ts-check
// The session menu, and the panel of statistics it opens.

import { byId, element, icon } from "./dom.js";
import { MenuList } from "./menu-list.js";
import { currentTheme, setTheme } from "./theme.js";

const THEMES = /** @type {[import("./theme.js").Theme, string, string][]} */ ([
	["auto", "auto", "As the system"], ["light", "sun", "Light"], ["dark", "moon", "Dark"],
]);

export class Menu extends MenuList {
	/**
	 * @param {object} owner
	 * @param {() => {percent: number, forward: boolean, reload: boolean, session: boolean}} owner.present
	 * @param {(action: string) => void} owner.run
	 * @param {() => string} owner.user
	 */
	constructor(owner) {
		super(byId("menu"));
		this.owner = owner;
		this.button = byId("menu-open");
		this.button.addEventListener("click", () => this.toggle());
		document.addEventListener("pointerdown", (event) => {
			const target = /** @type {Node} */ (event.target);
			if (!this.menu.hidden && !this.menu.contains(target) && !this.button.contains(target)) {
				this.close(false);
			}
		}, true);
	}

	toggle() {
		if (this.menu.hidden) {
			this.open();
		} else {
			this.close(true);
		}
	}

	open() {
		this.fill();
		this.menu.hidden = false;
		this.button.setAttribute("aria-expanded", "true");
		this.items()[0]?.focus();
	}

	/** @param {boolean} refocus gives the focus back to the button @override */
	close(refocus) {
		if (!this.menu.hidden) {
			this.menu.hidden = true;
			this.button.setAttribute("aria-expanded", "false");
			if (refocus) {
				this.button.focus();
			}
		}
	}

	/** @param {string} action @override */
	choose(action) {
		this.owner.run(action);
	}

	fill() {
		const present = this.owner.present();
		const forward = this.item("forward", "forward", "Forward", "Alt+Right");
		const reload = this.item("reload", "reload", "Reload", "Ctrl+R");
		forward.classList.add("narrow");
		reload.classList.add("narrow");
		forward.disabled = !present.forward;
		reload.disabled = !present.reload;
		const end = this.item("end", "power", "End session");
		end.disabled = !present.session;
		this.menu.replaceChildren(
			element("div", { class: "menu-user" }, icon("user"), element("span", {}, this.owner.user())),
			this.line(),
			this.item("new-tab", "plus", "New tab", "Ctrl+T"), forward, reload,
			this.item("find", "search", "Find in page", "Ctrl+F"),
			this.zoomRow(present.percent),
			this.line(), this.themeRow(), this.line(),
			this.item("statistics", "chart", "Connection statistics"),
			this.line(), end, this.item("logout", "exit", "Log out"),
		);
	}

	/** @param {number} percent */
	zoomRow(percent) {
		const value = element("output", {}, `${percent} %`);
		const button = (/** @type {string} */ action, /** @type {string} */ name, /** @type {string} */ label) => {
			const made = element("button", {
				type: "button", role: "menuitem", tabindex: "-1", "aria-label": label, title: label,
			}, icon(name));
			made.addEventListener("click", () => {
				this.owner.run(action);
				value.textContent = `${this.owner.present().percent} %`;
			});
			return made;
		};
		return element("div", { class: "menu-row", role: "group", "aria-label": "Zoom" },
			icon("search"), element("span", {}, "Zoom"),
			button("zoom-out", "minus", "Zoom out (Ctrl+−)"), value, button("zoom-in", "plus", "Zoom in (Ctrl++)"));
	}

	themeRow() {
		const buttons = THEMES.map(([theme, name, label]) => {
			const made = element("button", {
				type: "button", role: "menuitemradio", tabindex: "-1", "aria-label": label, title: label,
				"aria-checked": String(currentTheme() === theme), "data-theme-choice": theme,
			}, icon(name));
			made.addEventListener("click", () => {
				setTheme(theme);
				buttons.forEach((one) => one.setAttribute("aria-checked", String(one === made)));
			});
			return made;
		});
		return element("div", { class: "menu-row", role: "group", "aria-label": "Appearance" },
			icon("sun"), element("span", {}, "Appearance"),
			element("div", { class: "choice", role: "none" }, ...buttons));
	}
}

/** @param {number} bytes */
function bytesText(bytes) {
	if (bytes < 10_000) {
		return `${bytes} bytes`;
	}
	return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * The rows of the statistics card.
 * @param {Record<string, any>} stats as safeweb.stats()
 */
export function statisticsRows(stats) {
	const rows = [
		["State", stats.connected ? "Connected" : "Not connected"],
		["Round trip", stats.last_round_trip_ms ? `${stats.last_round_trip_ms} ms` : "not measured yet"],
		["Received", bytesText(stats.bytes)],
		["Pictures", String(stats.frames)],
		["Rectangles drawn", String(stats.rects)],
		["Areas moved", String(stats.copies)],
		["Picture size", stats.picture],
		["Reconnections", String(stats.reconnects)],
	];
	return rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
}
