// @ts-check
// Puts surfaces together from the display stream: every surface has a copy of its pixels here, which
// rect and copy change, and which is shown when `frame` says that it is one whole picture.
//
//   rect, copy ──▶ pixels of the surface, dirty rectangles ──frame──▶ view.present() ──▶ ack
//
// Messages take effect in the order in which they came. A JPEG takes time to decode; those that follow
// it wait.

/** Sides and area of a surface, device pixels; the server's own limits. */
const MAX_SIDE = 8192;
const MAX_PIXELS = 3840 * 2400;
const MAX_SURFACES = 64;
/** Dirty rectangles kept apart before they become one. */
const MAX_DIRTY = 24;

export const ROLE_MAIN = 0;
export const ROLE_POPUP = 1;
export const ROLE_SUBSURFACE = 2;
export const ROLE_CURSOR = 3;
export const ROLE_DRAG_ICON = 4;

export const CODEC_JPEG = 3;

/** @typedef {{x: number, y: number, width: number, height: number}} Rect */

export class Surface {
	/** @param {number} id */
	constructor(id) {
		this.id = id;
		this.role = ROLE_MAIN;
		this.parent = 0;
		this.x = 0;
		this.y = 0;
		this.width = 0;
		this.height = 0;
		this.viewWidth = 0;
		this.viewHeight = 0;
		this.order = 0;
		this.visible = false;
		/** Whether a whole picture of the present size was shown. */
		this.shown = false;
		/** R G B A, not premultiplied. */
		this.pixels = new Uint8ClampedArray(0);
		/** @type {Rect[]} */
		this.dirty = [];
	}

	/** @param {Record<string, any>} message surface */
	place(message) {
		const { width, height } = message;
		if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
			throw new Error(`a surface of ${width}×${height} is too large`);
		}
		if (width !== this.width || height !== this.height) {
			this.width = width;
			this.height = height;
			this.pixels = new Uint8ClampedArray(width * height * 4);
			this.dirty = [{ x: 0, y: 0, width, height }];
			this.shown = false;
		}
		this.role = message.role;
		this.parent = message.parent;
		this.x = message.x;
		this.y = message.y;
		this.viewWidth = message.view_width;
		this.viewHeight = message.view_height;
		this.order = message.order;
		this.visible = message.visible !== 0;
	}

	/** @param {Rect} rect */
	check(rect) {
		if (rect.width === 0 || rect.height === 0 || rect.x + rect.width > this.width
				|| rect.y + rect.height > this.height) {
			throw new Error(`a rectangle lies outside surface ${this.id}`);
		}
	}

	/** @param {Rect} rect */
	touch({ x, y, width, height }) {
		this.dirty.push({ x, y, width, height });
		if (this.dirty.length > MAX_DIRTY) {
			this.dirty = [this.dirty.reduce(union)];
		}
	}

	/**
	 * @param {Rect} rect
	 * @param {Uint8ClampedArray | Uint8Array} rgba its pixels, row after row
	 */
	put(rect, rgba) {
		this.check(rect);
		const row = rect.width * 4;
		if (rgba.length < row * rect.height) {
			throw new Error("a rectangle has too few pixels");
		}
		const stride = this.width * 4;
		let to = rect.y * stride + rect.x * 4;
		if (row === stride) {
			this.pixels.set(rgba.subarray(0, row * rect.height), to);
		} else {
			for (let from = 0, end = row * rect.height; from < end; from += row, to += stride) {
				this.pixels.set(rgba.subarray(from, from + row), to);
			}
		}
		this.touch(rect);
	}

	/**
	 * Moves pixels inside the surface; source and destination may overlap.
	 * @param {Record<string, number>} message copy
	 */
	copy(message) {
		const { x, y, width, height, to_x, to_y } = message;
		this.check({ x, y, width, height });
		this.check({ x: to_x, y: to_y, width, height });
		const stride = this.width * 4;
		const down = to_y > y;
		for (let i = 0; i < height; i++) {
			const line = down ? height - 1 - i : i;
			const from = (y + line) * stride + x * 4;
			this.pixels.copyWithin((to_y + line) * stride + to_x * 4, from, from + width * 4);
		}
		this.touch({ x: to_x, y: to_y, width, height });
	}
}

/** @param {Rect} a @param {Rect} b @returns {Rect} */
function union(a, b) {
	const x = Math.min(a.x, b.x);
	const y = Math.min(a.y, b.y);
	return {
		x,
		y,
		width: Math.max(a.x + a.width, b.x + b.width) - x,
		height: Math.max(a.y + a.height, b.y + b.height) - y,
	};
}

