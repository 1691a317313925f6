// @ts-check
// The login screen.

import * as api from "./api.js";
import { byId } from "./dom.js";
import { durationText } from "./sentences.js";

export class Login {
	/** @param {(user: {name: string, role: string}) => void} done */
	constructor(done) {
		this.done = done;
		this.screen = byId("login");
		this.form = byId("login-form");
		this.problem = byId("login-problem");
		this.button = this.form.querySelector("button");
		this.waitS = 0;
		this.form.addEventListener("submit", (/** @type {Event} */ event) => {
			event.preventDefault();
			this.submit();
		});
	}

	/** @param {string} [sentence] why the user is here again */
	show(sentence = "") {
		this.screen.hidden = false;
		this.say(sentence);
		byId("password").value = "";
		byId(byId("username").value ? "password" : "username").focus();
		document.title = "Log in – Safeweb";
	}

	/** @param {string} sentence */
	say(sentence) {
		this.problem.textContent = sentence;
		this.problem.hidden = sentence === "";
	}

	async submit() {
		const username = byId("username").value.trim();
		const password = byId("password").value;
		if (!username || !password) {
			this.say("Enter your user name and your password.");
			byId(username ? "password" : "username").focus();
			return;
		}
		if (this.waitS > 0) {
			return;
		}
		this.busy(true);
		try {
			const { user } = await api.login(username, password);
			byId("password").value = "";
			this.screen.hidden = true;
			this.say("");
			this.done(user);
		} catch (error) {
			this.failed(/** @type {api.ApiError} */ (error));
		} finally {
			this.busy(this.waitS > 0);
		}
	}

	/** @param {boolean} busy */
	busy(busy) {
		this.button.disabled = busy;
		this.form.setAttribute("aria-busy", String(busy));
	}

	/** @param {api.ApiError} error */
	failed(error) {
		if (error.status === 401) {
			this.say("The user name or the password is not right.");
			byId("password").value = "";
			byId("password").focus();
		} else if (error.status === 429) {
			this.waitS = error.retryAfterS || 30;
			this.countDown();
		} else if (error.status === 0) {
			this.say("The server could not be reached. Check your connection and try again.");
		} else {
			this.say("The server could not log you in right now. Try again in a moment.");
		}
	}

	countDown() {
		if (this.waitS <= 0) {
			this.say("");
			this.busy(false);
			return;
		}
		this.busy(true);
		this.say(`Too many attempts. Try again in ${durationText(this.waitS)}.`);
		setTimeout(() => {
			this.waitS--;
			this.countDown();
		}, 1000);
	}
}
