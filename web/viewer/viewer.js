// @ts-check
// One user's session: puts the stream, the picture, the input and the controls together.

import * as api from "./api.js";
import { makeCard } from "./cards.js";
import { Clipboard } from "./clipboard.js";
import { Connection } from "./connection.js";
import { ContextMenu } from "./context-menu.js";
import { createDecoder } from "./decoder.js";
import { Dialogs } from "./dialogs.js";
import { byId, element } from "./dom.js";
import { Find } from "./find.js";
import { Frames } from "./frames.js";
import { Keyboard } from "./keyboard.js";
import { Menu, statisticsRows } from "./menu.js";
import { Notices } from "./notices.js";
import { createCodecs } from "./pixels.js";
import { Pointer } from "./pointer.js";
import { Screen } from "./screen.js";
import { REASON_FULL, REASON_LOGGED_OUT, durationText, reasonFor } from "./sentences.js";
import { nextZoom, shortcutAction } from "./shortcuts.js";
import { Stage } from "./stage.js";
import { StartPage } from "./start.js";
import { ACTIVE, CAN_GO_BACK, CAN_GO_FORWARD, CRASHED, LOADING, Tabs, isEmpty } from "./tabs.js";
import { announce, toast } from "./toasts.js";
import { Toolbar } from "./toolbar.js";

/** The page area's size settles before the server hears of it. */
const RESIZE_SETTLE_MS = 80;
/** Waits before another attempt to get a session, when the server names none. */
const RETRY_S = 10;
/** The server names the next active tab itself in this time, if it does. */
const SELECT_SETTLE_MS = 200;
const REASON_CLOSED = 1;

/** Notices that say a page may not be opened at all: internal, port, certificate, form of address. */
const REFUSALS = new Set([3, 4, 8, 10]);

/** Icons of the cards that say why a session ended. @type {Record<number, string>} */
const REASON_ICONS = { 1: "erase", 3: "clock", 4: "clock", 5: "clock", 8: "windows", 10: "windows" };

export class Viewer {
	/** @param {{loggedOut: (sentence: string) => void}} owner */
	constructor(owner) {
		this.owner = owner;
		this.user = { name: "", role: "" };
		/** @type {Connection | null} */
		this.connection = null;
		this.sessionId = "";
		/** An address to open as soon as there is a tab. */
		this.pending = "";
		/** Addresses asked for and not there yet, by tab. @type {Map<number, string>} */
		this.wanted = new Map();
		/** The user opened a tab that is not there yet: it is to be the active one. */
		this.newTabWanted = false;
		this.acks = 0;
		this.lastSequence = 0;
		/** @type {Frames | null} */
		this.frames = null;
		/** Grows with every start, so that late answers of an older one are let go. */
		this.epoch = 0;
		this.page = byId("page");
		this.frame = /** @type {HTMLElement} */ (this.page.parentElement);
		this.screen = new Screen(this.page);
		this.clipboard = new Clipboard();
		/** The size the server was told last. */
		this.sizeSent = "";
		/** @type {Promise<import("./decoder.js").Decoder> | null} */
		this.decoder = null;
		const leave = () => this.focusPage();
		const navigate = (/** @type {string} */ address) => this.navigate(address);
		this.stage = new Stage(this.frame, { refocus: leave, retry: () => this.connection?.retry() });
		this.tabs = new Tabs(byId("tabs"), {
			select: (tab) => this.send("tab_select", { tab }),
			close: (tab) => this.send("tab_close", { tab }),
			changed: (active, switched) => this.tabChanged(active, switched),
		});
		this.toolbar = new Toolbar({
			navigate, leave,
			history: (steps) => this.run(steps < 0 ? "back" : "forward"),
			reload: (bypassCache) => this.run(bypassCache ? "reload-anew" : "reload"),
			stop: () => this.run("stop"),
		});
		this.startPage = new StartPage(navigate);
		this.find = new Find({
			find: (text, backward) => this.withTab((tab) =>
				this.send("find", { tab, backward: backward ? 1 : 0, text })),
			closed: leave,
		});
		this.menu = this.buildMenu();
		this.contextMenu = this.buildContextMenu();
		this.dialogs = new Dialogs(this.frame, {
			reply: (dialog, accept, text) =>
				this.send("dialog_reply", { dialog, accept: accept ? 1 : 0, text }),
			address: (tab) => this.tabs.tabs.get(tab)?.address ?? "",
			active: () => this.tabs.activeId,
			closed: leave,
		});
		this.notices = new Notices(byId("bars"), {
			active: () => this.tabs.active,
			wanted: (tab) => this.wanted.get(tab) ?? "",
			changed: () => {
				const tab = this.tabs.active;
				this.toolbar.update(tab, false, tab !== null && this.notices.failures.has(tab.id));
				this.updateOverlay();
			},
		});
		const input = (/** @type {string} */ name, /** @type {Record<string, any>} */ values) =>
			this.connection?.input(name, values);
		this.keyboard = this.buildKeyboard(input);
		this.pointer = new Pointer(this.screen, input, {
			focus: (touch) => this.keyboard.focus(touch),
			zoomStep: (direction) => this.zoom(nextZoom(this.tabs.active?.zoom ?? 100, direction)),
			gesture: () => this.clipboard.gesture(),
		});
		this.watch();
	}

