// @ts-check
// Back, forward, reload, the address box and what stands beside it.

import { displayParts, parseAddress } from "./address.js";
import { byId, element, setIcon } from "./dom.js";
import { CAN_GO_BACK, CAN_GO_FORWARD, LOADING, SECURE, isEmpty, tabTitle } from "./tabs.js";
import { toast } from "./toasts.js";

/** @typedef {import("./tabs.js").Tab} Tab */

export class Toolbar {
	/**
	 * @param {{navigate: (address: string) => void, history: (steps: number) => void,
	 *          reload: (bypassCache: boolean) => void, stop: () => void, leave: () => void}} owner
	 */
	constructor(owner) {
		this.owner = owner;
		/** @type {Tab | null} */
		this.tab = null;
		this.failed = false;
		this.input = byId("address");
		this.shown = byId("address-shown");
		this.security = byId("security");
		byId("back").addEventListener("click", () => owner.history(-1));
		byId("forward").addEventListener("click", () => owner.history(1));
		byId("reload").addEventListener("click", (/** @type {MouseEvent} */ event) => this.reload(event.shiftKey));
		byId("address-form").addEventListener("submit", (/** @type {Event} */ event) => this.submit(event));
		this.input.addEventListener("focus", () => this.edit());
		this.input.addEventListener("blur", () => this.display());
		this.input.addEventListener("input", () => this.say(""));
		this.input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
			if (event.key === "Escape") {
				event.preventDefault();
				this.input.value = this.address;
				owner.leave();
			}
		});
		this.security.addEventListener("click", () => toast(this.securityText()));
	}

	get address() {
		return this.tab && !isEmpty(this.tab) ? this.tab.address : "";
	}

	get loading() {
		return this.tab !== null && (this.tab.flags & LOADING) !== 0;
	}

	/** @param {boolean} bypassCache */
	reload(bypassCache) {
		if (this.loading) {
			this.owner.stop();
		} else {
			this.owner.reload(bypassCache);
		}
	}

	/** @param {Event} event */
	submit(event) {
		event.preventDefault();
		const parsed = parseAddress(this.input.value);
		if ("problem" in parsed) {
			this.say(parsed.problem);
			return;
		}
		this.input.value = parsed.address;
		this.owner.navigate(parsed.address);
		this.owner.leave();
	}

	/** @param {string} problem with what was typed */
	say(problem) {
		const shown = byId("address-problem");
		shown.textContent = problem;
		shown.hidden = problem === "";
		this.input.setAttribute("aria-invalid", String(problem !== ""));
	}

	edit() {
		byId("address-form").classList.add("editing");
		this.input.value = this.address;
		requestAnimationFrame(() => this.input.select());
	}

	/** Shows the address with its host standing out. */
	display() {
		byId("address-form").classList.remove("editing");
		this.say("");
		this.input.value = this.address;
		const { before, host, after } = displayParts(this.address);
		this.shown.replaceChildren(element("span", {}, before), element("b", {}, host), element("span", {}, after));
	}

	/**
	 * @param {Tab | null} tab
	 * @param {boolean} switched another tab than before
	 * @param {boolean} [failed] its page did not load
	 */
	update(tab, switched, failed = false) {
		this.tab = tab;
		this.failed = failed;
		const flags = tab?.flags ?? 0;
		byId("back").disabled = !(flags & CAN_GO_BACK);
		byId("forward").disabled = !(flags & CAN_GO_FORWARD);
		const reload = byId("reload");
		reload.disabled = !tab || (isEmpty(tab) && !this.loading);
		setIcon(reload, this.loading ? "stop" : "reload");
		reload.setAttribute("aria-label", this.loading ? "Stop" : "Reload");
		reload.title = this.loading ? "Stop (Escape)" : "Reload (Ctrl+R)";
		byId("progress").hidden = !this.loading;
		if (switched || document.activeElement !== this.input) {
			this.display();
		}
		this.updateSecurity();
		document.title = tab && !isEmpty(tab) ? `${tabTitle(tab)} – Safeweb` : "Safeweb";
	}

	updateSecurity() {
		const empty = this.address === "";
		const secure = this.tab !== null && (this.tab.flags & SECURE) !== 0;
		this.security.hidden = empty || this.failed || !/^https?:/.test(this.address);
		this.security.classList.toggle("warning", !secure);
		setIcon(this.security, secure ? "lock" : "unlocked");
		this.security.querySelector(".word").textContent = secure ? "" : "Not secure";
		this.security.setAttribute("aria-label", secure ? "Connection is secure" : "Connection is not secure");
		this.security.title = this.securityText();
	}

	securityText() {
		const { host } = displayParts(this.address);
		return this.tab !== null && (this.tab.flags & SECURE) !== 0
			? `The connection to ${host} is encrypted, and the site has proved its name.`
			: `The connection to ${host} is not encrypted. Others can read and change what you send.`;
	}
}
