// @ts-check
// Mouse, pen, touch and wheel on the page area.

/** Bits of PointerEvent.buttons and Linux's codes for them. */
const BUTTONS = [[1, 0x110], [2, 0x111], [4, 0x112], [8, 0x113], [16, 0x114]];
const TOUCH_DOWN = 0;
const TOUCH_MOVE = 1;
const TOUCH_UP = 2;
const TOUCH_CANCEL = 3;
/** Logical pixels of a line, for mice that count in lines: a notch of three lines is about 100. */
const LINE_PX = 100 / 3;
const NOTCH = 120;
/** Movement of a pinch on a touchpad that changes the zoom by one step. */
const PINCH_STEP = 40;

/**
 * Whole notches of a mouse's wheel, 0 when it is a touchpad's fine movement.
 * @param {number} wheelDelta as WheelEvent has it: 120 a notch, positive up or left
 */
export function notchesOf(wheelDelta) {
	return wheelDelta !== 0 && wheelDelta % NOTCH === 0 ? -wheelDelta : 0;
}

/**
 * @param {number} delta
 * @param {number} mode WheelEvent.deltaMode
 * @param {number} pagePx size of the area in that direction
 */
export function wheelPixels(delta, mode, pagePx) {
	if (mode === 1) {
		return delta * LINE_PX;
	}
	return mode === 2 ? delta * pagePx : delta;
}

/** @param {number} value logical pixels */
function fixed(value) {
	return Math.round(Math.max(-8_000_000, Math.min(8_000_000, value)) * 256);
}

export class Pointer {
	/**
	 * @param {import("./screen.js").Screen} screen
	 * @param {(name: string, values: Record<string, any>) => void} input
	 * @param {{focus: (touch: boolean) => void, zoomStep: (direction: number) => void,
	 *          gesture: () => void}} owner
	 */
	constructor(screen, input, owner) {
		this.screen = screen;
		this.input = input;
		this.owner = owner;
		/** The buttons the server knows to be down. */
		this.buttons = 0;
		/** Surface that has the pointer while a button is down. */
		this.grabbed = 0;
		/** @type {PointerEvent | null} */
		this.motion = null;
		this.scheduled = false;
		/** Surface and point that the server was told last. */
		this.place = "";
		this.inside = false;
		/** @type {Map<number, {point: number, surface: number}>} */
		this.touches = new Map();
		this.wheelX = 0;
		this.wheelY = 0;
		this.notchesX = 0;
		this.notchesY = 0;
		this.pinch = 0;
		this.listen(screen.area);
	}

	/** @param {HTMLElement} area */
	listen(area) {
		area.addEventListener("pointerdown", (event) => this.pressed(event));
		area.addEventListener("pointermove", (event) => this.moved(event));
		area.addEventListener("pointerup", (event) => this.released(event));
		area.addEventListener("pointercancel", (event) => this.released(event));
		area.addEventListener("pointerleave", () => this.left());
		area.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
		for (const kind of ["contextmenu", "mousedown", "mouseup", "auxclick", "dragstart"]) {
			area.addEventListener(kind, (event) => event.preventDefault());
		}
	}

	/** @param {PointerEvent} event */
	pressed(event) {
		event.preventDefault();
		this.owner.focus(event.pointerType === "touch");
		this.owner.gesture();
		this.capture(event);
		if (event.pointerType === "touch") {
			this.touch(event, TOUCH_DOWN);
			return;
		}
		this.grabbed = this.buttons === 0
			? this.screen.surfaceAt(event.clientX, event.clientY)?.id ?? 0 : this.grabbed;
		this.moveTo(event);
		this.setButtons(event.buttons);
	}

	/** @param {PointerEvent} event */
	capture(event) {
		try {
			this.screen.area.setPointerCapture(event.pointerId);
		} catch {
			// A pointer that is gone already needs none.
		}
	}

	/** @param {PointerEvent} event */
	moved(event) {
		if (event.pointerType === "touch") {
			this.touch(event, TOUCH_MOVE);
			return;
		}
		this.inside = true;
		this.motion = event;
		if (event.buttons !== this.buttons) {
			this.flush();
			this.setButtons(event.buttons);
		} else if (!this.scheduled) {
			// The first movement of a picture's time goes at once, the last when that time is over.
			this.flush();
			this.scheduled = true;
			requestAnimationFrame(() => {
				this.scheduled = false;
				this.flush();
			});
		}
	}

