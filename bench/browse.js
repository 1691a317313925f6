// @ts-check
// First figures of the whole: start, key → picture, scroll, idle, memory. `make bench` runs it.
//
// usage: node bench/browse.js [RUNS]        prints a markdown table; writes bench/results.json when asked by
//                                           SAFEWEB_BENCH_JSON=FILE
import fs from "node:fs";
import os from "node:os";
import { Stack, until } from "../tests/client/support/stack.js";
import { MAIN, Viewer } from "../tests/client/support/viewer.js";
import { openSession } from "./node-session.js";

const RUNS = Number(process.argv[2] ?? 5);
const NOTCHES = 30;
const IDLE_S = 20;
const TICKS = 100;

/** @type {{name: string, unit: string, median: number, low: number, high: number, runs: number}[]} */
const results = [];

/** @param {number[]} values @param {number} share */
function quantile(values, share) {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** @param {string} name @param {string} unit @param {number[]} values */
function report(name, unit, values) {
	const row = {
		name, unit, median: quantile(values, 0.5), low: Math.min(...values), high: Math.max(...values),
		runs: values.length,
	};
	results.push(row);
	const show = (/** @type {number} */ value) => value.toFixed(value < 10 ? 2 : 0);
	console.log(`| ${name} | ${show(row.median)} | ${show(row.low)}–${show(row.high)} | ${unit} | ${row.runs} |`);
}

/** CPU seconds of processes so far. @param {number[]} pids */
function cpuSeconds(pids) {
	let ticks = 0;
	for (const pid of pids) {
		try {
			const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
			ticks += Number(fields[11]) + Number(fields[12]);
		} catch {
			// It ended.
		}
	}
	return ticks / TICKS;
}

/** @param {number[]} pids */
function wakeups(pids) {
	return pids.reduce((sum, pid) => sum + Number(fs.readFileSync(`/proc/${pid}/status`, "utf8")
		.match(/^voluntary_ctxt_switches:\s+(\d+)/m)?.[1] ?? 0), 0);
}

/** MiB of PSS. @param {number[]} pids */
function pssMib(pids) {
	return pids.reduce((sum, pid) => {
		try {
			return sum + Number(fs.readFileSync(`/proc/${pid}/smaps_rollup`, "utf8").match(/^Pss:\s+(\d+)/m)?.[1] ?? 0);
		} catch {
			return sum;
		}
	}, 0) / 1024;
}

function availableMib() {
	return Number(fs.readFileSync("/proc/meminfo", "utf8").match(/^MemAvailable:\s+(\d+)/m)?.[1] ?? 0) / 1024;
}

/** @param {number} ms */
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** @param {Stack} stack */
async function processes(stack) {
	const { sessions } = await stack.status();
	const mine = sessions.find((/** @type {any} */ session) => session.user === "admin");
	return { display: [...mine.pids.compositor, ...mine.pids.encoder], browser: mine.pids.browser };
}

/** A logged-in viewer. @param {Stack} stack */
async function openViewer(stack) {
	const browser = await stack.browser({ viewport: { width: 1284, height: 820 } });
	const viewer = new Viewer(browser.pages()[0] ?? await browser.newPage(), stack.url);
	await viewer.logIn();
	await viewer.connected();
	return { browser, viewer };
}

/** From opening Safeweb, logged in, to the first whole picture. @param {string} name @param {Record<string, string>} settings */
async function measureStart(name, settings) {
	const stack = await Stack.start(settings);
	const { browser, viewer } = await openViewer(stack);
	const times = [];
	for (let i = 0; i < RUNS; i++) {
		await viewer.page.evaluate(async () => {
			const { sessions } = await (await fetch("/api/v1/sessions")).json();
			for (const session of sessions) {
				await fetch(`/api/v1/sessions/${session.id}`, { method: "DELETE" });
			}
		});
		await sleep(4000);
		await viewer.page.goto("about:blank");
		const before = performance.now();
		await viewer.page.goto(stack.url);
		await until(() => viewer.page.evaluate(() => {
			const stats = /** @type {any} */ (window).safeweb?.stats();
			return stats?.connected && stats.frames > 0;
		}), "first picture", 30_000);
		times.push(performance.now() - before);
	}
	report(name, "ms", times);
	await browser.close();
	await stack.stop();
}

/** In the client page: key down → changed pixel, `count` times. @param {Viewer} viewer @param {boolean} isLocal */
async function keyLatencies(viewer, isLocal, count = 40) {
	const times = [];
	for (let i = 0; i < count; i++) {
		const measured = viewer.page.evaluate(([selector, local]) => new Promise((done) => {
			const shown = /** @type {HTMLCanvasElement} */ (document.querySelector(/** @type {string} */ (selector)));
			const canvas = local ? document.createElement("canvas") : shown;
			const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
			const x = local ? 10 : canvas.width - 80;
			const y = local ? 10 : 80;
			const read = () => String(context.getImageData(x, y, 1, 1).data);
			const before = read();
			let start = 0;
			const channel = new MessageChannel();
			channel.port1.onmessage = () => {
				if (read() !== before) {
					channel.port1.close();
					done(performance.now() - start);
				} else {
					channel.port2.postMessage(0);
				}
			};
			window.addEventListener("keydown", () => {
				start = performance.now();
				channel.port2.postMessage(0);
				if (local) {
					requestAnimationFrame(() => context.fillRect(0, 0, 20, 20));
				}
			}, { capture: true, once: true });
		}), /** @type {any} */ ([MAIN, isLocal]));
		await sleep(30);
		await viewer.page.keyboard.press("x");
		times.push(/** @type {number} */ (await measured));
		await sleep(120 + 17 * (i % 5));
	}
	return times;
}

/** @param {Stack} stack @param {Viewer} viewer */
async function measureKeys(stack, viewer) {
	await viewer.open("https://events.example/");
	await viewer.title("events ready");
	await viewer.click(300, 300);
	await sleep(1000);
	const local = await keyLatencies(viewer, true);
	const remote = await keyLatencies(viewer, false);
	report("key → picture, p50", "ms", [quantile(remote, 0.5)]);
	report("key → picture, p95", "ms", [quantile(remote, 0.95)]);
	report("key → picture, all", "ms", remote);
	report("key → local canvas (floor), all", "ms", local);
}

/** @param {Stack} stack @param {Viewer} viewer */
async function measureScroll(stack, viewer) {
	/** @type {Record<string, number[]>} */
	const values = { kib: [], frames: [], display: [], browser: [] };
	for (let i = 0; i < RUNS; i++) {
		await viewer.open("https://long.example/");
		await viewer.title("Long");
		await viewer.settled();
		await viewer.move(600, 300);
		const pids = await processes(stack);
		const before = { stats: await viewer.stats(), display: cpuSeconds(pids.display), browser: cpuSeconds(pids.browser) };
		for (let notch = 0; notch < NOTCHES; notch++) {
			await viewer.page.mouse.wheel(0, 120);
			await sleep(100);
		}
		await sleep(1000);
		const after = await viewer.stats();
		const pixels = Number((await viewer.title(/^Long \d+$/)).slice(5));
		values.kib.push((after.bytes - before.stats.bytes) / 1024 / pixels * 1000);
		values.frames.push(after.frames - before.stats.frames);
		values.display.push(cpuSeconds(pids.display) - before.display);
		values.browser.push(cpuSeconds(pids.browser) - before.browser);
		await viewer.open("https://news.example/");
		await viewer.title("The Lab Gazette");
	}
	report(`scroll ${NOTCHES} notches, text: down per 1000 px`, "KiB", values.kib);
	report(`scroll ${NOTCHES} notches: pictures shown`, "frames", values.frames);
	report(`scroll ${NOTCHES} notches: compositor + encoder`, "CPU-s", values.display);
	report(`scroll ${NOTCHES} notches: Chromium`, "CPU-s", values.browser);
}

/** @param {Stack} stack @param {Viewer} viewer */
async function measureIdle(stack, viewer) {
	await viewer.open("https://news.example/");
	await viewer.title("The Lab Gazette");
	await viewer.settled();
	await sleep(3000);
	const { display } = await processes(stack);
	const before = { cpu: cpuSeconds(display), wakeups: wakeups(display), bytes: (await viewer.stats()).bytes };
	await sleep(IDLE_S * 1000);
	report(`still page ${IDLE_S} s: compositor + encoder`, "CPU-s", [cpuSeconds(display) - before.cpu]);
	report(`still page ${IDLE_S} s: their wake-ups a second`, "1/s", [(wakeups(display) - before.wakeups) / IDLE_S]);
	report(`still page ${IDLE_S} s: bytes down`, "B", [(await viewer.stats()).bytes - before.bytes]);
}

async function measureMemory() {
	const stack = await Stack.start({ SAFEWEB_POOL: "0" });
	const path = `${stack.env.SAFEWEB_RUN}/node.sock`;
	const open = [];
	/** @type {Map<number, number>} */
	const available = new Map([[0, availableMib()]]);
	for (const count of [1, 5, 20]) {
		while (open.length < count) {
			open.push(await openSession(path, "https://news.example/"));
		}
		await sleep(5000);
		const { sessions } = await stack.status();
		available.set(count, availableMib());
		const sum = (/** @type {string} */ program) => sessions.reduce((/** @type {number} */ total, /** @type {any} */ session) =>
			total + pssMib(session.pids[program] ?? []), 0) / sessions.length;
		report(`memory at ${count} sessions: Chromium, PSS a session`, "MiB", [sum("browser")]);
		report(`memory at ${count} sessions: compositor, PSS a session`, "MiB", [sum("compositor")]);
		report(`memory at ${count} sessions: encoder, PSS a session`, "MiB", [sum("encoder")]);
	}
	const at = (/** @type {number} */ count) => /** @type {number} */ (available.get(count));
	report("MemAvailable of the first session", "MiB", [at(0) - at(1)]);
	report("MemAvailable per further session, 1 → 5", "MiB", [(at(1) - at(5)) / 4]);
	report("MemAvailable per further session, 5 → 20", "MiB", [(at(5) - at(20)) / 15]);
	open.forEach((session) => session.close());
	await stack.stop();
}

console.log(`${new Date().toISOString().slice(0, 10)}, ${os.cpus().length} × ${os.cpus()[0].model}, ` +
	`${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}, ${RUNS} runs\n`);
console.log("| figure | median | low–high | unit | n |\n|---|---:|---:|---|---:|");
await measureStart("start, warm: opening Safeweb → first picture", { SAFEWEB_POOL: "2" });
await measureStart("start, cold: opening Safeweb → first picture", { SAFEWEB_POOL: "0" });
const stack = await Stack.start();
const { browser, viewer } = await openViewer(stack);
await measureKeys(stack, viewer);
await measureScroll(stack, viewer);
await measureIdle(stack, viewer);
await browser.close();
await stack.stop();
await measureMemory();
if (process.env.SAFEWEB_BENCH_JSON) {
	fs.writeFileSync(process.env.SAFEWEB_BENCH_JSON, `${JSON.stringify(results, null, "\t")}\n`);
}
process.exit(0);
