// A node and a client that keep to no rule: each is refused, and the gateway lives on.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, afterEach, before, test } from "node:test";
import * as wire from "./wire.mjs";
import { World } from "./world.mjs";

/** @type {World} */
let world;
before(async () => { world = await World.make(); });
after(async () => { await world.end(); });
afterEach(async () => {
	assert.ok(world.alive(), world.stderr);
	assert.equal((await world.client().get("/healthz")).status, 200);
});

const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };

test("a display message that is none ends that stream only", async () => {
	const good = await world.stream();
	const cases = [
		u32(0), u32(0xffffffff), u32(5 * 1024 * 1024),
		wire.framed(Buffer.from([0xee])), wire.framed(wire.hello()), wire.framed(wire.nodeWelcome()),
		wire.framed(Buffer.from([wire.T.bye])), wire.framed(Buffer.concat([wire.bye(1), Buffer.from("x")])),
		wire.framed(Buffer.from([0x08, 0, 0, 0, 0, 0, 1, 0, 0xff, 0, 0])), // a title that is no UTF-8
		wire.framed(Buffer.from([0x08, 0, 0, 0, 0, 0, 0xff, 0xff])), // a title longer than all
		wire.framed(wire.rect(Buffer.alloc(4 * 1024 * 1024 + 1))),
	];
	for (const bytes of cases) {
		const { socket, far } = await world.stream();
		far.send(wire.welcome());
		far.socket.write(bytes);
		assert.equal(await socket.closeCodeOf(), 4010, bytes.subarray(0, 16).toString("hex"));
		assert.deepEqual(socket.messages, [wire.welcome()]);
		await world.node.until(() => far.socket.destroyed || far.socket.readableEnded, "the end");
	}
	good.far.send(wire.welcome());
	await good.socket.until(() => good.socket.messages.length === 1, "the other stream");
	good.socket.close();
});

test("random bytes as a display stream", async () => {
	for (let i = 0; i < 20; i++) {
		const { socket, far } = await world.stream();
		const noise = Buffer.alloc(2000);
		for (let at = 0; at < noise.length; at++) {
			noise[at] = (Math.imul(at * 20 + i + 1, 2654435761) >>> 13) & 255;
		}
		far.send(noise.subarray(0, 1 + i * 90));
		far.socket.end(noise);
		assert.ok([4010, 4008].includes(await socket.closeCodeOf()));
	}
});

test("a client's message that is none ends the stream", async () => {
	const cases = [
		[0x82, Buffer.alloc(0)], [0x82, Buffer.from([0xee])], [0x82, wire.welcome()],
		[0x82, Buffer.concat([wire.hello(), Buffer.from([0])])], [0x82, Buffer.alloc(9000)],
		[0x81, wire.hello()], [0x82, wire.pointerMotion(1)], // hello comes first
	];
	for (const [head, payload] of cases) {
		const { socket, far } = await world.stream();
		socket.frameOut(head, payload);
		assert.equal(await socket.closeCodeOf(), 4010, payload.subarray(0, 16).toString("hex"));
		assert.equal(far.input.length, 0);
	}
	const { socket } = await world.stream();
	socket.send(wire.hello());
	socket.send(wire.hello());
	assert.equal(await socket.closeCodeOf(), 4010);
});

test("frames that break RFC 6455 end the connection", async () => {
	const cases = [
		Buffer.from([0x82, 0x01, 0x00]), // not masked
		Buffer.from([0xf2, 0x80, 0, 0, 0, 0]), // reserved bits
		Buffer.from([0x83, 0x80, 0, 0, 0, 0]), // reserved opcode
		Buffer.from([0x80, 0x80, 0, 0, 0, 0]), // a continuation of nothing
		Buffer.from([0x09, 0x80, 0, 0, 0, 0]), // a control frame in parts
		Buffer.concat([Buffer.from([0x89, 0xfe, 0xff, 0xff]), Buffer.alloc(70000)]), // a long ping
		Buffer.concat([Buffer.from([0x82, 0xff]), Buffer.alloc(8, 0xff), Buffer.alloc(1000)]),
	];
	for (const bytes of cases) {
		const { socket } = await world.stream();
		socket.socket.write(bytes);
		await socket.until(() => socket.closed || socket.closeCode, bytes.subarray(0, 8).toString("hex"));
	}
});

