// @ts-check
// decoder.wasm against protocol/vectors, which the C tests read too.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { createDecoder, DecodeError } from "../viewer/decoder.js";

const build = process.env.SAFEWEB_BUILD ?? "build";
const wasm = readFileSync(`${build}/web/viewer/decoder.wasm`);
const folder = new URL("../../protocol/vectors/", import.meta.url);

/** @param {string} name */
function readVector(name) {
	const bytes = readFileSync(new URL(name, folder));
	const length = bytes.readUInt32LE(5);
	return {
		codec: bytes.readUInt8(0),
		width: bytes.readUInt16LE(1),
		height: bytes.readUInt16LE(3),
		data: bytes.subarray(9, 9 + length),
		pixels: bytes.subarray(9 + length),
	};
}

/**
 * Premultiplied B G R A to R G B A, written from protocol/README.md.
 * @param {Uint8Array} bgra
 */
function toCanvas(bgra) {
	const rgba = new Uint8Array(bgra.length);
	for (let at = 0; at < bgra.length; at += 4) {
		const alpha = bgra[at + 3];
		for (let channel = 0; channel < 3 && alpha > 0; channel++) {
			const value = bgra[at + 2 - channel];
			rgba[at + channel] = Math.min(255, Math.floor((value * 255 + Math.floor(alpha / 2)) / alpha));
		}
		rgba[at + 3] = alpha;
	}
	return rgba;
}

const names = readdirSync(folder);
const good = names.filter((name) => name.startsWith("rect-"));
const bad = names.filter((name) => name.startsWith("bad-"));

test("there are vectors", () => {
	assert.ok(good.length >= 15 && bad.length >= 12);
});

for (const name of good) {
	test(`${name} decodes to its pixels`, async () => {
		const decoder = await createDecoder(wasm);
		const { codec, width, height, data, pixels } = readVector(name);
		assert.deepEqual(Buffer.from(decoder.decode(codec, data, width, height)),
			Buffer.from(toCanvas(pixels)));
	});
}

for (const name of bad) {
	test(`${name} is refused, and the decoder goes on`, async () => {
		const decoder = await createDecoder(wasm);
		const { codec, width, height, data } = readVector(name);
		assert.throws(() => decoder.decode(codec, data, width, height), DecodeError);
		const next = readVector("rect-predict.bin");
		const pixels = decoder.decode(next.codec, next.data, next.width, next.height);
		assert.deepEqual(Buffer.from(pixels), Buffer.from(toCanvas(next.pixels)));
	});
}

test("a rectangle lands in its place of a picture", async () => {
	const decoder = await createDecoder(wasm);
	const { codec, width, height, data, pixels } = readVector("rect-alpha-palette.bin");
	const picture = new Uint8ClampedArray((width + 5) * (height + 4) * 4).fill(7);
	decoder.decodeInto(codec, data, { x: 2, y: 3, width, height }, picture, width + 5);
	const wanted = toCanvas(pixels);
	for (let y = 0; y < height + 4; y++) {
		for (let x = 0; x < width + 5; x++) {
			const inside = x >= 2 && x < 2 + width && y >= 3 && y < 3 + height;
			const at = (y * (width + 5) + x) * 4;
			const from = ((y - 3) * width + x - 2) * 4;
			assert.equal(picture[at], inside ? wanted[from] : 7);
		}
	}
});

test("too much data is refused before it is copied", async () => {
	const decoder = await createDecoder(wasm);
	assert.throws(() => decoder.decode(2, new Uint8Array(4 * 1024 * 1024 + 1), 1, 1), DecodeError);
});