	buildMenu() {
		return new Menu({
			present: () => ({
				percent: this.tabs.active?.zoom ?? 100,
				forward: ((this.tabs.active?.flags ?? 0) & CAN_GO_FORWARD) !== 0,
				reload: !isEmpty(this.tabs.active),
				session: this.sessionId !== "",
			}),
			run: (action) => this.run(action),
			user: () => this.user.name,
		});
	}

	buildContextMenu() {
		return new ContextMenu(this.page, {
			can: () => ({
				back: ((this.tabs.active?.flags ?? 0) & CAN_GO_BACK) !== 0,
				forward: ((this.tabs.active?.flags ?? 0) & CAN_GO_FORWARD) !== 0,
				reload: !isEmpty(this.tabs.active),
			}),
			apple: () => this.keyboard.apple,
			refocus: () => this.focusPage(),
			run: (action, link) => this.runOnPage(action, link),
		});
	}

	/** @param {string} action of the context menu @param {string} link */
	runOnPage(action, link) {
		/** @type {Record<string, string>} */
		const letters = { "cut": "x", "copy": "c", "select-all": "a" };
		if (Object.hasOwn(letters, action)) {
			this.clipboard.gesture();
			this.keyboard.chord(letters[action]);
		} else if (action === "paste") {
			this.clipboard.read().then((text) => this.keyboard.paste(text),
				() => toast(`This browser did not let its clipboard be read. Press ${this.keyboard.apple ? "⌘" : "Ctrl+"}V to paste.`));
		} else if (action === "open-link") {
			this.send("tab_new", { address: link });
		} else if (action === "copy-link") {
			this.clipboard.write(link).then(() => toast("Copied."),
				() => toast("This browser did not allow copying."));
		} else {
			this.run(action);
		}
	}

	/** @param {(name: string, values: Record<string, any>) => void} input */
	buildKeyboard(input) {
		const keyboard = new Keyboard(byId("keys"), input, (name, values) => this.send(name, values), {
			shortcut: (event) => this.shortcut(event),
			gesture: () => this.clipboard.gesture(),
			tooLarge: () => toast("The text is too long to be pasted: a million characters at most."),
		});
		byId("keyboard-show").addEventListener("click", () => keyboard.wantText(true));
		byId("tab-new").addEventListener("click", () => this.run("new-tab"));
		document.addEventListener("keydown", (event) => {
			if (event.target !== byId("keys") && !byId("viewer").hidden && this.shortcut(event)) {
				event.preventDefault();
			}
		});
		return keyboard;
	}

