// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { Frames } from "../viewer/frames.js";
import { notchesOf, wheelPixels } from "../viewer/pointer.js";

const RED = [255, 0, 0, 255];
const BLUE = [0, 0, 255, 255];

/** A stream whose rectangles carry one colour, at once or (codec 3) when told. */
function rig() {
	/** @type {any} */
	const made = { shown: [], acks: [], removed: [], placed: 0, failures: [], jpegs: [] };
	/** @param {any} message */
	const fill = ({ width, height, data }) =>
		Uint8ClampedArray.from({ length: width * height * 4 }, (_, at) => data[at % 4]);
	made.frames = new Frames({
		present: (surface) => made.shown.push({ pixels: surface.pixels.slice(), dirty: [...surface.dirty] }),
		placed: () => made.placed++,
		removed: (id) => made.removed.push(id),
		cursor: () => {},
	}, {
		decode: fill,
		decodeLater: (message) => new Promise((resolve, reject) => {
			made.jpegs.push({ finish: () => resolve(fill(message)), fail: reject });
		}),
	}, { ack: (sequence) => made.acks.push(sequence), fail: (error) => made.failures.push(error) });
	made.send = (/** @type {string} */ type, /** @type {object} */ values) => made.frames.handle({ type, ...values });
	made.place = (/** @type {number} */ width, /** @type {number} */ height) => made.send("surface", {
		surface: 1, role: 0, parent: 0, x: 0, y: 0, width, height, view_width: width, view_height: height,
		order: 1, visible: 1,
	});
	made.rect = (/** @type {number[]} */ [x, y, width, height], /** @type {number[]} */ colour, codec = 1) =>
		made.send("rect", { surface: 1, x, y, width, height, codec, data: colour });
	return made;
}

