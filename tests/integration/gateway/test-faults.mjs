// Node and gateway come and go, accounts are taken away, ports are taken.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import * as wire from "./wire.mjs";
import { PASSWORD, World } from "./world.mjs";

/** @type {World} */
let world;
before(async () => { world = await World.make(); });
after(async () => { await world.end(); });
const account = (...args) =>
	execFileSync(process.env.SAFEWEB_ACCOUNTS ?? "", [world.state, ...args]).toString();

test("a full node is said to be full", async () => {
	const user = await world.user();
	world.node.full = true;
	const answer = await user.post("/api/v1/sessions", {});
	world.node.full = false;
	assert.equal(answer.status, 503);
	assert.equal(answer.json.error.code, "full");
	assert.equal(answer.headers["retry-after"], "30");
});

test("a node that does not answer is given up, and its late answer given back", async () => {
	const user = await world.user();
	world.node.silent = true;
	const begin = Date.now();
	const answer = await user.post("/api/v1/sessions", {});
	world.node.silent = false;
	assert.equal(answer.json.error.code, "node_unreachable");
	assert.ok(Date.now() - begin >= 4900 && Date.now() - begin < 9000);
});

test("a node that is gone is said to be unreachable, and found again", async () => {
	const user = await world.user();
	const { socket, id } = await world.stream(user);
	await world.node.stop();
	assert.equal(await socket.closeCodeOf(), 4008);
	const answer = await user.post("/api/v1/sessions", {});
	assert.equal(answer.status, 503);
	assert.equal(answer.json.error.code, "node_unreachable");
	assert.ok(Number(answer.headers["retry-after"]) > 0);
	assert.equal((await world.client().get("/readyz")).status, 503);
	assert.equal((await world.client().get("/healthz")).status, 200);
	await world.node.start();
	await world.node.until(() => world.node.controls.size === 1, "the gateway");
	// The node still holds it: it is resumed.
	const again = await user.post("/api/v1/sessions", {});
	assert.equal(again.json.id, id);
	assert.equal(again.json.resumed, true);
	// A node that lost it: it is over.
	await world.node.stop();
	world.node.sessions.clear();
	await world.node.start();
	await world.node.until(() => world.node.controls.size === 1, "the gateway");
	const fresh = await user.post("/api/v1/sessions", {});
	assert.notEqual(fresh.json.id, id);
	assert.equal((await user.get(`/api/v1/sessions/${id}`)).json.reason, 7);
});

test("sessions and logins outlive the gateway", async () => {
	const user = await world.user();
	const { socket, id } = await world.stream(user);
	assert.equal(await world.stopGateway(), 0);
	assert.equal(await socket.closeCodeOf(), 1001);
	await world.startGateway();
	assert.doesNotMatch(world.stdout, /^login /m);
	assert.equal((await user.get("/api/v1/me")).json.session.id, id);
	const again = await world.stream(user);
	assert.equal(again.id, id);
	assert.equal(again.resumed, true);
	again.far.send(wire.welcome());
	await again.socket.until(() => again.socket.messages.length === 1, "the stream");
	again.socket.close();
});

test("a killed gateway leaves a whole store", async () => {
	const user = await world.user();
	const { id } = await world.stream(user);
	world.process.kill("SIGKILL");
	await world.exit;
	await world.startGateway();
	assert.equal((await user.post("/api/v1/sessions", {})).json.id, id);
});

test("a second window takes the first one's place", async () => {
	const user = await world.user();
	const first = await world.stream(user);
	const second = await world.stream(user);
	assert.equal(first.id, second.id);
	first.far.send(wire.bye(10));
	first.far.socket.end();
	assert.equal(await first.socket.closeCodeOf(), 4001);
	assert.equal(second.socket.closeCode, 0);
	second.socket.close();
});

test("what the node ends is over everywhere", async () => {
	const user = await world.user();
	const { socket, id } = await world.stream(user);
	world.node.end(id, 3);
	assert.equal(await socket.closeCodeOf(), 4000);
	assert.deepEqual(socket.messages.at(-1), wire.bye(3));
	assert.equal((await user.get("/api/v1/me")).json.session, null);
	// Without a bye of the encoder the gateway says it.
	const next = await world.stream(user);
	world.node.sessions.delete(next.id);
	world.node.tell(wire.ended(next.id, 5));
	assert.equal(await next.socket.closeCodeOf(), 4000);
	assert.deepEqual(next.socket.messages, [wire.bye(5)]);
});

test("an administrator ends another's session", async () => {
	account("add", "ann", "user", "password of ann");
	const ann = await world.user("ann", "password of ann");
	const admin = await world.user();
	const { socket, id } = await world.stream(ann);
	assert.equal((await admin.request("DELETE", `/api/v1/sessions/${id}`)).status, 204);
	assert.equal(await socket.closeCodeOf(), 4000);
	assert.equal(world.node.seen.at(-1), wire.T.kill);
	assert.equal((await ann.get(`/api/v1/sessions/${id}`)).json.reason, 2);
});

test("logging out closes the login's streams, and no other", async () => {
	const admin = await world.stream(await world.user());
	const ann = await world.stream(await world.user("ann", "password of ann"));
	assert.equal((await ann.user.post("/api/v1/logout")).status, 204);
	assert.equal(await ann.socket.closeCodeOf(), 4011);
	assert.equal(admin.socket.closeCode, 0);
	admin.socket.close();
});

