// The path of a user: pages, login, session, stream, end.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as wire from "./wire.mjs";
import { World } from "./world.mjs";

/** @type {World} */
let world;
before(async () => { world = await World.make(); });
after(async () => { await world.end(); });

test("the viewer is served from its table", async () => {
	const client = world.client();
	for (const path of ["/", "/open", "/open?url=https%3A%2F%2Fexample.com"]) {
		const page = await client.get(path);
		assert.equal(page.status, 200);
		assert.match(page.text, /viewer/);
		assert.match(page.headers["content-security-policy"], /default-src 'none'/);
	}
	const script = await client.get("/assets/app.js");
	assert.equal(script.headers["content-type"], "text/javascript; charset=utf-8");
	const again = await client.get("/assets/app.js", { headers: { "if-none-match": script.headers.etag } });
	assert.equal(again.status, 304);
	const big = await client.get("/assets/sub/big.wasm");
	assert.equal(big.text.length, 3_000_000);
	for (const path of ["/assets/secret.key", "/assets/link.txt", "/assets/../state/tls/key.pem",
		"/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/", "/nothing"]) {
		assert.equal((await client.get(path)).status, 404, path);
	}
});

test("a user logs in, opens a session and streams both ways", async () => {
	const client = world.client();
	assert.equal((await client.get("/api/v1/me")).status, 401);
	assert.equal((await client.login("admin", "wrong password")).status, 401);
	assert.equal((await client.login("nobody", "wrong password")).status, 401);
	const login = await client.login("admin", "correct horse");
	assert.equal(login.status, 200);
	assert.deepEqual(login.json, { user: { name: "admin", role: "admin" } });
	assert.match(login.headers["set-cookie"][0],
		/^__Host-safeweb=[0-9a-f]{64}; Path=\/; Secure; HttpOnly; SameSite=Strict/);
	const { socket, far, id } = await world.stream(client);
	assert.equal(socket.status, 101);
	assert.match(socket.head, /sec-websocket-protocol: safeweb\.v1/i);
	assert.doesNotMatch(socket.head, /permessage-deflate/i);
	socket.send(wire.hello());
	await world.node.until(() => far.input.length === 1, "hello");
	assert.deepEqual(far.input[0], wire.hello());
	far.send(wire.welcome());
	const big = wire.rect(Buffer.alloc(4 * 1024 * 1024, 7));
	far.send(big);
	far.send(wire.rect(Buffer.alloc(200, 1)));
	await socket.until(() => socket.messages.length === 3, "three messages");
	assert.deepEqual(socket.messages[0], wire.welcome());
	assert.ok(socket.messages[1].equals(big));
	const me = await client.get("/api/v1/me");
	assert.equal(me.json.session.id, id);
	world.node.tell(wire.sessionNotice(id, 1, "example.com"));
	await socket.until(() => socket.messages.length === 4, "the notice");
	assert.equal(socket.messages[3][0], wire.T.notice);
	assert.equal((await client.request("DELETE", `/api/v1/sessions/${id}`)).status, 204);
	assert.equal(await socket.closeCodeOf(), 4000);
	assert.deepEqual(socket.messages.at(-1), wire.bye(1));
	assert.equal((await client.get("/api/v1/me")).json.session, null);
});

test("short and long messages arrive whole and in order, however they are cut", async () => {
	const { socket, far } = await world.stream();
	const sizes = [];
	for (let i = 0; i < 1500; i++) {
		sizes.push([0, 1, 111, 112, 500, 16353, 16354, 40, 65530, 300000][Math.imul(i, 7919) % 10]);
	}
	const messages = sizes.map((size, i) => wire.rect(Buffer.alloc(size, i)));
	const bytes = Buffer.concat(messages.map((message) => wire.framed(message)));
	for (let at = 0, step = 1; at < bytes.length; at += step, step = step * 3 % 262139) {
		far.socket.write(bytes.subarray(at, at + step));
	}
	await socket.until(() => socket.messages.length === messages.length, "all messages", 60000);
	messages.forEach((message, i) => assert.ok(message.equals(socket.messages[i]), `message ${i}`));
	socket.close();
});
