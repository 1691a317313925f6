// @ts-check
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";

import { NOTICES, REASONS, durationText, noticeFor, reasonFor } from "../viewer/sentences.js";

const header = fs.readFileSync(new URL("../../src/wire/wire.h", import.meta.url), "utf8");

/** @param {string} prefix @returns {number[]} the values of an enum of wire.h */
function codes(prefix) {
	return [...header.matchAll(new RegExp(`${prefix}_[A-Z_]+ = (\\d+)`, "g"))].map((match) => Number(match[1]));
}

test("every reason and notice of wire.h has its sentence", () => {
	assert.ok(codes("WIRE_REASON").length >= 13);
	assert.ok(codes("WIRE_NOTICE").length >= 14);
	assert.deepEqual(codes("WIRE_REASON").filter((code) => !(code in REASONS)), []);
	assert.deepEqual(codes("WIRE_NOTICE").filter((code) => !(code in NOTICES)), []);
	for (const code of codes("WIRE_REASON")) {
		const { title, text, action } = reasonFor(code);
		assert.match(text, /\.$/);
		assert.ok(title && action);
	}
	for (const code of codes("WIRE_NOTICE")) {
		for (const detail of ["", "a.example"]) {
			assert.match(noticeFor(code, detail).text, /^[A-Z“a].*\.$/);
		}
	}
	assert.match(noticeFor(3, "10.0.0.7").text, /^10\.0\.0\.7 /);
	assert.match(noticeFor(9, "net::ERR_NAME_NOT_RESOLVED").text, /no site of this name/);
	assert.match(noticeFor(9, "net::ERR_STRANGE").text, /ERR_STRANGE/);
});

test("a code of a newer server is not lost", () => {
	assert.match(reasonFor(999).text, /over/);
	assert.match(noticeFor(999, "x").text, /999.*x/);
});

test("durations read well", () => {
	assert.equal(durationText(1), "1 second");
	assert.equal(durationText(59), "59 seconds");
	assert.equal(durationText(60), "1 minute");
	assert.equal(durationText(61), "2 minutes");
});
