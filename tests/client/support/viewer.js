// @ts-check
// What a person does at the viewer, in words.
import assert from "node:assert/strict";
import { PASSWORD, until } from "./stack.js";

export const MAIN = 'canvas[data-surface="main"]';

export class Viewer {
	/** @param {import("playwright-core").Page} page @param {string} url of Safeweb */
	constructor(page, url) {
		this.page = page;
		this.url = url;
		/** @type {string[]} */
		this.problems = [];
		page.on("pageerror", (error) => this.problems.push(String(error)));
		page.on("console", (message) => {
			if (message.type() === "error" && !/status of (401|503)/.test(message.text())) {
				this.problems.push(message.text());
			}
		});
	}

	/** @param {string} [path] */
	async logIn(path = "", name = "admin", password = PASSWORD) {
		await this.page.goto(this.url + path);
		await this.page.fill('input[name="username"]', name);
		await this.page.fill('input[name="password"]', password);
		await this.page.press('input[name="password"]', "Enter");
	}

	async connected() {
		await until(async () => (await this.stats())?.connected, "connection", 30_000);
	}

	stats() {
		return this.page.evaluate(() => /** @type {any} */ (window).safeweb?.stats());
	}

	/** Types an address into the toolbar's box. @param {string} address */
	async open(address) {
		const box = this.page.locator('input[name="address"]:visible').first();
		await box.fill(address);
		await box.press("Enter");
	}

	/** Waits for the active tab's title. @param {string | RegExp} wanted */
	async title(wanted, timeoutMs = 15_000) {
		let seen = "";
		try {
			await until(async () => {
				seen = (await this.page.locator('[role="tab"][aria-selected="true"]').innerText()).trim();
				return typeof wanted === "string" ? seen === wanted : wanted.test(seen);
			}, "title", timeoutMs);
		} catch {
			assert.fail(`the tab's title is "${seen}", wanted ${wanted}`);
		}
		return seen;
	}

	async box() {
		const box = await this.page.locator(MAIN).boundingBox();
		assert(box, "the page has no picture");
		return box;
	}

	/** Moves to a point of the page, in its own pixels. @param {number} x @param {number} y */
	async move(x, y) {
		const box = await this.box();
		await this.page.mouse.move(box.x + x, box.y + y);
	}

	/** @param {number} x @param {number} y @param {object} [options] */
	async click(x, y, options = {}) {
		const box = await this.box();
		await this.page.mouse.click(box.x + x, box.y + y, options);
	}

	/** A short name of the page's picture as the client shows it. */
	picture(selector = MAIN) {
		return this.page.evaluate(async (wanted) => {
			const canvas = /** @type {HTMLCanvasElement | null} */ (document.querySelector(wanted));
			if (!canvas || !canvas.width || !canvas.height) {
				return "";
			}
			const copy = new OffscreenCanvas(canvas.width, canvas.height);
			const context = /** @type {OffscreenCanvasRenderingContext2D} */ (copy.getContext("2d"));
			context.drawImage(canvas, 0, 0);
			const pixels = context.getImageData(0, 0, copy.width, copy.height).data;
			const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", pixels));
			return `${copy.width}x${copy.height} ${[...hash.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
		}, selector);
	}

	/** Waits until the picture has not changed for a while, and names it. */
	async settled(quietMs = 600) {
		let last = await this.picture();
		let since = Date.now();
		await until(async () => {
			const now = await this.picture();
			if (now !== last) {
				last = now;
				since = Date.now();
			}
			return Date.now() - since >= quietMs && now;
		}, "still picture", 20_000);
		return last;
	}

	/** One pixel of the page: [r, g, b, a]. @param {number} x @param {number} y */
	pixel(x, y) {
		return this.page.evaluate(([px, py, wanted]) => {
			const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector(/** @type {string} */ (wanted)));
			const copy = new OffscreenCanvas(1, 1);
			const context = /** @type {OffscreenCanvasRenderingContext2D} */ (copy.getContext("2d"));
			context.drawImage(canvas, -px, -py);
			return [...context.getImageData(0, 0, 1, 1).data];
		}, /** @type {any} */ ([x, y, MAIN]));
	}

	/** How the page's picture differs from a PNG. @param {Buffer} png */
	compare(png) {
		return this.page.evaluate(async ([base64, wanted]) => {
			const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
			const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
			const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector(wanted));
			const read = (/** @type {CanvasImageSource} */ source, /** @type {number} */ w, /** @type {number} */ h) => {
				const copy = new OffscreenCanvas(w, h);
				const context = /** @type {OffscreenCanvasRenderingContext2D} */ (copy.getContext("2d"));
				context.drawImage(source, 0, 0);
				return context.getImageData(0, 0, w, h).data;
			};
			const a = read(canvas, canvas.width, canvas.height);
			const b = read(bitmap, bitmap.width, bitmap.height);
			let different = a.length === b.length ? 0 : -1;
			let first = "";
			for (let i = 0; different >= 0 && i < a.length; i += 4) {
				if (a[i] !== b[i] || a[i + 1] !== b[i + 1] || a[i + 2] !== b[i + 2]) {
					first ||= `${(i / 4) % canvas.width},${Math.floor(i / 4 / canvas.width)}`;
					different++;
				}
			}
			return { client: `${canvas.width}x${canvas.height}`, native: `${bitmap.width}x${bitmap.height}`, different, first };
		}, [png.toString("base64"), MAIN]);
	}
}
