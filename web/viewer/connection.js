// @ts-check
// One session's display stream over a WebSocket, kept up: when it breaks, it is opened again with a new
// ticket, at growing distances, until the session is known to be over.
//
//   connecting ──▶ open ──▶ waiting (back-off) ──▶ connecting …
//        └───────────┴──────────▶ ended (reason)
//
// Nothing here runs on a clock while nothing happens: a ping follows input or pictures, and only an
// unanswered one has a time limit.

import * as api from "./api.js";
import { REASON_LOGGED_OUT, REASON_PROTOCOL, REASON_REPLACED, REASON_UNKNOWN_SESSION }
	from "./sentences.js";
import { VERSION, decode, encode } from "./wire.js";

const PROTOCOL = "safeweb.v1";
/** Waits between attempts; the last repeats. */
const BACK_OFF_MS = [250, 500, 1000, 2000, 4000, 8000, 15_000];
/** A stream that does not begin in this time is tried anew. */
const OPEN_TIMEOUT_MS = 10_000;
/** Input that is not answered in this time means that the connection is dead. */
const PONG_TIMEOUT_MS = 10_000;
/** At most one ping in this time. */
const PING_DISTANCE_MS = 5000;

const CLOSE_ENDED = 4000;
const CLOSE_REPLACED = 4001;
const CLOSE_PROTOCOL = 4010;
const CLOSE_LOGGED_OUT = 4011;

/** Close codes after which trying again is of no use, and what they mean. */
const FINAL_CLOSES = new Map([
	[CLOSE_ENDED, REASON_UNKNOWN_SESSION], [CLOSE_REPLACED, REASON_REPLACED],
	[CLOSE_PROTOCOL, REASON_PROTOCOL], [CLOSE_LOGGED_OUT, REASON_LOGGED_OUT],
]);

/** @typedef {"connecting" | "open" | "waiting" | "ended"} State */

export class Connection {
	/**
	 * @param {string} session
	 * @param {object} owner
	 * @param {() => {width: number, height: number, scale_120: number}} owner.size of the page area
	 * @param {(message: Record<string, any>) => void} owner.message
	 * @param {(state: State, reason: number) => void} owner.state
	 */
	constructor(session, owner) {
		this.session = session;
		this.owner = owner;
		/** @type {State} */
		this.state = "waiting";
		/** @type {WebSocket | null} */
		this.socket = null;
		this.attempts = 0;
		/** Serial of the last input; it goes on growing over reconnections. */
		this.serial = 0;
		this.counters = { bytes: 0, reconnects: 0, last_round_trip_ms: 0 };
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.timer = undefined;
		this.pingSentAt = 0;
		this.lastPingAt = -Infinity;
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		this.pongTimer = undefined;
		this.retryNow = () => this.retry();
		window.addEventListener("online", this.retryNow);
	}

	/** @param {State} state @param {number} [reason] */
	become(state, reason = 0) {
		if (this.state !== "ended" && this.state !== state) {
			this.state = state;
			this.owner.state(state, reason);
		}
	}

	/** Opens the stream, with a new ticket. */
	async open() {
		if (this.state !== "waiting") {
			return;
		}
		clearTimeout(this.timer);
		this.become("connecting");
		try {
			this.dial(await api.ticket(this.session));
		} catch (error) {
			this.ticketFailed(error);
		}
	}

	/** @param {unknown} error */
	ticketFailed(error) {
		const status = error instanceof api.ApiError ? error.status : 0;
		if (status === 401) {
			this.end(REASON_LOGGED_OUT);
		} else if (status === 403 || status === 404 || status === 410) {
			this.end(REASON_UNKNOWN_SESSION);
		} else {
			this.wait(error instanceof api.ApiError ? error.retryAfterS * 1000 : 0);
		}
	}

