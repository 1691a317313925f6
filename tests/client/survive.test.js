// @ts-check
// What a person sees when a program dies, and that nothing of it stays on the machine.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { SAFEWEB, Stack, traces, until } from "./support/stack.js";
import { Viewer } from "./support/viewer.js";

/** Children of a process, by name. @param {number} parent @param {string} name */
function children(parent, name) {
	return fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).map(Number).filter((pid) => {
		try {
			const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
			return stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")) === name &&
				Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent;
		} catch {
			return false;
		}
	});
}

describe("a program is killed", { timeout: 400_000 }, () => {
	/** @type {Stack} */ let stack;
	/** @type {import("playwright-core").BrowserContext} */ let browser;
	/** @type {import("playwright-core").Page} */ let page;
	/** @type {Viewer} */ let viewer;
	/** @type {import("playwright-core").BrowserContext[]} */ const others = [];

	before(async () => {
		stack = await Stack.start({ SAFEWEB_SESSIONS: "2" });
		browser = await stack.browser();
		page = browser.pages()[0] ?? await browser.newPage();
		viewer = new Viewer(page, stack.url);
		await viewer.logIn();
		await viewer.connected();
	}, { timeout: 240_000 });

	after(async () => {
		await Promise.all([browser, ...others].map((each) => each?.close()));
		await stack?.stop();
	});

	const supervisor = () => /** @type {number} */ (stack.up?.pid);
	const mine = async () => (await stack.status()).sessions.find((/** @type {any} */ session) => session.user === "admin");

	async function browse() {
		await viewer.open("https://news.example/");
		await viewer.title("The Lab Gazette");
	}

	/** The viewer says that the session is over; a new one begins at a click. */
	async function startAgain() {
		await page.getByRole("button", { name: "Start again" }).click({ timeout: 20_000 });
		await viewer.connected();
		await browse();
	}

	it("a second start says that it runs already", () => {
		const second = spawnSync(SAFEWEB, ["up"], { env: stack.env, encoding: "utf8" });
		assert.equal(second.status, 5);
		assert.match(second.stderr, /already running.*safeweb down/);
	});

	it("the gateway: the same session comes back", async () => {
		await browse();
		const { id } = await mine();
		process.kill(children(supervisor(), "safeweb-gateway")[0], "SIGKILL");
		await until(async () => (await viewer.stats()).reconnects > 0 && (await viewer.stats()).connected, "reconnection", 30_000);
		await viewer.title("The Lab Gazette");
		assert.equal((await mine()).id, id);
	});

	it("the egress proxy: pages open again", async () => {
		const node = children(supervisor(), "safeweb-node")[0];
		const [egress] = children(node, "safeweb-egress");
		process.kill(egress, "SIGKILL");
		await until(() => children(node, "safeweb-egress").length === 1, "new egress proxy");
		await until(async () => {
			await viewer.open("https://news.example/second.html");
			return viewer.title(/second/i, 2000).catch(() => "");
		}, "page after the proxy's death", 20_000);
	});

	for (const program of ["compositor", "encoder", "browser"]) {
		it(`the ${program}: the session ends, and another begins`, async () => {
			const session = await mine();
			process.kill(session.pids[program][0], "SIGKILL");
			await startAgain();
			assert.notEqual((await mine()).id, session.id);
		});
	}

	it("the node: its sessions end, and another begins", async () => {
		const session = await mine();
		process.kill(children(supervisor(), "safeweb-node")[0], "SIGKILL");
		await until(() => children(supervisor(), "safeweb-node").length === 1, "new node");
		await startAgain();
		assert.notEqual((await mine()).id, session.id);
	});

	it("a full node says so", async () => {
		const add = spawnSync(SAFEWEB, ["user", "add", "second"], { env: stack.env, input: "another password\n", encoding: "utf8" });
		assert.equal(add.status, 0, add.stderr);
		const third = spawnSync(SAFEWEB, ["user", "add", "third"], { env: stack.env, input: "another password\n", encoding: "utf8" });
		assert.equal(third.status, 0, third.stderr);
		for (const name of ["second", "third"]) {
			const other = await stack.browser();
			others.push(other);
			const hers = new Viewer(other.pages()[0] ?? await other.newPage(), stack.url);
			await hers.logIn("", name, "another password");
			if (name === "second") {
				await hers.connected();
				continue;
			}
			await hers.page.getByText(/full|in use|as many/i).first().waitFor({ timeout: 15_000 });
		}
	});

	it("the administrator ends a session", async () => {
		const { id } = await mine();
		await stack.safeweb("session", "kill", id);
		await page.getByRole("button", { name: "Start again" }).waitFor({ timeout: 10_000 });
	});

	it("the supervisor: everything goes within seconds", async () => {
		process.kill(supervisor(), "SIGKILL");
		await until(() => {
			const left = traces();
			return left.groups.length + left.processes.length + left.mounts.length === 0;
		}, "clean machine", 10_000).catch(() => assert.deepEqual(traces(), { groups: [], processes: [], mounts: [] }));
		assert.doesNotMatch(execFileSync("ps", ["-eo", "comm"], { encoding: "utf8" }), /^safeweb/m);
	});
});
