// @ts-check
// Where the page begins: who is there, which address was asked for, then the login or the viewer.

import * as api from "./api.js";
import { addressFromLocation, parseAddress } from "./address.js";
import { byId } from "./dom.js";
import { Login } from "./login.js";
import { restoreTheme } from "./theme.js";
import { Viewer } from "./viewer.js";

/** The address that the link asked for, taken out of the location at once: it is nobody's business. */
function takeAddress() {
	const asked = addressFromLocation(location);
	if (location.search || location.hash || location.pathname.endsWith("/open")) {
		history.replaceState(null, "", new URL("./", document.baseURI));
	}
	return asked === null ? { address: "", problem: "" }
		: { address: "", problem: "", ...parseAddress(asked) };
}

async function start() {
	restoreTheme();
	const asked = takeAddress();
	const login = new Login((user) => {
		viewer.start(user, asked);
		asked.address = asked.problem = "";
	});
	const viewer = new Viewer({ loggedOut: (sentence) => login.show(sentence) });
	window.safeweb = { stats: () => viewer.stats() };
	try {
		const { user } = await api.me();
		viewer.start(user, asked);
	} catch (error) {
		const reached = error instanceof api.ApiError && error.status === 401;
		login.show(reached ? "" : "The server could not be reached. Check your connection and try again.");
	}
	byId("login").dataset.ready = "true";
}

start();