	/** @param {PointerEvent} event */
	released(event) {
		this.owner.gesture();
		if (event.pointerType === "touch") {
			this.touch(event, event.type === "pointercancel" ? TOUCH_CANCEL : TOUCH_UP);
			return;
		}
		if (event.type !== "pointercancel") {
			this.moveTo(event);
		}
		this.setButtons(event.type === "pointercancel" ? 0 : event.buttons);
	}

	left() {
		this.motion = null;
		if (this.inside && this.buttons === 0) {
			this.place = "";
			this.input("pointer_leave", {});
		}
		this.inside = false;
	}

	/** Sends the movement that waits. */
	flush() {
		if (this.motion) {
			this.moveTo(this.motion);
			this.motion = null;
		}
	}

	/** @param {PointerEvent | WheelEvent} event */
	moveTo(event) {
		this.motion = null;
		const surface = (this.grabbed && this.screen.surface(this.grabbed))
			|| this.screen.surfaceAt(event.clientX, event.clientY);
		this.screen.moveDragIcon(event.clientX, event.clientY);
		if (surface) {
			const { x, y } = this.screen.inside(surface, event.clientX, event.clientY);
			const place = `${surface.id} ${x} ${y}`;
			if (place !== this.place) {
				this.place = place;
				this.input("pointer_motion", { surface: surface.id, x: fixed(x), y: fixed(y) });
			}
		}
	}

	/** @param {number} buttons as in PointerEvent.buttons */
	setButtons(buttons) {
		for (const [bit, code] of BUTTONS) {
			if ((buttons ^ this.buttons) & bit) {
				this.input("pointer_button", { button: code, pressed: buttons & bit ? 1 : 0 });
			}
		}
		this.buttons = buttons;
		if (buttons === 0) {
			this.grabbed = 0;
		}
	}

	/** @param {PointerEvent} event @param {number} phase */
	touch(event, phase) {
		let touch = this.touches.get(event.pointerId);
		if (!touch && phase === TOUCH_DOWN) {
			const surface = this.screen.surfaceAt(event.clientX, event.clientY);
			if (!surface) {
				return;
			}
			touch = { point: this.freePoint(), surface: surface.id };
			this.touches.set(event.pointerId, touch);
		}
		const surface = touch && this.screen.surface(touch.surface);
		if (phase === TOUCH_UP || phase === TOUCH_CANCEL) {
			this.touches.delete(event.pointerId);
		}
		if (touch) {
			const { x, y } = surface ? this.screen.inside(surface, event.clientX, event.clientY)
				: { x: 0, y: 0 };
			this.input("touch", {
				phase, point: touch.point, surface: touch.surface, x: fixed(x), y: fixed(y),
			});
		}
	}

	/** Lowest number no finger has. */
	freePoint() {
		const used = new Set([...this.touches.values()].map(({ point }) => point));
		let point = 0;
		while (used.has(point)) {
			point++;
		}
		return point;
	}

	/** @param {WheelEvent} event */
	wheel(event) {
		event.preventDefault();
		if (event.ctrlKey) {
			this.pinched(event);
			return;
		}
		const { clientWidth, clientHeight } = this.screen.area;
		this.wheelX += wheelPixels(event.deltaX, event.deltaMode, clientWidth);
		this.wheelY += wheelPixels(event.deltaY, event.deltaMode, clientHeight);
		this.notchesX += notchesOf(/** @type {any} */ (event).wheelDeltaX ?? 0);
		this.notchesY += notchesOf(/** @type {any} */ (event).wheelDeltaY ?? 0);
		if (!this.inside) {
			this.inside = true;
			this.moveTo(event);
		}
		this.flush();
		this.sendWheel();
	}

	sendWheel() {
		const clamp = (/** @type {number} */ value) => Math.max(-32_000, Math.min(32_000, value));
		this.input("wheel", {
			dx: fixed(this.wheelX),
			dy: fixed(this.wheelY),
			notches_x: clamp(this.notchesX),
			notches_y: clamp(this.notchesY),
		});
		this.wheelX = this.wheelY = this.notchesX = this.notchesY = 0;
	}

	/** @param {WheelEvent} event a wheel with Control, or a pinch */
	pinched(event) {
		this.pinch += wheelPixels(event.deltaY, event.deltaMode, this.screen.area.clientHeight);
		if (Math.abs(this.pinch) >= PINCH_STEP) {
			this.owner.zoomStep(this.pinch < 0 ? 1 : -1);
			this.pinch = 0;
		}
	}

	/** Forgets what is down: the server has forgotten too. */
	reset() {
		this.buttons = 0;
		this.grabbed = 0;
		this.motion = null;
		this.place = "";
		this.touches.clear();
	}
}