	/** Follows the size and the visibility of the page area. */
	watch() {
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		let timer;
		const changed = () => {
			clearTimeout(timer);
			timer = setTimeout(() => this.sendSize(), RESIZE_SETTLE_MS);
		};
		new ResizeObserver(changed).observe(this.page);
		const watchScale = () => {
			const query = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
			query.addEventListener("change", () => {
				changed();
				watchScale();
			}, { once: true });
		};
		watchScale();
		document.addEventListener("visibilitychange", () => {
			this.send("visible", { visible: document.hidden ? 0 : 1 });
			if (!document.hidden) {
				this.connection?.retry();
			}
		});
	}

	sendSize() {
		const size = this.screen.size();
		const text = `${size.width}×${size.height}×${size.scale_120}`;
		if (text !== this.sizeSent && this.connection?.state === "open" && this.page.clientWidth > 0) {
			this.sizeSent = text;
			this.send("resize", size);
		}
	}

	/** @param {string} name @param {Record<string, any>} [values] */
	send(name, values) {
		this.connection?.send(name, values);
	}

	/** @param {(tab: number) => void} then */
	withTab(then) {
		if (this.tabs.active) {
			then(this.tabs.active.id);
		}
	}

	/**
	 * Shows the viewer and gets the user's session.
	 * @param {{name: string, role: string}} user
	 * @param {{address: string, problem: string}} asked what the link asked for
	 */
	start(user, asked) {
		this.user = user;
		byId("viewer").hidden = false;
		this.pending = asked.address;
		this.startPage.begin(asked.address, asked.problem);
		this.acquire();
	}

	/** Gets the session and opens its stream. */
	async acquire() {
		const epoch = ++this.epoch;
		this.forget();
		this.stage.say("Starting your session …", false);
		try {
			const [session, decoder] = await Promise.all([api.openSession(), this.loadDecoder()]);
			if (epoch === this.epoch) {
				this.sessionId = String(session.id);
				this.connect(createCodecs(decoder));
			}
		} catch (error) {
			if (epoch === this.epoch) {
				this.notAcquired(error);
			}
		}
	}

	loadDecoder() {
		const url = new URL("assets/decoder.wasm", document.baseURI);
		this.decoder ??= createDecoder(url).catch((error) => {
			this.decoder = null;
			throw error;
		});
		return this.decoder;
	}

	/** @param {import("./frames.js").Codecs} codecs */
	connect(codecs) {
		this.frames = new Frames(this.screen, codecs, {
			ack: (sequence) => this.acknowledge(sequence),
			fail: (error) => this.connection?.fail(error),
		});
		const connection = new Connection(this.sessionId, {
			size: () => {
				const size = this.screen.size();
				this.sizeSent = `${size.width}×${size.height}×${size.scale_120}`;
				return size;
			},
			message: (message) => this.receive(message),
			state: (state, reason) => {
				if (connection === this.connection) {
					this.connectionChanged(state, reason);
				}
			},
		});
		this.connection = connection;
		connection.open();
	}

	/** @param {number} sequence */
	acknowledge(sequence) {
		this.acks++;
		this.lastSequence = sequence;
		this.send("ack", { sequence });
	}

	/** Everything of a session that is over goes. */
	forget() {
		const old = this.connection;
		this.connection = null;
		old?.end(REASON_CLOSED);
		this.frames?.reset();
		this.screen.clear();
		this.tabs.reset();
		this.dialogs.reset();
		this.notices.reset();
		this.wanted.clear();
		this.newTabWanted = false;
		this.sessionId = "";
		this.keyboard.reset();
		this.pointer.reset();
		this.stage.hide();
		this.toolbar.update(null, true);
		this.updateOverlay();
	}

	/** @param {unknown} error */
	notAcquired(error) {
		const failure = error instanceof api.ApiError ? error : new api.ApiError(0, "", String(error), 0);
		if (failure.status === 401) {
			this.leave("Your login has ended. Log in again.");
			return;
		}
		const full = failure.code === "full";
		const reason = full ? reasonFor(REASON_FULL) : failure.status === 0
			? { title: "Server not reached", text: "The server does not answer. Check your connection." }
			: { title: "No session right now", text: "The machine that runs the sessions does not answer." };
		this.retryCard(reason.title, reason.text, failure.retryAfterS || RETRY_S, full ? "windows" : "cloud");
	}