/** @param {any} shown @param {number} width @param {number} x @param {number} y */
function pixel(shown, width, x, y) {
	return [...shown.pixels.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("rectangles show with their frame, and are acknowledged then", () => {
	const stream = rig();
	stream.place(4, 4);
	stream.rect([1, 1, 2, 2], RED);
	assert.deepEqual([stream.shown.length, stream.acks.length], [0, 0]);
	stream.send("frame", { sequence: 7, surface: 1 });
	assert.deepEqual(stream.acks, [7]);
	assert.deepEqual(pixel(stream.shown[0], 4, 1, 1), RED);
	assert.deepEqual(pixel(stream.shown[0], 4, 0, 0), [0, 0, 0, 0]);
	stream.rect([3, 3, 1, 1], BLUE);
	stream.send("frame", { sequence: 8, surface: 1 });
	assert.deepEqual(stream.shown[1].dirty, [{ x: 3, y: 3, width: 1, height: 1 }]);
	assert.deepEqual(stream.frames.counters, { frames: 2, rects: 2, copies: 0 });
});

for (const [name, from, to] of /** @type {[string, number[], number[]][]} */ ([
	["down", [0, 0, 4, 6], [0, 2]], ["up", [0, 2, 4, 6], [0, 0]],
	["right", [0, 0, 3, 8], [1, 0]], ["left", [1, 0, 3, 8], [0, 0]], ["across", [0, 0, 3, 7], [1, 1]],
])) {
	test(`pixels that overlap move ${name} unhurt`, () => {
		const stream = rig();
		stream.place(4, 8);
		for (let at = 0; at < 32; at++) {
			stream.rect([at % 4, at >> 2, 1, 1], [at, at * 3, 255 - at, 255]);
		}
		stream.send("frame", { sequence: 1, surface: 1 });
		const [x, y, width, height] = from;
		stream.send("copy", { surface: 1, x, y, width, height, to_x: to[0], to_y: to[1] });
		stream.send("frame", { sequence: 2, surface: 1 });
		const [before, after] = stream.shown;
		for (let row = 0; row < height; row++) {
			for (let column = 0; column < width; column++) {
				assert.deepEqual(pixel(after, 4, to[0] + column, to[1] + row), pixel(before, 4, x + column, y + row));
			}
		}
	});
}

test("what follows a JPEG waits for it, in order", async () => {
	const stream = rig();
	stream.place(4, 4);
	stream.rect([0, 0, 4, 4], RED, 3);
	stream.rect([0, 0, 2, 2], BLUE);
	stream.send("frame", { sequence: 1, surface: 1 });
	stream.rect([2, 2, 2, 2], BLUE, 3);
	stream.send("frame", { sequence: 2, surface: 1 });
	assert.equal(stream.jpegs.length, 2, "both decode at the same time");
	stream.jpegs[1].finish();
	await settled();
	assert.deepEqual(stream.acks, []);
	stream.jpegs[0].finish();
	await settled();
	assert.deepEqual(stream.acks, [1, 2]);
	assert.deepEqual(pixel(stream.shown[0], 4, 0, 0), BLUE);
	assert.deepEqual(pixel(stream.shown[0], 4, 3, 3), RED);
	assert.deepEqual(pixel(stream.shown[1], 4, 3, 3), BLUE);
});

test("a JPEG of a stream that is gone changes nothing", async () => {
	const stream = rig();
	stream.place(4, 4);
	stream.rect([0, 0, 4, 4], RED, 3);
	stream.frames.restart();
	stream.place(2, 2);
	stream.jpegs[0].finish();
	await settled();
	stream.send("frame", { sequence: 9, surface: 1 });
	assert.deepEqual(pixel(stream.shown[0], 2, 0, 0), [0, 0, 0, 0]);
	assert.deepEqual(stream.failures, []);
});

test("a JPEG that does not decode ends the stream", async () => {
	const stream = rig();
	stream.place(4, 4);
	stream.rect([0, 0, 4, 4], RED, 3);
	stream.jpegs[0].fail(new Error("no JPEG"));
	await settled();
	assert.equal(stream.failures.length, 1);
});

test("a new size begins transparent, a mere move keeps the pixels", () => {
	const stream = rig();
	stream.place(4, 4);
	stream.rect([0, 0, 4, 4], RED);
	stream.send("frame", { sequence: 1, surface: 1 });
	stream.place(4, 4);
	stream.send("frame", { sequence: 2, surface: 1 });
	assert.deepEqual(pixel(stream.shown[1], 4, 0, 0), RED);
	stream.place(5, 4);
	stream.send("frame", { sequence: 3, surface: 1 });
	assert.deepEqual(pixel(stream.shown[2], 5, 0, 0), [0, 0, 0, 0]);
});

test("what breaks the rules is refused", () => {
	const broken = /** @type {[string, object][]} */ ([
		["rect", { surface: 1, x: 3, y: 0, width: 2, height: 1, codec: 1, data: RED }],
		["rect", { surface: 1, x: 0, y: 0, width: 0, height: 1, codec: 1, data: RED }],
		["rect", { surface: 2, x: 0, y: 0, width: 1, height: 1, codec: 1, data: RED }],
		["copy", { surface: 1, x: 0, y: 0, width: 4, height: 4, to_x: 0, to_y: 1 }],
		["copy", { surface: 1, x: 0, y: 1, width: 4, height: 4, to_x: 0, to_y: 0 }],
		["tab", {}],
	]);
	for (const [type, values] of broken) {
		const stream = rig();
		stream.place(4, 4);
		assert.throws(() => stream.send(type, values), Error);
	}
	const stream = rig();
	assert.throws(() => stream.place(9000, 10));
	assert.throws(() => stream.place(8192, 8192));
});

test("surfaces have a limit and go when told", () => {
	const stream = rig();
	const surface = (/** @type {number} */ id) => stream.send("surface", {
		surface: id, role: 1, parent: 0, x: 0, y: 0, width: 1, height: 1, view_width: 1, view_height: 1,
		order: 1, visible: 1,
	});
	for (let id = 1; id <= 64; id++) {
		surface(id);
	}
	assert.throws(() => surface(65));
	stream.send("surface_gone", { surface: 64 });
	surface(65);
	stream.send("frame", { sequence: 3, surface: 64 });
	assert.deepEqual([stream.removed, stream.acks], [[64], [3]]);
});

test("wheels count alike, whatever the browser counts in", () => {
	assert.equal(wheelPixels(120, 0, 700), 120);
	assert.equal(wheelPixels(3, 1, 700), 100);
	assert.equal(wheelPixels(1, 2, 700), 700);
	assert.equal(notchesOf(-120), 120);
	assert.equal(notchesOf(240), -240);
	assert.equal(notchesOf(-9), 0);
	assert.equal(notchesOf(0), 0);
});
