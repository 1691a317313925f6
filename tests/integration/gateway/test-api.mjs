// Who may do what, and what is refused: routes × roles, origins, cookies, lengths, throttling.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { World } from "./world.mjs";

/** @type {World} */
let world;
/** @type {any} */
let admin, ann, bob;
let annSession = "";

/** `account NAME ROLE PASSWORD` through the store's own library. */
const account = (...args) => execFileSync(process.env.SAFEWEB_ACCOUNTS ?? "", [world.state, ...args]);

before(async () => {
	world = await World.make();
	account("add", "ann", "user", "password of ann");
	account("add", "bob", "user", "password of bob");
	admin = await world.user();
	ann = await world.user("ann", "password of ann");
	bob = await world.user("bob", "password of bob");
});
after(async () => { await world.end(); });

// Status by role: no login, another user, the owner, the administrator. A route that is not here fails.
const MATRIX = {
	"GET /": [200, 200, 200, 200],
	"GET /open": [200, 200, 200, 200],
	"GET /assets/*": [200, 200, 200, 200],
	"POST /api/v1/login": [400, 400, 400, 400],
	"POST /api/v1/logout": [401, 204, 204, 204],
	"GET /api/v1/me": [401, 200, 200, 200],
	"POST /api/v1/sessions": [401, 201, 201, 201],
	"GET /api/v1/sessions": [401, 200, 200, 200],
	"GET /api/v1/sessions/ID": [401, 404, 200, 200],
	"DELETE /api/v1/sessions/ID": [401, 404, 204, 204],
	"POST /api/v1/sessions/ID/ticket": [401, 404, 200, 404],
	"GET /api/v1/admin/sessions": [401, 403, 403, 200],
	"GET /stream": [426, 426, 426, 426],
	"GET /healthz": [200, 200, 200, 200],
	"GET /readyz": [200, 200, 200, 200],
	"GET /metrics": [200, 200, 200, 200],
};

const table = () => execFileSync(process.env.SAFEWEB_ROUTES ?? "").toString().trim().split("\n")
	.map((line) => { const [method, pattern, who] = line.split(" "); return { method, pattern, who }; });

test("every route has a row, every row a route", () => {
	assert.deepEqual(table().map((r) => `${r.method} ${r.pattern}`).sort(), Object.keys(MATRIX).sort());
});

const renewed = async (client, ...login) =>
	(await client.get("/api/v1/me")).status === 200 ? client : world.user(...login);

test("every route answers every role as declared", async () => {
	for (const { method, pattern, who } of table()) {
		const row = MATRIX[`${method} ${pattern}`];
		for (let role = 0; role < 4; role++) {
			// A live login and session for each cell: some end them.
			const owner = ann = await renewed(ann, "ann", "password of ann");
			bob = await renewed(bob, "bob", "password of bob");
			admin = await renewed(admin);
			const id = (await owner.post("/api/v1/sessions", {})).json.id;
			const client = [world.client(), bob, owner, admin][role];
			const target = pattern.replace("ID", id).replace("*", "app.js");
			const answer = await client.request(method, target);
			assert.equal(answer.status, row[role], `${method} ${pattern}, role ${role}`);
			assert.equal(answer.headers["cache-control"], answer.headers.etag ? "no-cache" : "no-store");
			if (["user", "admin"].includes(who)) {
				assert.equal(row[0], 401);
			}
			if (method !== "GET") {
				for (const origin of [null, "null", "https://evil.example", `http://localhost:${world.port}`,
					`https://localhost:${world.port}.evil.example`]) {
					const forged = await client.request(method, target, { headers: { origin } });
					assert.equal(forged.status, 403, `${method} ${pattern} from ${origin}`);
					assert.equal(forged.json.error.code, "bad_origin");
				}
			}
			for (const other of ["PUT", "PATCH", "OPTIONS", "DELETE", "POST", "GET", "HEAD"]) {
				if (!(`${other} ${pattern}` in MATRIX) && other !== method) {
					const wrong = await world.client().request(other, target);
					assert.equal(wrong.status, 405, `${other} ${pattern}`);
				}
			}
		}
	}
});

