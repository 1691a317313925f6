// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { addressFromLocation, displayParts, hostName, parseAddress } from "../viewer/address.js";

const OPENED = [
	["example.com", "https://example.com/"],
	["  https://example.com/a?b=c#d ", "https://example.com/a?b=c#d"],
	["HTTP://EXAMPLE.COM/Path", "http://example.com/Path"],
	["example.com:8443/x", "https://example.com:8443/x"],
	["localhost:3000", "https://localhost:3000/"],
	["192.0.2.7/status", "https://192.0.2.7/status"],
	["[2001:db8::1]:8080", "https://[2001:db8::1]:8080/"],
	["//example.com/x", "https://example.com/x"],
	["<https://example.com/mail>", "https://example.com/mail"],
	["münchen.example", "https://xn--mnchen-3ya.example/"],
	["例え.テスト", "https://xn--r8jz45g.xn--zckzah/"],
	["hxxp://evil[.]example/a", "http://evil.example/a"],
	["hxxps://evil(.)example", "https://evil.example/"],
	["hXXps[:]//evil{.}example", "https://evil.example/"],
	["hxxp[://]evil[dot]example", "http://evil.example/"],
	["h**p://evil.example", "http://evil.example/"],
	["sub[.]evil[.]example/login", "https://sub.evil.example/login"],
	["example.com.", "https://example.com./"],
	["about:blank", "about:blank"],
];

for (const [typed, address] of OPENED) {
	test(`opens ${typed}`, () => {
		assert.deepEqual(parseAddress(typed), { address });
	});
}

const REFUSED = [
	"", "   ", "news", "how tall is a giraffe", "javascript:alert(1)", "file:///etc/passwd",
	"data:text/html,x", "chrome://settings", "ftp://example.com/", "about:config", "view-source:example.com",
	"https://", "http://user:secret@example.com/", "exa mple.com", "-.example", "https://exa mple.com/",
	`https://example.com/${"x".repeat(2100)}`, "mailto:a@b.example", "blob:https://example.com/1",
	"filesystem:https://example.com/", "user@example", "https://[::1", "..", "a..b",
];

for (const typed of REFUSED) {
	test(`refuses ${typed.slice(0, 40) || "nothing"}`, () => {
		const parsed = parseAddress(typed);
		assert.ok("problem" in parsed, JSON.stringify(parsed));
		assert.match(parsed.problem, /^[A-ZO].*\.$/);
	});
}

test("an address reads from the link, and the private form comes first", () => {
	assert.equal(addressFromLocation({ search: "?url=https%3A%2F%2Fa.example%2F", hash: "" }), "https://a.example/");
	const hidden = Buffer.from("https://b.example/ü?x=1").toString("base64url");
	assert.equal(addressFromLocation({ search: "?url=a", hash: `#u=${hidden}` }), "https://b.example/ü?x=1");
	assert.equal(addressFromLocation({ search: "", hash: "#top" }), null);
	assert.equal(addressFromLocation({ search: "", hash: "#u=%%%" }), null);
	assert.equal(addressFromLocation({ search: "", hash: `#u=${Buffer.from([0xff, 0xfe]).toString("base64url")}` }), null);
});

test("an address shows its host apart", () => {
	assert.deepEqual(displayParts("https://a.example/"), { before: "", host: "a.example", after: "" });
	assert.deepEqual(displayParts("http://a.example:81/b?c"), { before: "http://", host: "a.example:81", after: "/b?c" });
	assert.deepEqual(displayParts("about:blank"), { before: "", host: "", after: "about:blank" });
	assert.equal(hostName("https://A.example:8/"), "a.example");
	assert.equal(hostName("nothing"), "");
});
