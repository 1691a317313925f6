// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { contextItems, EDITABLE, LINK, menuPlace, SELECTION } from "../viewer/context-menu.js";

const can = { back: true, forward: false, reload: true };

/** @param {number} flags @param {string} [link] "action", "-action" when it is disabled, "|" between groups */
const offered = (flags, link = "") => contextItems(flags, link, can, false)
	.map((group) => group.map(({ action, disabled }) => (disabled ? "-" : "") + action).join(" ")).join(" | ");

const PAGE = "back -forward reload";

test("the context menu offers what fits the place", () => {
	assert.equal(offered(0), `select-all | ${PAGE}`);
	assert.equal(offered(SELECTION), `copy select-all | ${PAGE}`);
	assert.equal(offered(EDITABLE), `-cut -copy paste select-all | ${PAGE}`);
	assert.equal(offered(EDITABLE | SELECTION), `cut copy paste select-all | ${PAGE}`);
	assert.equal(offered(LINK | 8, "https://a.example/"), `open-link copy-link | select-all | ${PAGE}`);
});

test("a link that is no web address is not offered", () => {
	for (const link of ["", "javascript:alert(1)", "file:///etc/passwd", " https://a/", "about:blank"]) {
		assert.equal(offered(LINK, link), `select-all | ${PAGE}`);
	}
	assert.equal(offered(0, "https://a.example/"), `select-all | ${PAGE}`);
});

test("the context menu stays inside the page area", () => {
	const area = { left: 0, top: 100, right: 1000, bottom: 700 };
	const size = { width: 300, height: 200 };
	assert.deepEqual(menuPlace({ x: 50, y: 150 }, size, area), { x: 50, y: 150 });
	assert.deepEqual(menuPlace({ x: 990, y: 690 }, size, area), { x: 690, y: 490 });
	assert.deepEqual(menuPlace({ x: 0, y: 100 }, size, area), { x: 4, y: 104 });
	assert.deepEqual(menuPlace({ x: 150, y: 350 }, { width: 900, height: 590 }, area), { x: 96, y: 106 });
});
