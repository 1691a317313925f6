// @ts-check
// The start page: what an empty tab shows.

import { parseAddress } from "./address.js";
import { byId } from "./dom.js";

export class StartPage {
	/** @param {(address: string) => void} navigate */
	constructor(navigate) {
		this.input = byId("start-address");
		this.problem = byId("start-problem");
		byId("start-form").addEventListener("submit", (/** @type {Event} */ event) => {
			event.preventDefault();
			const parsed = parseAddress(this.input.value);
			this.say("problem" in parsed ? parsed.problem : "");
			if ("address" in parsed) {
				navigate(parsed.address);
			}
		});
		this.input.addEventListener("input", () => this.say(""));
	}

	/** @param {string} sentence */
	say(sentence) {
		this.problem.textContent = sentence;
		this.problem.hidden = sentence === "";
		this.input.setAttribute("aria-invalid", String(sentence !== ""));
	}

	/** @param {string} address being opened @param {string} problem with what was asked for */
	begin(address, problem) {
		this.input.value = address;
		this.say(problem);
		byId("start").hidden = false;
		this.focus();
	}

	focus() {
		this.say(this.problem.textContent);
		this.input.focus();
		this.input.select();
	}

	/** @param {boolean} busy an address is being opened */
	busy(busy) {
		byId("start").classList.toggle("busy", busy);
		if (!busy && byId("start").hidden) {
			this.input.value = "";
			this.say("");
		}
	}
}