/**
 * @typedef {object} View what shows the surfaces
 * @property {(surface: Surface) => void} present a whole picture is in surface.pixels
 * @property {(surface: Surface) => void} placed its place, order or visibility changed
 * @property {(id: number) => void} removed
 * @property {(message: Record<string, any>, surface: Surface | undefined) => void} cursor
 *
 * @typedef {object} Codecs what decodes rectangles
 * @property {(message: Record<string, any>) => Uint8ClampedArray | Uint8Array} decode R G B A
 * @property {(message: Record<string, any>) => Promise<Uint8ClampedArray>} decodeLater for JPEG
 */

export class Frames {
	/**
	 * @param {View} view
	 * @param {Codecs} codecs
	 * @param {{ack: (sequence: number, frame: Record<string, any>) => void,
	 *          fail: (error: any) => void}} stream
	 */
	constructor(view, codecs, stream) {
		this.view = view;
		this.codecs = codecs;
		this.stream = stream;
		/** @type {Map<number, Surface>} */
		this.surfaces = new Map();
		this.counters = { frames: 0, rects: 0, copies: 0 };
		/** @type {Record<string, any>[]} */
		this.waiting = [];
		this.decoding = false;
		/** Grows with every reset, so that a late decoder knows it is not wanted any more. */
		this.generation = 0;
	}

	/** Forgets every surface. */
	reset() {
		for (const id of [...this.surfaces.keys()]) {
			this.view.removed(id);
		}
		this.restart();
	}

	/** A new stream begins with the whole state; the view keeps the old picture as it likes. */
	restart() {
		this.surfaces.clear();
		this.waiting = [];
		this.decoding = false;
		this.generation++;
	}

	/**
	 * Takes a message of pixels, surfaces or the cursor.
	 * @param {Record<string, any>} message
	 * @throws when the stream breaks its rules
	 */
	handle(message) {
		if (message.type === "rect" && message.codec === CODEC_JPEG) {
			message.pixels = this.codecs.decodeLater(message);
			// Looked at in order, later; until then a failure is not unhandled.
			message.pixels.catch(() => {});
		}
		if (this.decoding) {
			this.waiting.push(message);
		} else {
			this.apply(message);
		}
	}

	/** @param {Record<string, any>} message */
	apply(message) {
		switch (message.type) {
			case "surface": this.surface(message); break;
			case "surface_gone": this.gone(message.surface); break;
			case "rect": this.rect(message); break;
			case "copy":
				this.known(message.surface).copy(/** @type {any} */ (message));
				this.counters.copies++;
				break;
			case "frame": this.frame(message); break;
			case "cursor": this.view.cursor(message, this.surfaces.get(message.surface)); break;
			default: throw new Error(`${message.type} is not for the picture`);
		}
	}

	/** The page's own surface. */
	main() {
		return [...this.surfaces.values()].find(({ role, visible }) => role === ROLE_MAIN && visible);
	}

	/** @param {number} id */
	known(id) {
		const surface = this.surfaces.get(id);
		if (!surface) {
			throw new Error(`there is no surface ${id}`);
		}
		return surface;
	}

	/** @param {Record<string, any>} message */
	surface(message) {
		let surface = this.surfaces.get(message.surface);
		if (!surface) {
			if (this.surfaces.size >= MAX_SURFACES) {
				throw new Error("there are too many surfaces");
			}
			surface = new Surface(message.surface);
			this.surfaces.set(surface.id, surface);
		}
		surface.place(message);
		this.view.placed(surface);
	}

	/** @param {number} id */
	gone(id) {
		if (this.surfaces.delete(id)) {
			this.view.removed(id);
		}
	}

	/** @param {Record<string, any>} message */
	rect(message) {
		const surface = this.known(message.surface);
		surface.check(/** @type {any} */ (message));
		this.counters.rects++;
		if (message.codec !== CODEC_JPEG) {
			surface.put(/** @type {any} */ (message), this.codecs.decode(message));
			return;
		}
		const generation = this.generation;
		this.decoding = true;
		message.pixels.then((/** @type {Uint8ClampedArray} */ rgba) => {
			if (generation === this.generation) {
				surface.put(/** @type {any} */ (message), rgba);
				this.drain();
			}
		}).catch((/** @type {any} */ error) => {
			if (generation === this.generation) {
				this.stream.fail(error);
			}
		});
	}

	drain() {
		this.decoding = false;
		while (!this.decoding && this.waiting.length > 0) {
			this.apply(/** @type {Record<string, any>} */ (this.waiting.shift()));
		}
	}

	/** @param {Record<string, any>} message */
	frame(message) {
		const surface = this.surfaces.get(message.surface);
		if (surface) {
			surface.shown = true;
			this.view.present(surface);
			surface.dirty = [];
		}
		this.counters.frames++;
		this.stream.ack(message.sequence, message);
	}
}
