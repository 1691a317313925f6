// @ts-check
// The main job, whole: a person logs in and browses; what they see is what Chromium draws.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { Stack, traces, until } from "./support/stack.js";
import { MAIN, Viewer } from "./support/viewer.js";

describe("a person browses", { timeout: 600_000 }, () => {
	/** @type {Stack} */ let stack;
	/** @type {import("playwright-core").BrowserContext} */ let browser;
	/** @type {import("playwright-core").Page} */ let page;
	/** @type {Viewer} */ let viewer;

	before(async () => {
		stack = await Stack.start();
		browser = await stack.browser();
		page = browser.pages()[0] ?? await browser.newPage();
		viewer = new Viewer(page, stack.url);
	}, { timeout: 240_000 });

	after(async () => {
		await browser?.close();
		await stack?.stop();
	});

	afterEach(async (context) => {
		const folder = process.env.SAFEWEB_SCREENSHOTS;
		if (folder && page && !page.isClosed()) {
			await page.screenshot({ path: `${folder}/${String(context.name).replace(/\W+/g, "-")}.png` });
		}
	});

	it("is told about a wrong password", async () => {
		await viewer.logIn("", "admin", "not the password");
		await page.getByRole("alert").filter({ hasText: /\w/ }).first().waitFor();
		assert.match(await page.getByRole("alert").filter({ hasText: /\w/ }).first().innerText(), /password/i);
	});

	it("logs in and gets a start page", async () => {
		await viewer.logIn();
		await viewer.connected();
		await page.locator('input[name="address"]:visible').first().waitFor();
	});

	it("opens a site over TLS", async () => {
		await viewer.open("https://news.example/");
		await viewer.title("The Lab Gazette");
		await page.locator(MAIN).waitFor();
		assert.notEqual(await viewer.settled(), "");
	});

	it("sees exactly what Chromium draws", async () => {
		await viewer.settled();
		const box = await viewer.box();
		const png = await stack.nativePicture("https://news.example/", Math.round(box.width), Math.round(box.height));
		const result = await viewer.compare(png);
		assert.equal(result.client, result.native);
		assert.equal(result.different, 0, `${result.different} pixels differ, the first at ${result.first}`);
	});

	it("follows a link by clicking, goes back and forward, reloads", async () => {
		await viewer.open("https://events.example/");
		await viewer.title("events ready");
		await page.getByRole("button", { name: "Back" }).click();
		await viewer.title("The Lab Gazette");
		await page.getByRole("button", { name: "Forward" }).click();
		await viewer.title(/events ready|visibility|resize/);
		await page.getByRole("button", { name: "Reload" }).click();
		await viewer.title("events ready");
	});

	it("clicks where the pointer is, with each button", async () => {
		await viewer.click(300, 200);
		await viewer.title(/^click 0 300,200$/);
		await viewer.click(411, 333, { button: "right" });
		await viewer.title(/^(mouseup|contextmenu) 2 411,333$/);
		await page.keyboard.press("Escape");
		const box = await viewer.box();
		await page.mouse.click(box.x + box.width - 80, box.y + 80);
		await until(async () => {
			const [red, green, blue] = await viewer.pixel(Math.round(box.width) - 80, 80);
			return red === 255 && green === 0 && blue === 0;
		}, "red box");
	});

	it("types letters, capitals, other layouts' characters and shortcuts", async () => {
		await viewer.click(300, 400);
		await page.keyboard.press("a");
		await viewer.title(/^keyup a KeyA$/);
		await page.keyboard.press("Shift+KeyB");
		await viewer.title(/^keyup (B KeyB S|Shift ShiftLeft)$/);
		await page.keyboard.press("ArrowLeft");
		await viewer.title(/^keyup ArrowLeft ArrowLeft$/);
		await page.keyboard.press("Control+KeyU");
		await viewer.title(/^keyup (u KeyU C|Control ControlLeft)$/);
	});

	it("turns the wheel", async () => {
		await viewer.move(300, 300);
		await page.mouse.wheel(0, 120);
		await viewer.title(/^wheel -?0,[1-9]\d*(\.\d+)?$/);
	});

	it("fills in a form, with a select box", async () => {
		await viewer.open("https://form.example/");
		await viewer.title("Form");
		await viewer.settled(300);
		await viewer.click(150, 90);
		await page.keyboard.type("Ada Løve");
		await viewer.title("name=Ada Løve");
		await page.keyboard.press("Tab");
		await page.keyboard.type("geheim");
		await viewer.title("password=geheim");
		await page.keyboard.press("Tab");
		const surfaces = (await viewer.stats()).surfaces;
		await page.keyboard.press("Alt+ArrowDown");
		await until(async () => (await viewer.stats()).surfaces > surfaces, "pop-up of the select box");
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		await viewer.title("city=Kyoto");
		await until(async () => (await viewer.stats()).surfaces === surfaces, "closed select box");
	});

	it("opens a context menu, copies and closes it again", async () => {
		await viewer.click(500, 70, { button: "right" });
		await viewer.title("context menu");
		const menu = page.getByRole("menu").filter({ visible: true });
		await menu.waitFor();
		await page.keyboard.press("Escape");
		await menu.waitFor({ state: "hidden" });
		await viewer.click(500, 70, { button: "right" });
		await menu.getByRole("menuitem", { name: "Select all" }).click();
		await viewer.settled(300);
		await viewer.click(500, 70, { button: "right" });
		await menu.getByRole("menuitem", { name: "Copy" }).click();
		await until(async () => /Right-click me/.test(await page.evaluate(() => navigator.clipboard.readText())),
			"copied text");
	});

	it("shows no context menu where the page refuses it", async () => {
		await viewer.click(740, 70, { button: "right" });
		await viewer.title("no menu");
		await viewer.click(500, 70, { button: "right" });
		await viewer.title("context menu");
		const menu = page.getByRole("menu").filter({ visible: true });
		await menu.waitFor();
		await page.keyboard.press("Escape");
		await viewer.click(740, 70, { button: "right" });
		await viewer.title("no menu");
		await new Promise((done) => setTimeout(done, 500));
		assert.equal(await menu.count(), 0);
	});

	it("opens a link in a new tab from the context menu", async () => {
		await viewer.open("https://news.example/");
		await viewer.title("The Lab Gazette");
		await viewer.settled();
		const box = await viewer.box();
		// The page is one column in the middle; its second link is "Long".
		await viewer.click(Math.round(box.width / 2) - 286, 124, { button: "right" });
		await page.getByRole("menuitem", { name: "Copy link address" }).click();
		await until(async () => await page.evaluate(() => navigator.clipboard.readText()) === "https://long.example/",
			"copied address");
		await viewer.click(Math.round(box.width / 2) - 286, 124, { button: "right" });
		await page.getByRole("menuitem", { name: "Open link in new tab" }).click();
		await viewer.title("Long");
		assert.equal(await page.getByRole("tab").count(), 2);
		await page.keyboard.press("Control+KeyW");
		await viewer.title("The Lab Gazette");
	});

	it("answers a script's dialogs", async () => {
		await viewer.open("https://form.example/");
		await viewer.title("Form");
		await viewer.settled(300);
		// The buttons' places are the same in every rendering of this page's fonts, give or take a pixel.
		await viewer.click(40, 316);
		await page.getByText("Attention").waitFor();
		await page.getByRole("button", { name: "OK" }).click();
		await page.getByText("Attention").waitFor({ state: "detached" });
		await viewer.click(100, 316);
		await page.getByText("Really?").waitFor();
		await page.getByRole("button", { name: "Cancel" }).click();
		await viewer.title("confirm false");
		await viewer.click(160, 316);
		await page.getByText("Your name?").waitFor();
		await page.keyboard.type("Grace");
		await page.keyboard.press("Enter");
		await viewer.title(/^prompt .*Grace$/);
	});

	it("selects text and copies it", async () => {
		await viewer.open("https://news.example/second.html");
		await viewer.settled();
		await page.locator("#keys").focus();
		await viewer.click(400, 300);
		await page.keyboard.press("Control+KeyA");
		await page.keyboard.press("Control+KeyC");
		await until(async () => (await page.evaluate(() => navigator.clipboard.readText())).length > 10, "copied text");
	});

	it("pastes what was copied locally", async () => {
		await viewer.open("https://form.example/");
		await viewer.title("Form");
		await viewer.settled(300);
		await viewer.click(150, 90);
		await page.evaluate(() => navigator.clipboard.writeText("von hier äöü"));
		await page.keyboard.press("Control+KeyV");
		await viewer.title("name=von hier äöü");
	});

	it("opens, switches and closes tabs", async () => {
		await page.getByRole("button", { name: "New tab" }).click();
		await until(async () => await page.getByRole("tab").count() === 2, "second tab");
		await viewer.open("https://news.example/");
		await viewer.title("The Lab Gazette");
		const gazette = await viewer.settled();
		await page.getByRole("tab").first().click();
		await viewer.title(/^name=/);
		assert.notEqual(await viewer.settled(300), gazette);
		await page.getByRole("tab").nth(1).click();
		await viewer.title("The Lab Gazette");
		assert.equal(await viewer.settled(), gazette);
		await page.getByRole("tab").nth(1).getByRole("button").click();
		await until(async () => await page.getByRole("tab").count() === 1, "closed tab");
	});

	it("scrolls a long page and gets back to the same picture", async () => {
		await viewer.open("https://long.example/");
		await viewer.title("Long");
		await viewer.move(400, 300);
		const top = await viewer.settled();
		for (let i = 0; i < 10; i++) {
			await page.mouse.wheel(0, 120);
		}
		await viewer.title(/^Long [1-9]/);
		assert.notEqual(await viewer.settled(), top);
		await page.locator("#keys").focus();
		await page.keyboard.press("Home");
		await viewer.title("Long 0");
		assert.equal(await viewer.settled(), top);
	});

	it("sees a hand over a link", async () => {
		await viewer.open("https://news.example/");
		await viewer.title("The Lab Gazette");
		await viewer.settled();
		const box = await viewer.box();
		const cursorAt = async (/** @type {number} */ x, /** @type {number} */ y) => {
			await page.mouse.move(box.x + x, box.y + y);
			return page.evaluate(([px, py]) => getComputedStyle(/** @type {Element} */ (document.elementFromPoint(px, py))).cursor,
				[box.x + x, box.y + y]);
		};
		// The first link of the second line.
		await until(async () => await cursorAt(297, 125) === "pointer" || (await cursorAt(298, 126)) === "pointer", "hand");
		await until(async () => await cursorAt(20, 600) === "default", "arrow");
	});

	it("resizes the window", async () => {
		await viewer.open("https://events.example/");
		await viewer.title("events ready");
		const size = async () => {
			const box = await viewer.box();
			return `${Math.round(box.width)}x${Math.round(box.height)}`;
		};
		const wide = await size();
		await page.setViewportSize({ width: 900, height: 640 });
		await until(async () => await size() !== wide, "smaller picture");
		await until(async () => await viewer.title(/^resize/) === `resize ${await size()}`, "page of the picture's size");
		await page.setViewportSize({ width: 1280, height: 800 });
		await until(async () => await size() === wide, "wide picture again");
	});

	it("is told why an internal address does not open", async () => {
		await viewer.open("http://10.66.0.10/");
		await page.getByText(/internal|private/i).first().waitFor({ timeout: 15_000 });
		await viewer.open("http://169.254.169.254/latest/meta-data/");
		await page.getByText(/internal|private/i).first().waitFor({ timeout: 15_000 });
		const { corporate, metadata } = await stack.forbiddenPackets();
		assert.deepEqual({ corporate, metadata }, { corporate: 0, metadata: 0 });
	});

	it("is told that a name does not exist", async () => {
		await viewer.open("https://nowhere.example/");
		await page.getByText(/nowhere\.example/).first().waitFor({ timeout: 15_000 });
	});

	it("is told that a file cannot be opened", async () => {
		await viewer.open("file:///etc/passwd");
		await page.getByText("Only web addresses are opened").waitFor();
	});

	it("comes back to the same page after the connection breaks", async () => {
		await viewer.open("https://news.example/");
		await viewer.title("The Lab Gazette");
		const picture = await viewer.settled();
		await page.context().setOffline(true);
		await page.reload().catch(() => undefined);
		await page.context().setOffline(false);
		await page.goto(stack.url);
		await viewer.connected();
		await viewer.title("The Lab Gazette");
		await until(async () => await viewer.picture() === picture, "the same picture");
	});

	it("opens an address from a link into Safeweb", async () => {
		await page.goto(`${stack.url}open?url=${encodeURIComponent("https://photos.example/")}`);
		await viewer.connected();
		await viewer.title(/photo/i);
		assert(!page.url().includes("photos.example"), "the address stays in the location bar");
	});

	it("is shown in the status", async () => {
		const { sessions } = await stack.status();
		const mine = sessions.filter((/** @type {any} */ session) => session.user === "admin" && session.state === "attached");
		assert.equal(mine.length, 1);
		assert(mine[0].memory_bytes > 10_000_000);
		assert.equal(mine[0].pids.compositor.length, 1);
		assert.equal(mine[0].pids.encoder.length, 1);
		assert(mine[0].pids.browser.length > 2);
	});

	it("met no error in its own browser", () => {
		assert.deepEqual(viewer.problems, []);
	});

	it("leaves nothing behind", async () => {
		await browser.close();
		await stack.stopSafeweb();
		await until(() => {
			const left = traces();
			return left.groups.length + left.processes.length + left.mounts.length === 0;
		}, "clean machine").catch(() => assert.deepEqual(traces(), { groups: [], processes: [], mounts: [] }));
	});
});