	/** @param {string} title @param {string} text @param {number} seconds @param {string} iconName */
	retryCard(title, text, seconds, iconName) {
		this.stage.sayNothing();
		const epoch = this.epoch;
		const countdown = element("p", { class: "countdown" });
		this.stage.show(makeCard({
			iconName, title, text, more: [countdown],
			actions: [{ label: "Try now", run: () => this.acquire(), primary: true }],
		}));
		const tick = (/** @type {number} */ left) => {
			if (epoch !== this.epoch) {
				return;
			}
			if (left <= 0) {
				this.acquire();
				return;
			}
			countdown.textContent = `Trying again in ${durationText(left)}.`;
			setTimeout(() => tick(left - 1), 1000);
		};
		tick(seconds);
	}

	/** @param {import("./connection.js").State} state @param {number} reason */
	connectionChanged(state, reason) {
		byId("viewer").dataset.state = state;
		this.contextMenu.close(false);
		if (state === "open") {
			this.opened();
		} else if (state === "ended") {
			this.ended(reason);
		} else if (this.lastSequence > 0) {
			this.stage.say("Connection lost. Reconnecting …", true);
			this.keyboard.reset();
			this.pointer.reset();
		}
	}

	opened() {
		this.stage.sayNothing();
		this.screen.retire();
		this.frames?.restart();
		this.tabs.restart();
		this.dialogs.reset();
		if (document.hidden) {
			this.send("visible", { visible: 0 });
		}
		this.sendSize();
	}

	/** @param {number} reason */
	ended(reason) {
		this.stage.sayNothing();
		if (reason === REASON_LOGGED_OUT) {
			this.leave("You have been logged out. Log in again to go on.");
			return;
		}
		const { title, text, action } = reasonFor(reason);
		this.dialogs.reset();
		this.notices.reset();
		this.sessionId = "";
		this.toolbar.update(null, true);
		byId("start").hidden = true;
		this.stage.show(makeCard({
			iconName: REASON_ICONS[reason] ?? "power", title, text,
			actions: [{ label: action, run: () => this.acquire(), primary: true }],
		}));
		announce(`${title}. ${text}`);
	}

	/** Back to the login. @param {string} sentence */
	leave(sentence) {
		this.epoch++;
		this.forget();
		this.stage.sayNothing();
		this.menu.close(false);
		this.contextMenu.close(false);
		byId("viewer").hidden = true;
		this.owner.loggedOut(sentence);
	}

	/** @param {Record<string, any>} message */
	receive(message) {
		switch (message.type) {
			case "welcome": break;
			case "surface":
			case "surface_gone":
			case "rect":
			case "copy":
			case "frame":
			case "cursor": this.frames?.handle(message); break;
			case "tab": this.tabUpdated(message); break;
			case "tab_gone":
				this.wanted.delete(message.tab);
				this.notices.clear(message.tab);
				this.tabs.gone(message.tab);
				this.selectSome();
				break;
			case "clipboard": this.clipboard.receive(message); break;
			case "dialog": this.dialogs.show(message); break;
			case "dialog_gone": this.dialogs.remove(message.dialog); break;
			case "notice": this.notices.receive(/** @type {any} */ (message)); break;
			case "text_focus": this.textFocus(message); break;
			case "context_menu":
				if (message.tab === this.tabs.activeId && !this.stage.isTaken) {
					this.contextMenu.show(message);
				}
				break;
			default: throw new Error(`the server sent ${message.type}`);
		}
	}

	/** When the active tab went and the server names no other, the last one becomes it. */
	selectSome() {
		const connection = this.connection;
		setTimeout(() => {
			const last = [...this.tabs.tabs.keys()].at(-1);
			if (connection === this.connection && !this.tabs.active && last !== undefined) {
				this.send("tab_select", { tab: last });
			}
		}, SELECT_SETTLE_MS);
	}

	/** @param {Record<string, any>} message tab */
	tabUpdated(message) {
		const isNew = !this.tabs.tabs.has(message.tab);
		this.tabs.update(message);
		if (isNew && this.newTabWanted) {
			this.newTabWanted = false;
			if (!(message.flags & ACTIVE)) {
				this.send("tab_select", { tab: message.tab });
			}
		}
	}