for (const [how, ...args] of [["password", "password", "another password"], ["disable", "disable"],
	["remove", "remove"]]) {
	test(`a stream is cut within 5 s of: ${how}`, async () => {
		const name = `user-${how}`;
		account("add", name, "user", "password of it");
		const { socket, id, user } = await world.stream(await world.user(name, "password of it"));
		const begin = Date.now();
		account(args[0], name, ...args.slice(1));
		assert.equal((await user.get("/api/v1/me")).status, 401);
		assert.equal(await socket.closeCodeOf(), 4011);
		assert.ok(Date.now() - begin < 5000);
		if (how !== "password") {
			await world.node.until(() => !world.node.sessions.has(id), "the session's end");
		}
		assert.equal((await world.client().login(name, "password of it")).status, 401);
	});
}

test("a bomb of logins does not stall a stream", async () => {
	const { socket, far } = await world.stream(await world.user());
	far.send(wire.welcome());
	await socket.until(() => socket.messages.length === 1, "the stream");
	const bomb = Array.from({ length: 60 }, (_, i) => world.client().login(`nobody${i}`, "x".repeat(200)));
	const delays = [];
	for (let i = 0; i < 20; i++) {
		const begin = Date.now();
		const wanted = socket.messages.length + 1;
		far.send(wire.rect(Buffer.alloc(100)));
		await socket.until(() => socket.messages.length === wanted, "an echo");
		delays.push(Date.now() - begin);
	}
	const statuses = (await Promise.all(bomb)).map((answer) => answer.status);
	assert.ok(statuses.every((status) => [401, 429, 503].includes(status)), String(statuses));
	assert.ok(statuses.includes(503) || statuses.includes(429));
	delays.sort((a, b) => a - b);
	assert.ok(delays[10] < 250, `median ${delays[10]} ms`);
	socket.close();
});

test("every decision has an audit row", () => {
	const rows = account("audit").trim().split("\n").map((line) => line.split("|")[0]);
	for (const event of ["account_added", "login", "login_failed", "logout", "session_claimed",
		"session_attached", "session_ended", "session_killed", "refused"]) {
		assert.ok(rows.includes(event), event);
	}
});

test("a port that is taken is said so", async () => {
	const second = spawn(process.env.SAFEWEB_GATEWAY ?? "", ["--assets", world.assets, "--uid", "61001", "--gid", "61001"],
		{ env: { ...world.env, SAFEWEB_STATE: path.join(world.folder, "state2") } });
	let text = "";
	second.stderr.on("data", (bytes) => { text += bytes; });
	const code = await new Promise((resolve) => second.on("exit", resolve));
	assert.equal(code, 3);
	assert.match(text, new RegExp(`cannot listen on port ${world.port} of 127.0.0.1: Address already in use`));
});

test("arguments that are wrong are said so", () => {
	const run = (...args) => {
		try {
			execFileSync(process.env.SAFEWEB_GATEWAY ?? "", args, { env: world.env, stdio: "pipe" });
			return { status: 0, stderr: "" };
		} catch (error) {
			return { status: error.status, stderr: String(error.stderr) };
		}
	};
	assert.equal(run().status, 2);
	assert.equal(run("--assets", world.assets, "--uid", "0", "--gid", "0").status, 2);
	assert.equal(run("--assets", world.assets, "--uid", "61001").status, 2);
	assert.match(run("--assets", "/nowhere", "--uid", "61001", "--gid", "61001").stderr, /\/nowhere/);
	if (process.getuid?.() === 0) {
		assert.match(run("--assets", world.assets).stderr, /does not run as root/);
	}
});

test("the first start makes a random password and prints it once", async () => {
	const other = await World.make({ env: { SAFEWEB_ADMIN_PASSWORD: "" } });
	const [, password] = /^login admin ([a-z2-9]{24})$/m.exec(other.stdout) ?? [];
	assert.ok(password);
	assert.equal((await other.client().login("admin", PASSWORD)).status, 401);
	assert.equal((await other.client().login("admin", password)).status, 200);
	assert.ok(!other.stderr.includes(password));
	const status = fs.readFileSync(`/proc/${other.process.pid}/status`, "utf8");
	assert.match(status, /^NoNewPrivs:\t1$/m);
	assert.match(status, /^Seccomp:\t2$/m);
	if (process.getuid?.() === 0) {
		assert.match(status, /^Uid:\t61001\t61001\t61001\t61001$/m);
		assert.match(status, /^Groups:\t\s*$/m);
		assert.match(status, /^CapEff:\t0000000000000000$/m);
	}
	await other.end();
});

test("old TLS is refused", async () => {
	const tls = await import("node:tls");
	const connect = (maxVersion) => new Promise((resolve) => {
		const socket = tls.connect({ host: "127.0.0.1", port: world.port, rejectUnauthorized: false,
			minVersion: "TLSv1", maxVersion, ciphers: "DEFAULT:@SECLEVEL=0" }, () => {
			resolve(socket.getProtocol());
			socket.destroy();
		});
		socket.on("error", () => resolve(null));
	});
	assert.equal(await connect("TLSv1.1"), null);
	assert.equal(await connect("TLSv1.2"), "TLSv1.2");
	assert.equal(await connect("TLSv1.3"), "TLSv1.3");
});
