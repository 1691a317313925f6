// @ts-check
// The page area: one canvas for each surface, put where the server says, and the cursor. Nothing of it
// can leave the area, so nothing of it can cover the viewer's own controls.

import { ROLE_CURSOR, ROLE_DRAG_ICON, ROLE_MAIN, ROLE_POPUP } from "./frames.js";
import { SHAPE_SURFACE, cursorName } from "./cursors.js";
import { element } from "./dom.js";

const ROLE_NAMES = ["main", "popup", "subsurface", "cursor", "drag"];
/** Larger pictures are no cursors; browsers refuse them as well. */
const MAX_CURSOR_SIDE = 128;
/** The server's own limits. */
const MAX_PIXELS = 3840 * 2400;
const SCALE_ONE = 120;

/** @typedef {import("./frames.js").Surface} Surface */

export class Screen {
	/** @param {HTMLElement} area */
	constructor(area) {
		this.area = area;
		/** @type {Map<number, {surface: Surface, canvas: any}>} */
		this.entries = new Map();
		/** Canvases of a stream that broke. @type {any[]} */
		this.retired = [];
		this.cursorSurface = 0;
		this.hotX = 0;
		this.hotY = 0;
	}

	/** Size of the area, as `hello` and `resize` have it. */
	size() {
		const width = Math.max(1, Math.min(8192, Math.floor(this.area.clientWidth)));
		const height = Math.max(1, Math.min(8192, Math.floor(this.area.clientHeight)));
		const largest = Math.sqrt(MAX_PIXELS / (width * height));
		const scale = Math.max(0.5, Math.min(window.devicePixelRatio || 1, largest, 4));
		return { width, height, scale_120: Math.floor(scale * SCALE_ONE + 0.01) };
	}

	/** @param {Surface} surface */
	entry(surface) {
		let entry = this.entries.get(surface.id);
		if (!entry) {
			const canvas = element("canvas", { "aria-hidden": "true" });
			canvas.width = canvas.height = 0;
			entry = { surface, canvas };
			this.entries.set(surface.id, entry);
			this.area.append(canvas);
		}
		entry.surface = surface;
		return entry;
	}

	/** Where a surface's corner is in the area, logical pixels. @param {Surface} surface */
	position(surface) {
		let { x, y } = surface;
		let parent = this.entries.get(surface.parent)?.surface;
		for (let depth = 0; parent && depth < 16; depth++) {
			x += parent.x;
			y += parent.y;
			parent = this.entries.get(parent.parent)?.surface;
		}
		return { x, y };
	}

	/** @param {Surface} surface */
	placed(surface) {
		this.entry(surface);
		// Those that hang on it move along.
		for (const { surface: each, canvas } of this.entries.values()) {
			this.arrange(each, canvas);
		}
	}

	/** @param {Surface} surface @param {any} canvas */
	arrange(surface, canvas) {
		const main = surface.role === ROLE_MAIN && surface.visible;
		const name = ROLE_NAMES[surface.role] ?? "unknown";
		canvas.dataset.surface = main ? "main" : `${name}-${surface.id}`;
		canvas.hidden = !surface.visible || surface.role === ROLE_CURSOR || canvas.width === 0;
		const { x, y } = this.position(surface);
		canvas.style.transform = `translate(${x}px, ${y}px)`;
		canvas.style.zIndex = String(Math.min(surface.order, 1_000_000));
		if (surface.shown) {
			canvas.style.width = `${surface.viewWidth}px`;
			canvas.style.height = `${surface.viewHeight}px`;
		}
	}

	/** @param {Surface} surface */
	present(surface) {
		const { canvas } = this.entry(surface);
		if (surface.width === 0 || surface.height === 0) {
			return;
		}
		if (canvas.width !== surface.width || canvas.height !== surface.height) {
			canvas.width = surface.width;
			canvas.height = surface.height;
		}
		const context = canvas.getContext("2d", { alpha: surface.role !== ROLE_MAIN });
		const picture = new ImageData(surface.pixels, surface.width, surface.height);
		for (const { x, y, width, height } of surface.dirty) {
			context.putImageData(picture, 0, 0, x, y, width, height);
		}
		this.arrange(surface, canvas);
		if (surface.role === ROLE_MAIN && surface.visible) {
			this.clearRetired();
		}
		if (surface.id === this.cursorSurface) {
			this.showCursor(canvas, surface);
		}
	}

