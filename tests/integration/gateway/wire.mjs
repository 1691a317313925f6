// The messages that a node and a client exchange with the gateway, written out by hand so that the
// test does not believe the code it tests. protocol/messages.txt.

export const T = {
	welcome: 0x01, rect: 0x04, frame: 0x06, notice: 0x0d, bye: 0x0f, hello: 0x40, pointer_motion: 0x44,
	node_hello: 0x80, claim: 0x81, release: 0x82, kill: 0x83, status: 0x84, attach: 0x85,
	node_welcome: 0x90, claimed: 0x91, refused: 0x92, ended: 0x93, session_status: 0x94, done: 0x96,
	session_notice: 0x97, attached_stream: 0x98,
};

const u8 = (n) => Buffer.from([n]);
const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16LE(n); return b; };
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };
const text = (s) => { const b = Buffer.from(s); return Buffer.concat([u16(b.length), b]); };
const message = (type, ...parts) => Buffer.concat([u8(type), ...parts]);

export const framed = (bytes) => Buffer.concat([u32(bytes.length), bytes]);

export const nodeWelcome = (version = 1) => message(T.node_welcome, u16(version), u32(4));
export const claimed = (request, session, token) =>
	message(T.claimed, u32(request), text(session), text(token));
export const refused = (request, reason, detail = "") =>
	message(T.refused, u32(request), u16(reason), text(detail));
export const ended = (session, reason) => message(T.ended, text(session), u16(reason));
export const sessionStatus = (request, session, state = 2) =>
	message(T.session_status, u32(request), text(session), u8(state), u64(0), u64(0));
export const done = (request) => message(T.done, u32(request));
export const sessionNotice = (session, code, detail) =>
	message(T.session_notice, text(session), u16(code), text(detail));
export const attachedStream = () => message(T.attached_stream);
export const welcome = () => message(T.welcome, u16(1), u32(0));
export const bye = (reason) => message(T.bye, u16(reason));
export const rect = (bytes) =>
	message(T.rect, u32(1), u16(0), u16(0), u16(1), u16(1), u8(0), bytes);
export const hello = () => message(T.hello, u16(1), u16(1280), u16(720), u16(120));
export const pointerMotion = (serial) => message(T.pointer_motion, u32(serial), u32(1), u32(0), u32(0));

/** Cuts a byte stream into messages. */
export class Cutter {
	#bytes = Buffer.alloc(0);

	/** @param {Buffer} more @param {(message: Buffer) => void} handle */
	add(more, handle) {
		this.#bytes = Buffer.concat([this.#bytes, more]);
		while (this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readUInt32LE(0)) {
			const end = 4 + this.#bytes.readUInt32LE(0);
			const whole = this.#bytes.subarray(4, end);
			this.#bytes = this.#bytes.subarray(end);
			handle(whole);
		}
	}
}

/** The session's id in a message whose fields begin with u32 and text. */
export const sessionAt = (message, offset) =>
	message.subarray(offset + 2, offset + 2 + message.readUInt16LE(offset)).toString();