	/** @param {Record<string, any>} message */
	textFocus({ active, x, y, height }) {
		this.keyboard.place(x, y, height);
		this.keyboard.wantText(active !== 0);
		byId("keyboard-show").hidden = active === 0 || !matchMedia("(pointer: coarse)").matches;
	}

	/** @param {import("./tabs.js").Tab | null} active @param {boolean} switched */
	tabChanged(active, switched) {
		if (switched) {
			this.contextMenu.close(false);
		}
		if (active && this.pending) {
			const address = this.pending;
			this.pending = "";
			this.navigate(address);
		}
		if (active) {
			const there = !(active.flags & LOADING) && !isEmpty(active);
			if (there) {
				this.notices.arrived(active);
				this.wanted.delete(active.id);
			}
		}
		this.toolbar.update(active, switched, active !== null && this.notices.failures.has(active.id));
		this.notices.update();
		this.dialogs.update();
		this.updateOverlay();
		if (switched && isEmpty(active) && !byId("start").hidden) {
			this.startPage.focus();
		}
	}

	/** Shows what stands in the page's place: the start page, a failure, or nothing. */
	updateOverlay() {
		if (this.connection?.state === "ended") {
			return;
		}
		const tab = this.tabs.active;
		const failure = tab && this.notices.failure(tab.id);
		const crashed = tab !== null && (tab.flags & CRASHED) !== 0;
		if (tab && (failure || crashed)) {
			this.failureCard(tab, failure);
		} else if (this.stage.key) {
			this.stage.hide();
		}
		const start = byId("start");
		const wasStart = !start.hidden;
		start.hidden = !isEmpty(tab) || Boolean(failure) || crashed || this.stage.isTaken;
		this.startPage.busy(tab !== null && this.wanted.has(tab.id));
		if (wasStart && start.hidden && tab && document.activeElement === document.body) {
			this.focusPage();
		}
	}

	/**
	 * @param {import("./tabs.js").Tab} tab
	 * @param {{code: number, title: string, text: string} | null} failure
	 */
	failureCard(tab, failure) {
		const crashed = !failure || (tab.flags & CRASHED) !== 0;
		const title = failure?.title ?? "This page crashed";
		const text = failure?.text ?? "The page stopped working. Reload it to go on; other tabs are not affected.";
		const key = `${tab.id} ${title} ${text} ${tab.flags & CAN_GO_BACK}`;
		if (this.stage.key === key) {
			return;
		}
		/** @type {import("./cards.js").CardAction[]} */
		const actions = [{ label: crashed ? "Reload page" : "Try again", run: () => this.tryAgain(tab.id) }];
		if (tab.flags & CAN_GO_BACK) {
			actions.unshift({ label: "Go back", run: () => this.run("back") });
		}
		// Where trying again leads to the same refusal, going back is what to do.
		actions[failure && REFUSALS.has(failure.code) ? 0 : actions.length - 1].primary = true;
		this.stage.show(makeCard({ iconName: crashed ? "sad" : failure && REFUSALS.has(failure.code) ? "warning" : "cloud", title, text, actions }), key);
		announce(`${title}. ${text}`);
	}

	/** @param {number} tab */
	tryAgain(tab) {
		const address = this.notices.failures.get(tab)?.address;
		if (address && address !== this.tabs.active?.address) {
			this.navigate(address);
		} else {
			this.run("reload");
		}
	}

	/** Gives the keys to the page, or to what stands in its place. */
	focusPage() {
		if (!byId("start").hidden) {
			this.startPage.focus();
		} else {
			this.keyboard.focus(matchMedia("(pointer: coarse)").matches);
		}
	}

	/** @param {string} address */
	navigate(address) {
		const tab = this.tabs.active;
		if (!tab || this.connection?.state !== "open") {
			this.pending = address;
			return;
		}
		this.wanted.set(tab.id, address);
		this.notices.clear(tab.id);
		this.send("navigate", { tab: tab.id, address });
		this.updateOverlay();
	}

