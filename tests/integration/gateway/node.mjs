// A small node: speaks the control protocol, and plays the display stream that a test gives it.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import * as wire from "./wire.mjs";

export class Node {
	/** @param {string} path of its socket */
	constructor(path) {
		this.path = path;
		this.sessions = new Map(); // id → token
		this.controls = new Set();
		this.streams = [];
		this.seen = []; // types of the control messages
		this.full = false;
		this.silent = false;
		/** @type {((stream: any, message: Buffer) => void)|null} */
		this.onInput = null;
		/** @type {((socket: net.Socket) => void)|null} */
		this.onConnection = null;
		this.waiters = [];
		this.sockets = new Set();
	}

	async start() {
		fs.rmSync(this.path, { force: true });
		this.server = net.createServer((socket) => this.accept(socket));
		await new Promise((resolve) => this.server.listen(this.path, () => resolve(null)));
		fs.chmodSync(this.path, 0o666);
	}

	async stop() {
		for (const socket of this.sockets) {
			socket.destroy();
		}
		this.controls.clear();
		await new Promise((resolve) => this.server.close(() => resolve(null)));
	}

	accept(socket) {
		this.sockets.add(socket);
		socket.on("error", () => {});
		socket.on("close", () => {
			this.sockets.delete(socket);
			this.controls.delete(socket);
			this.wake();
		});
		if (this.onConnection) {
			this.onConnection(socket);
			return;
		}
		const cutter = new wire.Cutter();
		const state = { socket, node: this, session: null, input: [], kind: "new" };
		socket.on("data", (bytes) => cutter.add(bytes, (message) => this.handle(state, message)));
	}

	handle(state, message) {
		const { socket } = state;
		const send = (bytes) => socket.write(wire.framed(bytes));
		if (state.kind === "stream") {
			state.input.push(Buffer.from(message));
			this.onInput?.(state, message);
			this.wake();
			return;
		}
		this.seen.push(message[0]);
		switch (message[0]) {
		case wire.T.node_hello:
			send(wire.nodeWelcome());
			break;
		case wire.T.status:
			this.controls.add(socket);
			for (const id of this.sessions.keys()) {
				send(wire.sessionStatus(message.readUInt32LE(1), id));
			}
			send(wire.done(message.readUInt32LE(1)));
			break;
		case wire.T.claim:
			this.claim(message.readUInt32LE(1), send);
			break;
		case wire.T.release:
		case wire.T.kill:
			this.sessions.delete(wire.sessionAt(message, 5));
			send(wire.done(message.readUInt32LE(1)));
			this.end(wire.sessionAt(message, 5), message[0] === wire.T.kill ? 2 : 1);
			break;
		case wire.T.attach:
			this.attach(state, message, send);
			break;
		default:
			throw new Error(`the gateway sent ${message[0]}`);
		}
		this.wake();
	}

	claim(request, send) {
		if (this.silent) {
			return;
		}
		if (this.full) {
			send(wire.refused(request, 8));
			return;
		}
		const id = randomBytes(16).toString("hex");
		const token = randomBytes(32).toString("hex");
		this.sessions.set(id, token);
		send(wire.claimed(request, id, token));
	}

	attach(state, message, send) {
		const id = wire.sessionAt(message, 1);
		const token = wire.sessionAt(message, 3 + id.length);
		if (this.sessions.get(id) !== token) {
			send(wire.refused(0, 11));
			state.socket.end();
			return;
		}
		state.kind = "stream";
		state.session = id;
		state.send = send;
		this.streams.push(state);
		send(wire.attachedStream());
	}

	/** The session is over: bye on its stream, ended on the control connections. */
	end(id, reason) {
		this.sessions.delete(id);
		for (const stream of this.streams.filter((s) => s.session === id)) {
			stream.send(wire.bye(reason));
			stream.socket.end();
		}
		this.tell(wire.ended(id, reason));
	}

	tell(message) {
		for (const control of this.controls) {
			control.write(wire.framed(message));
		}
	}

	wake() {
		for (const waiter of this.waiters.splice(0)) {
			waiter();
		}
	}

	/** Waits until the condition holds. */
	async until(condition, what, timeout = 5000) {
		const end = Date.now() + timeout;
		while (!condition()) {
			if (Date.now() > end) {
				throw new Error(`the node waited in vain for ${what}`);
			}
			await new Promise((resolve) => {
				const timer = setTimeout(resolve, 200);
				this.waiters.push(() => { clearTimeout(timer); resolve(null); });
			});
		}
	}
}
