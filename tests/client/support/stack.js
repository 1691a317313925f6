// @ts-check
// The whole of Safeweb in the lab, and a real browser in front of it.
import { execFile, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const BUILD = process.env.SAFEWEB_BUILD ?? path.join(ROOT, "build");
export const SAFEWEB = path.join(BUILD, "root/usr/local/bin/safeweb");
const LAB = path.join(ROOT, "tests/lab/lab");
const CLIENT_UID = 61010;
const START_TIMEOUT_MS = 60_000;

export const PASSWORD = "correct horse battery";

/** Waits until check() is truthy and returns it. @template T @param {() => T | Promise<T>} check */
export async function until(check, what = "the condition", timeoutMs = 10_000) {
	const end = Date.now() + timeoutMs;
	for (;;) {
		const value = await check();
		if (value) {
			return value;
		}
		if (Date.now() > end) {
			throw new Error(`no ${what} within ${timeoutMs} ms`);
		}
		await new Promise((done) => setTimeout(done, 50));
	}
}

/** A folder of the state with an image that is already built. */
function imageState() {
	const state = process.env.SAFEWEB_TEST_STATE ?? "/var/tmp/safeweb-test";
	execFileSync(SAFEWEB, ["image", "build", `--state=${state}`], { stdio: ["ignore", "inherit", "inherit"] });
	return state;
}

/** What Safeweb could leave behind on the machine. */
export function traces() {
	const groups = [];
	for (const folder of fs.readdirSync("/sys/fs/cgroup")) {
		const top = path.join("/sys/fs/cgroup", folder, "safeweb");
		if (fs.existsSync(top)) {
			groups.push(...fs.readdirSync(top, { withFileTypes: true })
				.filter((entry) => entry.isDirectory()).map((entry) => path.join(top, entry.name)));
		}
	}
	const processes = [];
	for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
		try {
			const uid = Number(fs.readFileSync(`/proc/${pid}/status`, "utf8").match(/^Uid:\s+(\d+)/m)?.[1]);
			const name = fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim();
			if (uid >= 1_000_000 || name.startsWith("safeweb-")) {
				processes.push(`${pid} ${name} ${uid}`);
			}
		} catch {
			// It ended meanwhile.
		}
	}
	const mounts = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter((line) => line.includes("safeweb"));
	return { groups, processes, mounts };
}

export class Stack {
	/** @type {Record<string, string>} */ env = {};
	/** @type {import("node:child_process").ChildProcess | undefined} */ up;
	/** @type {string[]} */ #folders = [];
	output = "";
	url = "";

	/** @param {Record<string, string>} [settings] */
	static async start(settings = {}) {
		const stack = new Stack();
		try {
			await stack.#startLab();
			await stack.startSafeweb(settings);
		} catch (error) {
			await stack.stop();
			throw error;
		}
		return stack;
	}

