// @ts-check
// What the user is told, for each code of enum wire_reason and enum wire_notice_code (src/wire/wire.h).

/**
 * @typedef {{title: string, text: string, action: string}} Reason
 * @type {Record<number, Reason>}
 */
export const REASONS = {
	1: { title: "Session ended", text: "You ended this session, and everything in it has been erased.", action: "Start again" },
	2: { title: "Session ended", text: "An administrator ended this session.", action: "Start again" },
	3: { title: "Session ended", text: "This session ended because it was not used for a while.", action: "Start again" },
	4: { title: "Session ended", text: "The connection was away for too long, so the session was closed.", action: "Start again" },
	5: { title: "Session ended", text: "This session reached the longest time a session may last.", action: "Start again" },
	6: { title: "The browser closed", text: "The isolated browser closed by itself, and its session is over.", action: "Start again" },
	7: { title: "Session failed", text: "A part of this session stopped working, so it was closed for your safety.", action: "Start again" },
	8: { title: "All sessions are in use", text: "The server holds as many sessions as it can; one will be free soon.", action: "Try now" },
	9: { title: "Server going down", text: "The server is being shut down or updated.", action: "Start again" },
	10: { title: "Open in another window", text: "This session was opened in another window or on another device.", action: "Use it here" },
	11: { title: "Session not found", text: "This session is over, and nothing of it is left.", action: "Start again" },
	12: { title: "Connection stopped", text: "The connection carried something unexpected and was closed for your safety.", action: "Start again" },
	13: { title: "Logged out", text: "You have been logged out.", action: "Log in" },
};

/** @param {number} code @returns {Reason} */
export function reasonFor(code) {
	return REASONS[code] ?? { title: "Session ended", text: "This session is over.", action: "Start again" };
}

/** The code of a session that no longer exists, where no `bye` said so. */
export const REASON_UNKNOWN_SESSION = 11;
export const REASON_FULL = 8;
export const REASON_REPLACED = 10;
export const REASON_PROTOCOL = 12;
export const REASON_LOGGED_OUT = 13;

export const NOTICE_PAGE_FAILED = 9;
export const NOTICE_PAGE_CRASHED = 11;
/** The last code that the egress proxy sends; those name a host. */
export const NOTICE_LAST_OF_EGRESS = 8;

/**
 * @typedef {{title: string, text: (detail: string) => string}} Notice
 * @type {Record<number, Notice>}
 */
export const NOTICES = {
	1: {
		title: "Site not found",
		text: (host) => `There is no site named ${host || "like this"}. Check the address for typing mistakes.`,
	},
	2: {
		title: "Site does not answer",
		text: (host) => `${host || "The site"} could not be reached. Try again in a moment.`,
	},
	3: {
		title: "Internal address",
		text: (host) => `${host || "This address"} belongs to an internal network, which isolated pages may never reach. Open it in your own browser if you trust it.`,
	},
	4: {
		title: "Port not allowed",
		text: (host) => `${host || "The address"} uses a port that is not open to web pages. Use the site’s ordinary address.`,
	},
	5: {
		title: "Site is too slow",
		text: (host) => `${host || "The site"} did not answer in time. Try again in a moment.`,
	},
	6: {
		title: "Too many connections",
		text: () => "This session has as many connections open as it may. Close some tabs and load the page again.",
	},
	7: {
		title: "Way to the web is closed",
		text: () => "Your organisation’s web proxy did not let the connection through. Ask your administrator if it lasts.",
	},
	8: {
		title: "Certificate not trusted",
		text: (host) => `${host || "The site"} could not prove who it is, so it was not opened. Do not enter anything there.`,
	},
	9: {
		title: "Page did not load",
		text: (detail) => `${failureText(detail)}`,
	},
	10: {
		title: "Address not opened",
		text: (detail) => `This address cannot be opened${detail ? `: ${detail}` : ""}. Only http and https addresses are.`,
	},
	11: {
		title: "This page crashed",
		text: () => "The page stopped working. Reload it to go on; other tabs are not affected.",
	},
	12: {
		title: "Too many tabs",
		text: () => "No more tabs can be opened in this session. Close one first.",
	},
	13: {
		title: "Download stopped",
		text: (name) => `${name ? `“${name}”` : "The file"} was not downloaded: files stay out of your computer here.`,
	},
	14: {
		title: "Upload stopped",
		text: () => "Files from your computer cannot be sent to isolated pages.",
	},
};

/** Chromium's names for what can go wrong, where a plainer sentence helps. */
const FAILURES = /** @type {[RegExp, string][]} */ ([
	[/NAME_NOT_RESOLVED/, "There is no site of this name. Check the address for typing mistakes."],
	[/CERT|SSL/, "The site could not prove who it is, so it was not opened."],
	[/TIMED_OUT/, "The site did not answer in time. Try again in a moment."],
	[/TUNNEL_CONNECTION_FAILED|PROXY/, "The site could not be reached from here. Check the address, or try again in a moment."],
	[/CONNECTION_(REFUSED|RESET|CLOSED|FAILED)|EMPTY_RESPONSE/, "The site broke the connection off. Try again in a moment."],
	[/TOO_MANY_REDIRECTS/, "The site sends its visitors round in a circle. Ask the site’s owner."],
	[/UNSAFE_PORT/, "This address uses a port that web pages may not use."],
	[/BLOCKED_BY/, "The page was not allowed to load."],
]);

/** @param {string} name such as net::ERR_NAME_NOT_RESOLVED */
function failureText(name) {
	for (const [pattern, text] of FAILURES) {
		if (pattern.test(name)) {
			return text;
		}
	}
	return `The page could not be loaded${name ? ` (${name.replace(/^net::/, "")})` : ""}. Try again in a moment.`;
}

/** @param {number} code @param {string} detail @returns {{title: string, text: string}} */
export function noticeFor(code, detail) {
	const notice = NOTICES[code];
	if (!notice) {
		return { title: "Something happened", text: `The session reports notice ${code}${detail ? `: ${detail}` : ""}.` };
	}
	return { title: notice.title, text: notice.text(detail) };
}

/** Whole seconds as people say them. @param {number} seconds */
export function durationText(seconds) {
	if (seconds < 60) {
		return seconds === 1 ? "1 second" : `${seconds} seconds`;
	}
	const minutes = Math.ceil(seconds / 60);
	return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}
