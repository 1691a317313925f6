// @ts-check
// Encodes and decodes the messages of protocol/messages.txt.
import { MESSAGES } from "./wire-messages.js";

export const VERSION = 1;

/** @type {Record<string, number>} */
const SIZES = { u8: 1, u16: 2, u32: 4, u64: 8, i16: 2, i32: 4 };
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** @type {Map<string, {type: number, fields: [string, string, number][]}>} */
const byName = new Map();
for (const [type, [name, , fields]] of Object.entries(MESSAGES)) {
	byName.set(name, { type: Number(type), fields: /** @type {any} */ (fields) });
}

/**
 * Cuts a string to at most `limit` bytes of UTF-8, between characters.
 * @param {string} text
 * @param {number} limit
 */
function textBytes(text, limit) {
	const bytes = encoder.encode(String(text).replaceAll("\0", ""));
	let end = Math.min(bytes.length, limit);
	while (end < bytes.length && end > 0 && (bytes[end] & 0xc0) === 0x80) {
		end--;
	}
	return bytes.subarray(0, end);
}

/**
 * @param {string} name a message of the group input
 * @param {Record<string, any>} [values] missing fields are 0 or ""
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encode(name, values = {}) {
	const message = byName.get(name);
	if (!message) {
		throw new Error(`there is no message ${name}`);
	}
	const texts = new Map();
	let size = 1;
	for (const [field, kind, limit] of message.fields) {
		if (kind === "text") {
			texts.set(field, textBytes(values[field] ?? "", limit));
			size += 2 + texts.get(field).length;
		} else {
			size += SIZES[kind];
		}
	}
	const bytes = new Uint8Array(size);
	const view = new DataView(bytes.buffer);
	view.setUint8(0, message.type);
	let at = 1;
	for (const [field, kind] of message.fields) {
		if (kind === "text") {
			view.setUint16(at, texts.get(field).length, true);
			bytes.set(texts.get(field), at + 2);
			at += 2 + texts.get(field).length;
			continue;
		}
		putNumber(view, at, kind, Number(values[field] ?? 0));
		at += SIZES[kind];
	}
	return bytes;
}

/** @param {DataView} view @param {number} at @param {string} kind @param {number} value */
function putNumber(view, at, kind, value) {
	switch (kind) {
		case "u8": view.setUint8(at, value); break;
		case "u16": view.setUint16(at, value, true); break;
		case "u32": view.setUint32(at, value, true); break;
		case "u64": view.setBigUint64(at, BigInt(Math.trunc(value)), true); break;
		case "i16": view.setInt16(at, value, true); break;
		default: view.setInt32(at, value, true);
	}
}

/** @param {DataView} view @param {number} at @param {string} kind */
function getNumber(view, at, kind) {
	switch (kind) {
		case "u8": return view.getUint8(at);
		case "u16": return view.getUint16(at, true);
		case "u32": return view.getUint32(at, true);
		case "u64": return Number(view.getBigUint64(at, true));
		case "i16": return view.getInt16(at, true);
		default: return view.getInt32(at, true);
	}
}

/**
 * @param {ArrayBuffer} buffer one whole message
 * @returns {Record<string, any>} its fields and `type`, its name; a blob is a view of the buffer
 * @throws when it is cut, has bytes left over, or is unknown
 */
export function decode(buffer) {
	const view = new DataView(buffer);
	const known = MESSAGES[view.getUint8(0)];
	if (!known) {
		throw new Error(`unknown message 0x${view.getUint8(0).toString(16)}`);
	}
	/** @type {Record<string, any>} */
	const message = { type: known[0] };
	let at = 1;
	for (const [field, kind, limit] of /** @type {[string, string, number][]} */ (known[2])) {
		if (kind === "blob") {
			message[field] = new Uint8Array(buffer, at);
			if (message[field].length > limit) {
				throw new Error(`${known[0]}.${field} is over its limit`);
			}
			at = buffer.byteLength;
		} else if (kind === "text") {
			const len = view.getUint16(at, true);
			if (len > limit) {
				throw new Error(`${known[0]}.${field} is over its limit`);
			}
			message[field] = decoder.decode(new Uint8Array(buffer, at + 2, len));
			if (message[field].includes("\0")) {
				throw new Error(`${known[0]}.${field} holds a NUL`);
			}
			at += 2 + len;
		} else {
			message[field] = getNumber(view, at, kind);
			at += SIZES[kind];
		}
	}
	if (at !== buffer.byteLength) {
		throw new Error(`${known[0]} has bytes left over`);
	}
	return message;
}
