// @ts-check
// What people type or send as an address, and what of it is opened: http and https only.

const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const HOST_LABEL = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}_])?$/u;

/** @typedef {{address: string} | {problem: string}} ParsedAddress */

/**
 * Turns the ways in which people make an address harmless in a mail back: hxxps://evil[.]example.
 * @param {string} text
 */
function refang(text) {
	return text
		.replace(/^h(?:xx|\*\*|__)p(s?)(?=\[?:)/i, "http$1")
		.replace(/^(https?)\[:\]\/\//i, "$1://")
		.replace(/^(https?)\[:\/\/\]/i, "$1://")
		.replace(/[[({](?:\.|dot)[\])}]/gi, ".")
		.replace(/\[:\]/g, ":")
		.replace(/\[\/\]/g, "/");
}

/** @param {string} host without port */
function looksLikeHost(host) {
	if (host === "localhost" || /^\[[0-9a-f:.]+\]$/i.test(host)) {
		return true;
	}
	const labels = host.replace(/\.$/, "").split(".");
	return labels.length > 1 && labels.every((label) => label.length < 64 && HOST_LABEL.test(label));
}

/** @param {string} text without a scheme */
function hostOf(text) {
	const authority = text.split(/[/?#]/, 1)[0];
	return authority.slice(authority.lastIndexOf("@") + 1).replace(/:\d{1,5}$/, "");
}

/** @param {string} text @returns {ParsedAddress} */
function checked(text) {
	let url;
	try {
		url = new URL(text);
	} catch {
		return { problem: "This is not a complete web address. Check it for typing mistakes." };
	}
	if (url.protocol !== "http:" && url.protocol !== "https:") {
		return { problem: `Only web addresses are opened, not “${url.protocol.slice(0, 20)}” addresses.` };
	}
	if (url.username || url.password) {
		return { problem: "Addresses that carry a user name or password are not opened. Remove that part." };
	}
	if (url.href.length > 2000) {
		return { problem: "This address is longer than 2000 characters, which is more than can be opened." };
	}
	return { address: url.href };
}

/**
 * @param {string} input
 * @returns {ParsedAddress} the address to open, or a sentence for the user
 */
export function parseAddress(input) {
	let text = input.trim().replace(/^<(.*)>$/, "$1").trim();
	if (text === "") {
		return { problem: "Type a web address, such as example.com." };
	}
	if (text === "about:blank") {
		return { address: text };
	}
	text = refang(text);
	if (/^\/\/[^/]/.test(text)) {
		text = text.slice(2);
	}
	const scheme = SCHEME.exec(text);
	if (scheme && /^https?$/i.test(scheme[1])) {
		return checked(text);
	}
	if (/\s/.test(text) || !looksLikeHost(hostOf(text))) {
		return {
			problem: scheme && !/\s/.test(text)
				? `Only web addresses are opened, not “${scheme[1].slice(0, 20)}:” addresses.`
				: "This does not look like a web address, and no search engine is set up. "
					+ "Type an address such as example.com.",
		};
	}
	return checked(`https://${text}`);
}

/**
 * The address that a link into Safeweb asks for: `?url=`, or `#u=` and base64url, which no server's
 * log sees.
 * @param {{search: string, hash: string}} place
 * @returns {string | null}
 */
export function addressFromLocation({ search, hash }) {
	const hidden = new URLSearchParams(hash.replace(/^#/, "")).get("u");
	if (hidden !== null) {
		return decodeBase64Url(hidden);
	}
	return new URLSearchParams(search).get("url");
}

/** @param {string} text @returns {string | null} */
function decodeBase64Url(text) {
	try {
		const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
		const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch {
		return null;
	}
}

/**
 * How an address is shown when it is not being edited.
 * @param {string} address
 * @returns {{before: string, host: string, after: string}}
 */
export function displayParts(address) {
	try {
		const url = new URL(address);
		if (url.protocol === "http:" || url.protocol === "https:") {
			const rest = url.pathname + url.search + url.hash;
			return {
				before: url.protocol === "http:" ? "http://" : "",
				host: url.host,
				after: rest === "/" ? "" : rest,
			};
		}
	} catch {
		// Not an address: shown as it is.
	}
	return { before: "", host: "", after: address };
}

/** @param {string} address @returns {string} host name or "" */
export function hostName(address) {
	try {
		return new URL(address).hostname;
	} catch {
		return "";
	}
}