test("a list shows one's own sessions, and no token", async () => {
	annSession = (await ann.post("/api/v1/sessions", {})).json.id;
	await bob.post("/api/v1/sessions", {});
	const mine = await ann.get("/api/v1/sessions");
	assert.ok(mine.json.sessions.length > 0);
	assert.ok(mine.json.sessions.every((session) => session.user === "ann"));
	const all = await admin.get("/api/v1/admin/sessions");
	assert.ok(all.json.sessions.some((session) => session.user === "bob"));
	for (const token of world.node.sessions.values()) {
		assert.ok(!mine.text.includes(token) && !all.text.includes(token));
	}
	assert.equal((await bob.get(`/api/v1/sessions/${annSession}`)).json.error.code, "no_session");
});

test("two windows share a session, also when they open at once", async () => {
	await ann.request("DELETE", `/api/v1/sessions/${(await ann.post("/api/v1/sessions", {})).json.id}`);
	const both = await Promise.all([1, 2, 3].map(() => ann.post("/api/v1/sessions", {})));
	assert.ok(both.every((answer) => answer.status === 201));
	assert.equal(new Set(both.map((answer) => answer.json.id)).size, 1);
	const again = await ann.post("/api/v1/sessions", {});
	assert.equal(again.json.resumed, true);
	assert.equal(again.json.id, both[0].json.id);
	assert.ok(Math.abs(again.json.expires_at - Date.now() / 1000 - 43200) < 60);
});

test("bad bodies are refused", async () => {
	const login = (body, headers) => world.client().post("/api/v1/login", body, { headers });
	for (const body of ["", "{", "[]", "null", '{"username":"ann"}', '{"username":1,"password":"x"}',
		'{"username":"ann","password":"x","role":"admin"}', '{"username":"ann","username":"bob","password":"x"}',
		'{"username":"a\\u0000b","password":"x"}', "[".repeat(10000)]) {
		assert.equal((await login(body)).status, 400, body.slice(0, 40));
	}
	assert.equal((await login("{}", { "content-type": "text/plain" })).status, 415);
	assert.equal((await login(`{"username":"${"x".repeat(17000)}"`)).status, 413);
	assert.equal((await ann.post("/api/v1/sessions", { profile: "x" })).status, 400);
});

