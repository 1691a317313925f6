// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { cursorName } from "../viewer/cursors.js";

test("shapes have the names of wp_cursor_shape_device_v1", () => {
	const known = { 0: "none", 1: "default", 4: "pointer", 9: "text", 13: "move", 15: "not-allowed",
		17: "grabbing", 18: "e-resize", 25: "w-resize", 26: "ew-resize", 29: "nwse-resize",
		30: "col-resize", 32: "all-scroll", 33: "zoom-in", 34: "zoom-out" };
	for (const [shape, name] of Object.entries(known)) {
		assert.equal(cursorName(Number(shape)), name);
	}
	assert.equal(cursorName(200), "default");
});