	/** @param {number} percent */
	zoom(percent) {
		const tab = this.tabs.active;
		if (tab) {
			tab.zoom = percent;
			this.send("zoom", { tab: tab.id, percent });
			announce(`Zoom ${percent} percent`);
		}
	}

	/** @param {KeyboardEvent} event @returns {boolean} whether it was one of the viewer's */
	shortcut(event) {
		const action = shortcutAction(event, this.keyboard.apple);
		if (action === "") {
			return false;
		}
		this.run(action);
		return true;
	}

	/** @param {string} action of a shortcut, a button or the menu */
	run(action) {
		const reload = (/** @type {number} */ bypass_cache) => this.withTab((tab) => {
			this.notices.clear(tab);
			this.updateOverlay();
			this.send("reload", { tab, bypass_cache });
		});
		const step = (/** @type {number} */ steps) => this.withTab((tab) => {
			this.notices.clear(tab);
			this.updateOverlay();
			this.send("history", { tab, steps });
		});
		const zoom = this.tabs.active?.zoom ?? 100;
		const select = (/** @type {number} */ steps) => {
			const tab = this.tabs.neighbour(steps);
			if (tab) {
				this.send("tab_select", { tab });
			}
		};
		/** @type {Record<string, () => void>} */
		const actions = {
			"address": () => byId("address").focus(),
			"toolbar": () => this.toggleToolbar(),
			"new-tab": () => {
				this.newTabWanted = true;
				this.send("tab_new", { address: "about:blank" });
			},
			"close-tab": () => this.withTab((tab) => this.send("tab_close", { tab })),
			"next-tab": () => select(1),
			"previous-tab": () => select(-1),
			"back": () => step(-1),
			"forward": () => step(1),
			"reload": () => reload(0),
			"reload-anew": () => reload(1),
			"stop": () => this.withTab((tab) => this.send("stop", { tab })),
			"find": () => this.find.open(),
			"zoom-in": () => this.zoom(nextZoom(zoom, 1)),
			"zoom-out": () => this.zoom(nextZoom(zoom, -1)),
			"zoom-reset": () => this.zoom(100),
			"menu": () => this.menu.toggle(),
			"statistics": () => this.showStatistics(),
			"end": () => this.confirmEnd(),
			"logout": () => this.logOut(),
		};
		actions[action]?.();
	}

	toggleToolbar() {
		if (byId("stage").contains(document.activeElement) || document.activeElement === document.body) {
			byId("address").focus();
		} else {
			this.focusPage();
		}
	}

	showStatistics() {
		this.stage.ask({
			iconName: "chart", title: "Connection statistics",
			more: [element("dl", { class: "statistics" }, ...statisticsRows(this.stats()))],
		});
	}

	confirmEnd() {
		this.stage.ask({
			iconName: "erase", title: "End session?",
			text: "All tabs are closed, and everything that this session holds is erased.",
		}, () => this.endSession());
	}

	async endSession() {
		const connection = this.connection;
		try {
			await api.endSession(this.sessionId);
			connection?.end(REASON_CLOSED);
		} catch {
			toast("The session could not be ended. Try again in a moment.");
		}
	}

	async logOut() {
		try {
			await api.logout();
		} catch (error) {
			if (!(error instanceof api.ApiError && error.status === 401)) {
				toast("The server could not be reached, so you are still logged in.");
				return;
			}
		}
		this.leave("");
	}

	/** Counters, for tests and the statistics card. */
	stats() {
		const { width = 0, height = 0 } = this.frames?.main() ?? {};
		return {
			frames: 0, rects: 0, copies: 0, bytes: 0, reconnects: 0, last_round_trip_ms: 0,
			...this.frames?.counters,
			...this.connection?.counters,
			surfaces: this.frames?.surfaces.size ?? 0,
			acks: this.acks,
			last_frame_sequence: this.lastSequence,
			last_input_serial: this.connection?.serial ?? 0,
			connected: this.connection?.state === "open",
			picture: `${width} × ${height}`,
		};
	}
}
