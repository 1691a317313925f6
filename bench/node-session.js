// @ts-check
// A user without a screen: claims a session from the node and acknowledges every frame, as a viewer would.
import net from "node:net";
import path from "node:path";

// The built viewer's: there wire.js lies beside the messages that are made for it.
const BUILD = process.env.SAFEWEB_BUILD ?? "build";
const { encode } = await import(path.resolve(BUILD, "root/usr/local/share/safeweb/viewer/wire.js"));

const CLAIM = 0x81, ATTACH = 0x85, NODE_HELLO = 0x80;
const CLAIMED = 0x91, REFUSED = 0x92, FRAME = 0x06;

/** @param {string} value */
function text(value) {
	const bytes = Buffer.from(value);
	const head = Buffer.alloc(2);
	head.writeUInt16LE(bytes.length);
	return Buffer.concat([head, bytes]);
}

/** @param {number} value */
function u32(value) {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32LE(value);
	return bytes;
}

class Connection {
	/** @type {Buffer} */ #rest = Buffer.alloc(0);
	/** @type {(message: Buffer) => void} */ onmessage = () => undefined;

	/** @param {string} socket the node's */
	constructor(socket) {
		this.socket = net.createConnection(socket);
		this.socket.on("data", (bytes) => this.#take(bytes));
		this.send(Buffer.from([NODE_HELLO, 1, 0]));
	}

	/** @param {Uint8Array} message */
	send(message) {
		this.socket.write(Buffer.concat([u32(message.length), message]));
	}

	/** @param {Buffer} bytes */
	#take(bytes) {
		this.#rest = Buffer.concat([this.#rest, bytes]);
		while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt32LE()) {
			const end = 4 + this.#rest.readUInt32LE();
			const message = this.#rest.subarray(4, end);
			this.#rest = this.#rest.subarray(end);
			this.onmessage(message);
		}
	}
}

/** @param {string} socket of the node @returns {Promise<{session: string, token: string, connection: Connection}>} */
function claim(socket) {
	const connection = new Connection(socket);
	connection.send(Buffer.concat([Buffer.from([CLAIM]), u32(1)]));
	return new Promise((done, fail) => {
		connection.socket.on("error", fail);
		connection.onmessage = (message) => {
			if (message[0] === CLAIMED) {
				const len = message.readUInt16LE(5);
				const session = message.toString("utf8", 7, 7 + len);
				done({ session, token: message.toString("utf8", 9 + len), connection });
			} else if (message[0] === REFUSED) {
				fail(new Error(message.toString("utf8", 9)));
			}
		};
	});
}

/** Claims, attaches and opens an address. @param {string} socket @param {string} address */
export async function openSession(socket, address) {
	const { session, token, connection } = await claim(socket);
	const stream = new Connection(socket);
	stream.send(Buffer.concat([Buffer.from([ATTACH]), text(session), text(token)]));
	let tab = 0;
	stream.onmessage = (message) => {
		if (message[0] === FRAME) {
			stream.send(encode("ack", { sequence: message.readUInt32LE(1) }));
		} else if (message[0] === 0x98) {
			stream.send(encode("hello", { version: 1, width: 1280, height: 720, scale_120: 120 }));
		} else if (message[0] === 0x08 && !tab) {
			tab = message.readUInt32LE(1);
			stream.send(encode("navigate", { tab, address }));
		}
	};
	return { session, close: () => { stream.socket.destroy(); connection.socket.destroy(); } };
}