test("a message in many frames is whole again", async () => {
	const { socket, far } = await world.stream();
	const hello = wire.hello();
	socket.frameOut(0x02, hello.subarray(0, 1));
	socket.frameOut(0x00, hello.subarray(1, 4));
	socket.frameOut(0x89, Buffer.from("ping"));
	socket.frameOut(0x80, hello.subarray(4));
	await world.node.until(() => far.input.length === 1, "hello");
	assert.deepEqual(far.input[0], hello);
	await socket.until(() => socket.controls.length === 1, "pong");
	assert.deepEqual(socket.controls[0], [10, Buffer.from("ping")]);
	socket.close();
});

test("an upgrade that is not ours is refused", async () => {
	const user = await world.user();
	const open = async (options) => {
		const { ticket } = await user.openSession();
		const socket = await user.socket(ticket, options);
		socket.close();
		return socket.status;
	};
	assert.equal(await open({ headers: { Origin: null } }), 403);
	assert.equal(await open({ headers: { Origin: "null" } }), 403);
	assert.equal(await open({ headers: { Origin: "https://evil.example" } }), 403);
	assert.equal(await open({ headers: { Host: "evil.example" } }), 403);
	assert.equal(await open({ headers: { "Sec-WebSocket-Protocol": null } }), 400);
	assert.equal(await open({ headers: { "Sec-WebSocket-Protocol": "http" } }), 400);
	assert.equal(await open({ headers: { "Sec-WebSocket-Protocol": "loop, safeweb.v1" } }), 400);
	assert.equal(await open({ headers: { Upgrade: "h2c" } }), 400);
	assert.equal(await open({ path: "/" }), 404);
	assert.equal(await open({ path: "/api/v1/me" }), 404);
});

test("a ticket is good once, for its login, for a live session", async () => {
	const user = await world.user();
	const other = await world.user();
	const codeOf = async (client, ticket, options) =>
		(await client.socket(ticket, options)).closeCodeOf();
	const { ticket, id } = await user.openSession();
	assert.equal(await codeOf(other, ticket), 4003);
	assert.equal(await codeOf(user, ticket), 4003); // used up by the wrong one
	const good = (await user.openSession()).ticket;
	const socket = await user.socket(good);
	socket.send(wire.hello());
	await world.node.until(() => world.node.streams.at(-1).input.length === 1, "the stream");
	assert.equal(await codeOf(user, good), 4003);
	assert.equal(await codeOf(user, "x"), 4003);
	assert.equal(await codeOf(user, "", { path: "/stream" }), 4003);
	const third = (await user.openSession()).ticket;
	assert.equal(await codeOf(user, third, { cookie: "" }), 4003);
	const last = (await user.openSession()).ticket;
	await user.request("DELETE", `/api/v1/sessions/${id}`);
	assert.equal(await codeOf(user, last), 4003);
});

test("a control connection that breaks the rules is dropped and made anew", async () => {
	const id = "0123456789abcdef0123456789abcdef";
	const cases = [
		u32(0), u32(0xffffffff), wire.framed(Buffer.from([0xee])), wire.framed(wire.bye(1)),
		wire.framed(wire.nodeWelcome()), wire.framed(wire.attachedStream()),
		wire.framed(wire.ended("short", 1)), wire.framed(wire.ended(id.toUpperCase(), 1)),
		wire.framed(wire.ended("../../../../../../../etc/passwd0", 1)),
		wire.framed(wire.claimed(1, "x", "y")), wire.framed(wire.hello()),
	];
	for (const bytes of cases) {
		const [control] = world.node.controls;
		control.write(bytes);
		await world.node.until(() => world.node.controls.size === 1 && !world.node.controls.has(control),
			`a new connection after ${bytes.subarray(0, 12).toString("hex")}`);
	}
	for (const harmless of [wire.ended(id, 65535), wire.refused(4711, 8), wire.done(4711),
		wire.sessionNotice(id, 65535, "\u202e<script>"), wire.sessionStatus(9, id)]) {
		world.node.tell(wire.framed(harmless).subarray(4));
	}
});

