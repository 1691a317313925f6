// @ts-check
// What the session has to tell about a page: a card in its place when the page itself did not load, else
// a bar above it. Both belong to a tab, and go when its address changes.
//
// The egress proxy knows why a site was not reached but not which tab asked; the browser knows the tab
// but not why. What both say within a moment about one site is one notice, in the proxy's words.

import { hostName } from "./address.js";
import { element, icon } from "./dom.js";
import { NOTICE_LAST_OF_EGRESS, NOTICE_PAGE_CRASHED, NOTICE_PAGE_FAILED, noticeFor }
	from "./sentences.js";

/** How far apart the proxy's and the browser's word on one failure may be. */
const TOGETHER_MS = 6000;
/** A failed page's address may follow the word that it failed by so much. */
const SETTLE_MS = 1500;
const MAX_BARS = 2;
/** Names that a missing picture or advertisement on a page should not make a fuss of. */
const QUIET = new Set([1, 2, 5, 8]);

/** Chromium's names for failures of which the proxy knows more. */
const THROUGH_PROXY = /TUNNEL_CONNECTION_FAILED|PROXY|EMPTY_RESPONSE/;

/**
 * @typedef {{code: number, detail: string, at: number}} Seen
 * @typedef {{code: number, detail: string, address: string, at: number}} Failure
 */

export class Notices {
	/**
	 * @param {HTMLElement} bars
	 * @param {{active: () => import("./tabs.js").Tab | null, wanted: (tab: number) => string,
	 *          changed: () => void}} owner `wanted`: the address last asked for in a tab
	 */
	constructor(bars, owner) {
		this.bars = bars;
		this.owner = owner;
		/** @type {Seen[]} */
		this.seen = [];
		/** Failed or crashed pages by tab. @type {Map<number, Failure>} */
		this.failures = new Map();
		/** @type {{tab: number, element: HTMLElement}[]} */
		this.shown = [];
	}

	/** @param {Record<string, any>} message notice */
	receive({ code, tab, detail }) {
		if (code <= NOTICE_LAST_OF_EGRESS && tab === 0) {
			this.egress(code, detail);
		} else if (code <= NOTICE_LAST_OF_EGRESS) {
			// The browser's own word, with an error's name where the proxy has the host.
			this.fail(tab, code, /^(net::)?ERR_/.test(detail) ? this.hosts(tab)[0] ?? "" : detail);
		} else if (code === NOTICE_PAGE_FAILED || code === NOTICE_PAGE_CRASHED) {
			this.pageFailed(code, tab || (this.owner.active()?.id ?? 0), detail);
		} else {
			this.bar(code, tab, detail);
		}
	}

	/** @param {number} code @param {string} detail host, perhaps with a port */
	egress(code, detail) {
		const now = performance.now();
		this.seen = this.seen.filter(({ at }) => now - at < TOGETHER_MS).slice(-32);
		this.seen.push({ code, detail, at: now });
		const id = this.owner.active()?.id ?? 0;
		const known = this.failures.get(id);
		const ofPage = this.hosts(id).includes(bareHost(detail)) && this.isLoading(id);
		if (ofPage || (known?.code === NOTICE_PAGE_FAILED && THROUGH_PROXY.test(known.detail))) {
			this.fail(id, code, detail);
		} else if (!QUIET.has(code)) {
			this.bar(code, id, detail);
		}
	}

	/** @param {number} id */
	isLoading(id) {
		const active = this.owner.active();
		return active !== null && active.id === id && ((active.flags & 2) !== 0 || this.owner.wanted(id) !== "");
	}

	/** @param {number} code @param {number} tab @param {string} detail */
	pageFailed(code, tab, detail) {
		const known = this.failures.get(tab);
		if (code === NOTICE_PAGE_FAILED && known && known.code <= NOTICE_LAST_OF_EGRESS) {
			return;
		}
		const better = code === NOTICE_PAGE_FAILED ? this.reasonOf(tab, detail) : undefined;
		this.fail(tab, better?.code ?? code, better?.detail ?? detail);
	}

	/** What the proxy said about a page that did not load. @param {number} tab @param {string} detail */
	reasonOf(tab, detail) {
		const now = performance.now();
		const recent = this.seen.filter(({ at }) => now - at < TOGETHER_MS);
		const hosts = this.hosts(tab);
		return recent.findLast((one) => hosts.includes(bareHost(one.detail)))
			?? (THROUGH_PROXY.test(detail) ? recent.at(-1) : undefined);
	}

	/** Names of the sites that a tab shows, or is on its way to. @param {number} tab */
	hosts(tab) {
		const addresses = [this.owner.wanted(tab), this.owner.active()?.address ?? "",
			this.failures.get(tab)?.address ?? ""];
		return addresses.map(hostName).filter((host) => host !== "");
	}

	/** @param {number} tab @param {number} code @param {string} detail */
	fail(tab, code, detail) {
		const address = this.owner.wanted(tab) || (this.owner.active()?.address ?? "");
		this.failures.set(tab, { code, detail, address, at: performance.now() });
		const { text } = noticeFor(code, detail);
		for (const entry of this.shown.filter((one) => one.element.dataset.text === text)) {
			this.removeBar(entry);
		}
		this.owner.changed();
	}

	/** A tab shows a page: was it another one that failed? @param {import("./tabs.js").Tab} tab */
	arrived(tab) {
		const failure = this.failures.get(tab.id);
		if (!failure || failure.address === tab.address || tab.address.startsWith("chrome-error:")) {
			return;
		}
		if (performance.now() - failure.at < SETTLE_MS) {
			// The failed page's own address, a moment later.
			failure.address = tab.address;
		} else {
			this.clear(tab.id);
		}
	}

	/** What to show in the place of a tab's page. @param {number} tab */
	failure(tab) {
		const failure = this.failures.get(tab);
		return failure ? { ...failure, ...noticeFor(failure.code, failure.detail) } : null;
	}

	/** @param {number} code @param {number} tab @param {string} detail */
	bar(code, tab, detail) {
		const { title, text } = noticeFor(code, detail);
		const same = this.shown.find((one) => one.element.dataset.text === text);
		if (same) {
			return;
		}
		const close = element("button", { type: "button", class: "tool small", "aria-label": "Dismiss" }, icon("close"));
		const made = element("div", { class: "bar", "data-notice": String(code) }, icon("warning"),
			element("p", {}, element("b", {}, `${title}. `), text), close);
		made.dataset.text = text;
		const entry = { tab, element: made };
		close.addEventListener("click", () => this.removeBar(entry));
		this.shown.push(entry);
		this.bars.append(made);
		while (this.shown.length > MAX_BARS) {
			this.removeBar(this.shown[0]);
		}
		this.update();
	}

	/** @param {{tab: number, element: HTMLElement}} entry */
	removeBar(entry) {
		entry.element.remove();
		this.shown = this.shown.filter((one) => one !== entry);
	}

	/** A new page is asked for in a tab. @param {number} tab */
	clear(tab) {
		this.failures.delete(tab);
		this.seen = [];
		for (const entry of this.shown.filter((one) => one.tab === tab)) {
			this.removeBar(entry);
		}
	}

	/** Shows the active tab's bars only. */
	update() {
		const active = this.owner.active()?.id ?? 0;
		for (const { tab, element: made } of this.shown) {
			made.hidden = tab !== 0 && tab !== active;
		}
	}

	reset() {
		this.failures.clear();
		this.seen = [];
		for (const entry of [...this.shown]) {
			this.removeBar(entry);
		}
	}
}

/** @param {string} detail */
function bareHost(detail) {
	return detail.replace(/:\d+$/, "").toLowerCase();
}