	/** @param {string} ticket */
	dial(ticket) {
		if (this.state !== "connecting") {
			return;
		}
		const url = new URL("stream", document.baseURI);
		url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
		url.search = `?ticket=${encodeURIComponent(ticket)}`;
		const socket = new WebSocket(url, PROTOCOL);
		socket.binaryType = "arraybuffer";
		this.socket = socket;
		this.timer = setTimeout(() => this.lost(socket, 0), OPEN_TIMEOUT_MS);
		socket.onopen = () => this.send("hello", { version: VERSION, ...this.owner.size() });
		socket.onmessage = (event) => this.receive(socket, event.data);
		socket.onclose = (event) => this.lost(socket, event.code);
	}

	/** @param {WebSocket} socket @param {unknown} data */
	receive(socket, data) {
		if (socket !== this.socket) {
			return;
		}
		try {
			if (!(data instanceof ArrayBuffer)) {
				throw new Error("a message is not binary");
			}
			this.counters.bytes += data.byteLength;
			this.take(decode(data));
		} catch (error) {
			this.fail(error);
		}
	}

	/** @param {Record<string, any>} message */
	take(message) {
		if (message.type === "bye") {
			this.end(message.reason);
		} else if (message.type === "pong") {
			this.pong(message);
		} else {
			if (message.type === "welcome") {
				clearTimeout(this.timer);
				this.attempts = 0;
				this.become("open");
			}
			this.owner.message(message);
		}
	}

	/** The stream broke its rules: it is not used any more. @param {unknown} error */
	fail(error) {
		this.failure = error;
		this.end(REASON_PROTOCOL);
	}

	/** @param {WebSocket} socket @param {number} code */
	lost(socket, code) {
		if (socket !== this.socket) {
			return;
		}
		this.drop();
		const reason = FINAL_CLOSES.get(code);
		if (reason !== undefined) {
			this.end(reason);
		} else {
			this.wait(0);
		}
	}

	/** @param {number} leastMs */
	wait(leastMs) {
		if (this.state === "ended") {
			return;
		}
		const step = BACK_OFF_MS[Math.min(this.attempts, BACK_OFF_MS.length - 1)];
		this.attempts++;
		this.counters.reconnects++;
		this.become("waiting");
		// Spread out, so that a server that comes back is not met by all at once.
		const delay = Math.max(leastMs, step * (0.5 + Math.random()));
		this.timer = setTimeout(() => this.open(), delay);
	}

	/** Tries at once, if it was waiting. */
	retry() {
		this.open();
	}

	/** Lets go of the socket without a word. */
	drop() {
		clearTimeout(this.timer);
		clearTimeout(this.pongTimer);
		this.pingSentAt = 0;
		if (this.socket) {
			const socket = this.socket;
			this.socket = null;
			socket.onopen = socket.onmessage = socket.onclose = null;
			socket.close();
		}
	}

	/** @param {number} reason */
	end(reason) {
		this.drop();
		window.removeEventListener("online", this.retryNow);
		this.become("ended", reason);
	}

	/** @param {string} name @param {Record<string, any>} [values] */
	send(name, values) {
		if (this.socket?.readyState === 1) {
			this.socket.send(encode(name, values));
		}
	}

	/**
	 * Sends input, with the next serial.
	 * @param {string} name
	 * @param {Record<string, any>} [values]
	 */
	input(name, values) {
		if (this.state !== "open") {
			return;
		}
		this.serial++;
		this.send(name, { serial: this.serial, ...values });
		this.ping();
	}

	/** Measures the way there and back, when the last measurement is old. */
	ping() {
		const now = performance.now();
		if (this.pingSentAt === 0 && now - this.lastPingAt > PING_DISTANCE_MS && !document.hidden) {
			this.pingSentAt = now;
			this.lastPingAt = now;
			this.send("ping", { stamp: Math.round(now * 1000) });
			const socket = this.socket;
			this.pongTimer = setTimeout(() => socket && this.lost(socket, 0), PONG_TIMEOUT_MS);
		}
	}

	/** @param {Record<string, any>} message */
	pong(message) {
		clearTimeout(this.pongTimer);
		this.pingSentAt = 0;
		this.counters.last_round_trip_ms =
			Math.max(0, Math.round(performance.now() * 10 - message.stamp / 100) / 10);
	}
}