test("an answer for nobody gives the session back", async () => {
	const before = world.node.seen.filter((type) => type === wire.T.release).length;
	world.node.tell(wire.claimed(4711, "ffffffffffffffffffffffffffffffff", "token"));
	await world.node.until(() => world.node.seen.filter((type) => type === wire.T.release).length > before,
		"a release");
});

test("a node that names one session twice gives it to one user only", async () => {
	const user = await world.user();
	const first = (await user.post("/api/v1/sessions", {})).json.id;
	await user.request("DELETE", `/api/v1/sessions/${first}`);
	const claim = world.node.claim;
	world.node.claim = (request, send) => send(wire.claimed(request, first, "token"));
	const answer = await user.post("/api/v1/sessions", {});
	world.node.claim = claim;
	assert.equal(answer.status, 503);
	assert.equal((await user.post("/api/v1/sessions", {})).status, 201);
});

test("a flood of control messages does not hold up others", async () => {
	const [control] = world.node.controls;
	const flood = wire.framed(wire.sessionNotice("0123456789abcdef0123456789abcdef", 1, "x".repeat(500)));
	control.write(Buffer.concat(Array(4000).fill(flood)));
	const begin = Date.now();
	assert.equal((await world.client().get("/healthz")).status, 200);
	assert.ok(Date.now() - begin < 2000);
});

test("a client that reads nothing holds the node back, and costs no more than its cap", async () => {
	const { socket, far } = await world.stream();
	socket.socket.pause();
	const rss = () => Number(/VmRSS:\s+(\d+)/.exec(
		fs.readFileSync(`/proc/${world.process.pid}/status`, "utf8"))?.[1]) / 1024;
	const before = rss();
	let sent = 0;
	const chunk = wire.framed(wire.rect(Buffer.alloc(1024 * 1024)));
	let held = false;
	for (let i = 0; i < 200 && !held; i++) {
		sent += chunk.length;
		held = !far.socket.write(chunk) && await new Promise((resolve) => {
			const timer = setTimeout(() => resolve(true), 1000);
			far.socket.once("drain", () => { clearTimeout(timer); resolve(false); });
		});
	}
	assert.ok(held, "the node was never held back");
	assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes went in`);
	assert.ok(rss() - before < 32, `${rss() - before} MiB more`);
	socket.socket.resume();
	await socket.until(() => socket.messages.length * chunk.length >= sent - 2 * chunk.length, "the rest");
	socket.close();
});

test("a client that floods is slowed down, and nothing is lost", async () => {
	const { socket, far } = await world.stream();
	socket.send(wire.hello());
	const count = 6000;
	const begin = Date.now();
	for (let i = 1; i <= count; i++) {
		socket.send(wire.pointerMotion(i));
	}
	await world.node.until(() => far.input.length === count + 1, "all input", 20000);
	assert.ok(Date.now() - begin > 1200, "it was not slowed down");
	assert.deepEqual(far.input.at(-1), wire.pointerMotion(count));
	socket.close();
});

test("a node that takes no input holds the client back", async () => {
	const { socket, far } = await world.stream();
	socket.send(wire.hello());
	await world.node.until(() => far.input.length === 1, "hello");
	far.socket.pause();
	for (let i = 1; i <= 2500; i++) {
		socket.send(Buffer.concat([Buffer.from([0x49]), u32(i), Buffer.from([0xa0, 0x0f]), Buffer.alloc(4000, "x")]));
	}
	await new Promise((resolve) => setTimeout(resolve, 1000));
	assert.equal(socket.closeCode, 0);
	assert.ok(socket.socket.writableLength > 0, "the client was never held back");
	far.socket.resume();
	await world.node.until(() => far.input.length === 2501, "all input", 15000);
	socket.close();
});
