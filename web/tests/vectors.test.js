// @ts-check
// protocol/vectors/, which tests/unit/test-vectors.c reads too.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** @param {string} name @returns {string[][]} its lines' words */
function vectors(name) {
	const lines = fs.readFileSync(path.join(root, "protocol/vectors", name), "utf8").trim().split("\n");
	return lines.filter((line) => !line.startsWith("#")).map((line) => line.split(" "));
}

// wire.js stands beside the list that generate-wire makes.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "safeweb-wire-"));
after(() => fs.rmSync(folder, { recursive: true }));
execFileSync("python3", [path.join(root, "tools/generate-wire"), path.join(root, "protocol/messages.txt"),
	"javascript", path.join(folder, "wire-messages.js")]);
fs.copyFileSync(path.join(root, "web/viewer/wire.js"), path.join(folder, "wire.js"));
fs.writeFileSync(path.join(folder, "package.json"), '{"type": "module"}');
const { decode, encode } = /** @type {typeof import("../viewer/wire.js")} */ (
	await import(pathToFileURL(path.join(folder, "wire.js")).href));
const { MESSAGES } = /** @type {typeof import("../viewer/wire-messages.js")} */ (
	await import(pathToFileURL(path.join(folder, "wire-messages.js")).href));

/** @param {string} hex @returns {ArrayBuffer} */
function buffer(hex) {
	return Uint8Array.from(Buffer.from(hex, "hex")).buffer;
}

test("messages read and write as the vectors have them", () => {
	const seen = new Set();
	for (const [kind, , hex, name, ...json] of vectors("messages.txt").filter(([first]) => first === "good")) {
		const fields = JSON.parse(json.join(" "));
		const message = decode(buffer(hex));
		assert.equal(kind, "good");
		assert.equal(message.type, name);
		seen.add(name);
		if (message.data) {
			message.data = Buffer.from(message.data).toString("hex");
		} else {
			assert.equal(Buffer.from(encode(name, fields)).toString("hex"), hex);
		}
		assert.deepEqual(message, { type: name, ...fields });
	}
	assert.deepEqual(Object.values(MESSAGES).map(([name]) => name).filter((name) => !seen.has(name)), []);
});

test("what is no message is refused", () => {
	const bad = vectors("messages.txt").filter(([kind]) => kind === "bad");
	assert.ok(bad.length > 10);
	for (const [, , hex] of bad) {
		assert.throws(() => decode(buffer(hex)), Error, hex);
	}
	assert.throws(() => decode(new ArrayBuffer(0)));
});

test("every cut of every message is refused", () => {
	for (const [, , hex, name] of vectors("messages.txt").filter(([kind]) => kind === "good")) {
		const length = name === "rect" ? 14 : hex.length / 2;
		for (let cut = 0; cut < length; cut++) {
			assert.throws(() => decode(buffer(hex.slice(0, cut * 2))), Error, `${name} cut at ${cut}`);
		}
	}
});

test("text over its limit is cut between characters", () => {
	const message = decode(/** @type {ArrayBuffer} */ (encode("find", { tab: 1, text: "€".repeat(100) }).buffer));
	assert.equal(message.text, "€".repeat(85));
});
