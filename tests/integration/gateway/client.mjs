// HTTP and WebSocket clients that can also say what no browser would.
import { randomBytes } from "node:crypto";
import https from "node:https";
import tls from "node:tls";

/** @param {number} port */
export function makeClient(port) {
	const origin = `https://localhost:${port}`;
	const client = {
		port, origin, cookie: "",

		/** @returns {Promise<{status: number, headers: any, text: string, json: any}>} */
		request(method, path, { body, headers = {}, cookie = client.cookie } = {}) {
			const all = { host: `localhost:${port}`, ...headers };
			if (method !== "GET" && !("origin" in headers)) {
				all.origin = origin;
			}
			if (cookie) {
				all.cookie = cookie;
			}
			const bytes = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
			if (method === "POST") {
				all["content-length"] ??= Buffer.byteLength(bytes);
				if (bytes) {
					all["content-type"] ??= "application/json";
				}
			}
			for (const name of Object.keys(all)) {
				if (all[name] === null) {
					delete all[name];
				}
			}
			return new Promise((resolve, reject) => {
				const request = https.request({ host: "127.0.0.1", port, path, method, headers: all,
					rejectUnauthorized: false, agent: false, servername: "localhost" }, (response) => {
					const parts = [];
					response.on("data", (part) => parts.push(part));
					response.on("error", reject);
					response.on("end", () => {
						const text = Buffer.concat(parts).toString();
						let json = null;
						try {
							json = JSON.parse(text);
						} catch {
							// not every answer is JSON
						}
						resolve({ status: response.statusCode, headers: response.headers, text, json });
					});
				});
				request.on("error", reject);
				request.end(bytes);
			});
		},

		get: (path, options) => client.request("GET", path, options),
		post: (path, body, options) => client.request("POST", path, { body, ...options }),

		async login(username, password) {
			const answer = await client.post("/api/v1/login", { username, password });
			if (answer.status === 200) {
				client.cookie = answer.headers["set-cookie"][0].split(";")[0];
			}
			return answer;
		},

		async openSession() {
			const session = await client.post("/api/v1/sessions", {});
			const ticket = await client.post(`/api/v1/sessions/${session.json.id}/ticket`);
			return { id: session.json.id, ticket: ticket.json.ticket, resumed: session.json.resumed };
		},

		socket: (ticket, options) => WebSocket.open(client, ticket, options),
		raw: (bytes, options) => raw(port, bytes, options),
	};
	return client;
}

export function connect(port) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false,
			servername: "localhost", ALPNProtocols: ["http/1.1"] }, () => resolve(socket));
		socket.on("error", reject);
	});
}

/** Sends bytes as they are and returns all that comes until the gateway closes or `wait` ms pass. */
export async function raw(port, bytes, { wait = 3000 } = {}) {
	const socket = await connect(port);
	const parts = [];
	socket.on("data", (part) => parts.push(part));
	socket.on("error", () => {});
	socket.write(bytes);
	await new Promise((resolve) => {
		const timer = setTimeout(resolve, wait);
		socket.on("close", () => { clearTimeout(timer); resolve(null); });
	});
	socket.destroy();
	return Buffer.concat(parts).toString("latin1");
}

/** A WebSocket by hand. */
export class WebSocket {
	static async open(client, ticket, { headers = {}, path, cookie = client.cookie } = {}) {
		const socket = await connect(client.port);
		const all = { Host: `localhost:${client.port}`, Upgrade: "websocket", Connection: "Upgrade",
			"Sec-WebSocket-Key": randomBytes(16).toString("base64"), "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Protocol": "safeweb.v1", Origin: client.origin, Cookie: cookie, ...headers };
		const lines = Object.entries(all).filter(([, value]) => value !== null && value !== "")
			.map(([name, value]) => `${name}: ${value}\r\n`);
		socket.write(`GET ${path ?? `/stream?ticket=${ticket}`} HTTP/1.1\r\n${lines.join("")}\r\n`);
		return new WebSocket(socket).ready();
	}

	constructor(socket) {
		this.socket = socket;
		this.status = 0;
		this.messages = [];
		this.controls = [];
		this.closeCode = 0;
		this.closed = false;
		this.bytes = Buffer.alloc(0);
		this.parts = [];
		this.waiters = [];
		socket.on("data", (more) => {
			this.bytes = Buffer.concat([this.bytes, more]);
			this.parse();
			this.wake();
		});
		socket.on("close", () => { this.closed = true; this.wake(); });
		socket.on("error", () => {});
	}

	async ready() {
		await this.until(() => this.status || this.closed, "an answer to the upgrade");
		return this;
	}

	wake() {
		for (const waiter of this.waiters.splice(0)) {
			waiter();
		}
	}

	parse() {
		if (!this.status) {
			const end = this.bytes.indexOf("\r\n\r\n");
			if (end < 0) {
				return;
			}
			this.head = this.bytes.subarray(0, end).toString();
			this.status = Number(this.head.split(" ")[1]);
			this.bytes = this.bytes.subarray(end + 4);
		}
		while (this.status === 101 && this.frame()) {
		}
	}

	frame() {
		const b = this.bytes;
		if (b.length < 2) {
			return false;
		}
		let len = b[1] & 0x7f;
		let at = 2;
		if (len === 126) {
			if (b.length < 4) {
				return false;
			}
			len = b.readUInt16BE(2);
			at = 4;
		} else if (len === 127) {
			if (b.length < 10) {
				return false;
			}
			len = Number(b.readBigUInt64BE(2));
			at = 10;
		}
		if (b.length < at + len) {
			return false;
		}
		this.take(b[0], b.subarray(at, at + len));
		this.bytes = b.subarray(at + len);
		return true;
	}

	take(head, payload) {
		const opcode = head & 15;
		if (opcode === 8) {
			this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
			return;
		}
		if (opcode > 8) {
			this.controls.push([opcode, Buffer.from(payload)]);
			return;
		}
		this.parts.push(Buffer.from(payload));
		if (head & 0x80) {
			this.messages.push(Buffer.concat(this.parts));
			this.parts = [];
		}
	}

	/** Sends a frame; masked as a client's has to be. */
	frameOut(head, payload) {
		const mask = randomBytes(4);
		const len = payload.length;
		const size = len < 126 ? Buffer.from([0x80 | len])
			: len < 65536 ? Buffer.from([0x80 | 126, len >> 8, len & 255])
				: Buffer.concat([Buffer.from([0x80 | 127]), (() => {
					const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(len)); return b;
				})()]);
		const body = Buffer.from(payload);
		for (let i = 0; i < body.length; i++) {
			body[i] ^= mask[i & 3];
		}
		this.socket.write(Buffer.concat([Buffer.from([head]), size, mask, body]));
	}

	send(payload) {
		this.frameOut(0x82, payload);
	}

	close() {
		this.socket.destroy();
	}

	async until(condition, what, timeout = 8000) {
		const end = Date.now() + timeout;
		while (!condition()) {
			if (Date.now() > end) {
				throw new Error(`the client waited in vain for ${what}`);
			}
			await new Promise((resolve) => {
				const timer = setTimeout(resolve, 200);
				this.waiters.push(() => { clearTimeout(timer); resolve(null); });
			});
		}
	}

	/** Waits for the close frame and returns its code. */
	async closeCodeOf() {
		await this.until(() => this.closeCode || this.closed, "the close frame");
		return this.closeCode;
	}
}