test("what a proxy might read differently is refused", async () => {
	const host = `Host: localhost:${world.port}\r\n`;
	const origin = `Origin: https://localhost:${world.port}\r\n`;
	const smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	const cases = [
		[`POST /api/v1/login HTTP/1.1\r\n${host}${origin}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, /^HTTP\/1\.1 400/],
		[`POST /api/v1/login HTTP/1.1\r\n${host}${origin}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, /^HTTP\/1\.1 400/],
		[`POST /api/v1/login HTTP/1.1\r\n${host}${origin}Content-Length: 5\r\nContent-Length: 0\r\n\r\n${smuggled}`, /^HTTP\/1\.1 400/],
		[`POST /api/v1/login HTTP/1.1\r\n${host}${origin}Content-Length: +5\r\n\r\n${smuggled}`, /^HTTP\/1\.1 400/],
		[`POST /api/v1/login HTTP/1.1\r\n${host}${origin}Content-Length: 0x5\r\n\r\n${smuggled}`, /^HTTP\/1\.1 400/],
		[`POST /api/v1/login HTTP/1.1\r\n${host}${origin}\r\n${smuggled}`, /^HTTP\/1\.1 411/],
		[`GET / HTTP/1.1\r\n${host}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`, /^HTTP\/1\.1 400/],
		[`GET / HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 400/],
		[`GET / HTTP/1.1\r\nHost: a b\r\n\r\n`, /^HTTP\/1\.1 400/],
		[`GET / HTTP/1.1\r\n${host}Host: evil.example\r\n\r\n`, /^HTTP\/1\.1 400/],
	];
	for (const [bytes, wanted] of cases) {
		const answer = await world.client().raw(bytes);
		assert.match(answer, wanted, bytes.slice(0, 160));
		assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, `one answer to ${bytes.slice(0, 160)}`);
	}
	for (const bytes of ["\r\n\r\n", "GET\r\n\r\n", "NONSENSE / HTTP/1.1\r\n\r\n", "GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n",
		`CONNECT localhost:22 HTTP/1.1\r\n${host}\r\nSSH-2.0-x\r\n`, "\0\0\0\0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		`GET / HTTP/1.1\r\n${host}X: ${"y".repeat(20000)}\r\n\r\n`, `GET /${"z".repeat(9000)} HTTP/1.1\r\n${host}\r\n`,
		`GET / HTTP/1.1\r\n${host}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`]) {
		const answer = await world.client().raw(bytes, { wait: 1500 });
		assert.doesNotMatch(answer, /^HTTP\/1\.[01] (101|200)/, bytes.slice(0, 60));
	}
	assert.ok(world.alive());
	assert.equal((await world.client().get("/healthz")).status, 200);
});

test("pipelined requests are answered one after the other or not at all", async () => {
	const one = `GET /healthz HTTP/1.1\r\nHost: localhost:${world.port}\r\n\r\n`;
	const answer = await world.client().raw(one.repeat(20), { wait: 2000 });
	assert.ok((answer.match(/HTTP\/1\.1 200/g)?.length ?? 0) >= 1);
	assert.doesNotMatch(answer, /HTTP\/1\.1 [45]/);
	const post = `POST /api/v1/sessions HTTP/1.1\r\nHost: localhost:${world.port}\r\nCookie: ${ann.cookie}\r\n`
		+ `Origin: ${ann.origin}\r\nContent-Length: 0\r\n\r\n`;
	await world.client().raw(post.repeat(10), { wait: 1500 });
	assert.ok(world.alive());
});

test("a login changes the cookie, and ends with it on the server", async () => {
	const client = await world.user("bob", "password of bob");
	const first = client.cookie;
	await client.login("bob", "password of bob");
	assert.notEqual(client.cookie, first);
	assert.equal((await client.get("/api/v1/me", { cookie: first })).status, 401);
	assert.equal((await client.get("/api/v1/me", { cookie: `${first}; ${client.cookie}` })).status, 401);
	assert.equal((await client.post("/api/v1/logout")).status, 204);
	assert.equal((await client.get("/api/v1/me")).status, 401);
});

test("guessing is slowed down, and says so", async () => {
	const client = world.client();
	let answer;
	for (let i = 0; i < 8; i++) {
		answer = await client.login("bob", `guess ${i}`);
	}
	assert.equal(answer.status, 429);
	assert.equal(answer.json.error.code, "too_many_attempts");
	assert.ok(Number(answer.headers["retry-after"]) >= 1);
	assert.match(answer.json.error.message, /wait \d+ second/);
	assert.equal((await client.login("bob", "password of bob")).status, 429);
});

test("nothing secret is written in clear", async () => {
	const store = path.join(world.state, "store");
	const bytes = Buffer.concat(fs.readdirSync(store).map((name) => fs.readFileSync(path.join(store, name))));
	for (const secret of ["password of ann", "correct horse", ann.cookie.split("=")[1]]) {
		assert.equal(bytes.includes(secret), false);
		assert.equal(world.stderr.includes(secret), false);
	}
	assert.equal(fs.statSync(path.join(world.state, "tls/key.pem")).mode & 0o777, 0o600);
	for (const id of world.node.sessions.keys()) {
		assert.equal(world.stderr.includes(id), false);
	}
});

test("metrics count", async () => {
	const text = (await world.client().get("/metrics")).text;
	assert.match(text, /safeweb_logins_total\{result="good"\} [1-9]/);
	assert.match(text, /safeweb_node_ready 1/);
});