	/** Keeps the last picture until the new stream brings its own. */
	retire() {
		this.clearRetired();
		for (const { canvas } of this.entries.values()) {
			canvas.dataset.surface = "retired";
			this.retired.push(canvas);
		}
		this.entries.clear();
		this.cursorSurface = 0;
	}

	clearRetired() {
		for (const canvas of this.retired.splice(0)) {
			canvas.remove();
		}
	}

	clear() {
		this.retire();
		this.clearRetired();
		this.area.style.cursor = "";
	}

	/** @param {number} id */
	removed(id) {
		this.entries.get(id)?.canvas.remove();
		this.entries.delete(id);
	}

	/** @param {Record<string, any>} message @param {Surface | undefined} surface */
	cursor(message, surface) {
		this.cursorSurface = message.shape === SHAPE_SURFACE ? message.surface : 0;
		this.hotX = message.hot_x;
		this.hotY = message.hot_y;
		if (message.shape !== SHAPE_SURFACE) {
			this.area.style.cursor = cursorName(message.shape);
		} else if (surface?.shown) {
			this.showCursor(this.entry(surface).canvas, surface);
		}
	}

	/** @param {any} canvas @param {Surface} surface */
	showCursor(canvas, surface) {
		const { width, height, viewWidth } = surface;
		if (width === 0 || width > MAX_CURSOR_SIDE || height > MAX_CURSOR_SIDE) {
			this.area.style.cursor = "default";
			return;
		}
		const scale = viewWidth > 0 ? width / viewWidth : 1;
		const x = Math.max(0, Math.min(this.hotX, width - 1));
		const y = Math.max(0, Math.min(this.hotY, height - 1));
		const image = `url("${canvas.toDataURL("image/png")}")`;
		this.area.style.cursor = `${image} ${x} ${y}, default`;
		if (scale !== 1) {
			// Not understood everywhere; then the line above stays.
			this.area.style.cursor = `image-set(${image} ${scale}x) ${x} ${y}, default`;
		}
	}

	/**
	 * The surface under a point of the window that takes the pointer.
	 * @param {number} clientX
	 * @param {number} clientY
	 * @returns {Surface | null}
	 */
	surfaceAt(clientX, clientY) {
		/** @type {Surface | null} */
		let found = null;
		for (const { surface } of this.entries.values()) {
			const takes = surface.visible && surface.shown
				&& (surface.role === ROLE_MAIN || surface.role === ROLE_POPUP);
			if (!takes || (found && surface.order < found.order)) {
				continue;
			}
			const { x, y } = this.inside(surface, clientX, clientY);
			if (x >= 0 && y >= 0 && x < surface.viewWidth && y < surface.viewHeight) {
				found = surface;
			}
		}
		return found;
	}

	/**
	 * A point of the window inside a surface, logical pixels.
	 * @param {Surface} surface
	 * @param {number} clientX
	 * @param {number} clientY
	 */
	inside(surface, clientX, clientY) {
		const area = this.area.getBoundingClientRect();
		const { x, y } = this.position(surface);
		return {
			x: clientX - area.left - this.area.clientLeft - x,
			y: clientY - area.top - this.area.clientTop - y,
		};
	}

	/** @param {number} id */
	surface(id) {
		return this.entries.get(id)?.surface ?? null;
	}

	/** A drag's picture follows the pointer. @param {number} clientX @param {number} clientY */
	moveDragIcon(clientX, clientY) {
		for (const { surface, canvas } of this.entries.values()) {
			if (surface.role === ROLE_DRAG_ICON) {
				const area = this.area.getBoundingClientRect();
				const x = clientX - area.left + surface.x;
				const y = clientY - area.top + surface.y;
				canvas.style.transform = `translate(${x}px, ${y}px)`;
			}
		}
	}
}