	/** @param {string} prefix */
	#folder(prefix) {
		const folder = fs.mkdtempSync(prefix);
		this.#folders.push(folder);
		return folder;
	}

	async #startLab() {
		const { stdout } = await run(LAB, ["up", String(process.pid)]);
		const lab = Object.fromEntries(stdout.trim().split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2)));
		const state = this.#folder(path.join(os.tmpdir(), "safeweb-state-"));
		fs.chmodSync(state, 0o755);
		fs.symlinkSync(path.join(imageState(), "image"), path.join(state, "image"));
		this.env = {
			...process.env, ...lab, SAFEWEB_STATE: state, SAFEWEB_RUN: this.#folder("/run/safeweb-e2e-"),
			SAFEWEB_ADMIN_PASSWORD: PASSWORD, SAFEWEB_LAB_TOOL: LAB, SAFEWEB_CLIENT_UID: String(CLIENT_UID),
		};
		fs.chmodSync(this.env.SAFEWEB_RUN, 0o755);
	}

	/** @param {Record<string, string>} settings */
	async startSafeweb(settings = {}) {
		const env = { ...this.env, ...settings };
		const up = spawn(LAB, ["exec", "gate", SAFEWEB, "up"], { env, stdio: ["ignore", "pipe", "pipe"] });
		this.up = up;
		this.output = "";
		for (const stream of [up.stdout, up.stderr]) {
			stream?.on("data", (bytes) => {
				this.output += bytes;
				if (process.env.SAFEWEB_TEST_VERBOSE) {
					process.stderr.write(bytes);
				}
			});
		}
		await until(() => {
			if (up.exitCode !== null) {
				throw new Error(`safeweb up ended with ${up.exitCode}:\n${this.output}`);
			}
			return /^ready (https:\S+)/m.test(this.output);
		}, "ready line", START_TIMEOUT_MS);
		this.url = /** @type {RegExpMatchArray} */ (this.output.match(/^ready (https:\S+)/m))[1];
	}

	/** Runs a command of safeweb. @param {string[]} words */
	async safeweb(...words) {
		const { stdout } = await run(LAB, ["exec", "gate", SAFEWEB, ...words], { env: this.env });
		return stdout;
	}

	async status() {
		return JSON.parse(await this.safeweb("status", "--json"));
	}

	/** Packets that reached the hosts no session may reach. @returns {Promise<Record<string, number>>} */
	async forbiddenPackets() {
		const { stdout } = await run(LAB, ["packets"], { env: this.env });
		return Object.fromEntries(stdout.trim().split("\n").map((line) => {
			const [host, count] = line.split(" ");
			return [host, Number(count)];
		}));
	}

	/** @param {object} [options] Playwright's */
	browser(options = {}) {
		const profile = this.#folder(path.join(os.tmpdir(), "safeweb-client-"));
		fs.chownSync(profile, CLIENT_UID, CLIENT_UID);
		return chromium.launchPersistentContext(profile, {
			executablePath: path.join(ROOT, "tests/client/support/browser-in-gate"),
			env: { ...this.env, HOME: profile },
			headless: true,
			chromiumSandbox: true,
			ignoreHTTPSErrors: true,
			viewport: { width: 1280, height: 800 },
			permissions: ["clipboard-read", "clipboard-write"],
			args: ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
			...options,
		});
	}

	/** The same page drawn by the image's own Chromium, without Safeweb: a PNG. @param {string} url */
	async nativePicture(url, width = 1280, height = 720) {
		const out = this.#folder(path.join(os.tmpdir(), "safeweb-native-"));
		fs.chownSync(out, CLIENT_UID, CLIENT_UID);
		const rootfs = fs.realpathSync(path.join(this.env.SAFEWEB_STATE, "image/current/rootfs"));
		await run(LAB, ["exec", "gate", "setpriv", `--reuid=${CLIENT_UID}`, `--regid=${CLIENT_UID}`, "--clear-groups",
			"--inh-caps=-all", "bwrap", "--die-with-parent", "--unshare-pid", "--ro-bind", rootfs, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
			// The image's policies forbid what takes the screenshot.
			"--tmpfs", "/etc/chromium", "--bind", out, "/home", "--clearenv", "--setenv", "HOME", "/home", "--setenv", "TZ", "UTC",
			"--setenv", "LANG", "C.UTF-8",
			"/usr/lib/chromium/chromium", "--headless", "--disable-gpu", "--in-process-gpu",
			"--disable-software-rasterizer", "--log-level=3", "--screenshot=/home/native.png",
			`--window-size=${width},${height}`, "--virtual-time-budget=3000", "--ignore-certificate-errors",
			"--host-resolver-rules=MAP *.example 198.18.0.1", "--user-data-dir=/tmp/profile",
			"--disable-background-networking", url], { env: this.env, timeout: 60_000 });
		return fs.readFileSync(path.join(out, "native.png"));
	}

	async stopSafeweb() {
		const up = this.up;
		if (up && up.exitCode === null && up.signalCode === null) {
			const ended = new Promise((done) => up.once("exit", done));
			up.kill("SIGTERM");
			await ended;
		}
		this.up = undefined;
	}

	async stop() {
		await this.stopSafeweb();
		if (this.env.SAFEWEB_LAB) {
			await run(LAB, ["down"], { env: this.env });
		}
		for (const folder of this.#folders) {
			fs.rmSync(folder, { recursive: true, force: true });
		}
	}
}
