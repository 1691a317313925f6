// @ts-check
// Coded rectangles to pixels, by decoder.wasm (src/codec/wasm). JPEG is not decoded here: give it to
// createImageBitmap.

/** Values of rect.codec (protocol/README.md). */
export const CODEC = { raw: 0, solid: 1, zstd: 2, jpeg: 3, zstdAlpha: 4 };

/** A coded rectangle has at most this many pixels. */
export const MAX_PIXELS = 1024 * 1024;

export class DecodeError extends Error {}

export class Decoder {
	/** @param {WebAssembly.Instance} instance */
	constructor(instance) {
		const exports = /** @type {any} */ (instance.exports);
		/** @type {WebAssembly.Memory} */
		this.memory = exports.memory;
		this.input = exports.input;
		this.output = exports.output;
		this.run = exports.decode;
	}

	/**
	 * Decodes one rectangle.
	 * @param {number} codec rect.codec, not JPEG
	 * @param {Uint8Array} data rect.data
	 * @param {number} width
	 * @param {number} height
	 * @returns {Uint8ClampedArray<ArrayBuffer>} width × height × 4 bytes R G B A, not premultiplied, as
	 *   ImageData takes them: a view that the next call overwrites
	 * @throws {DecodeError} when the data is not that rectangle
	 */
	decode(codec, data, width, height) {
		const at = this.input(data.length);
		if (at === 0) {
			throw new DecodeError(`coded rectangle of ${data.length} bytes is too long`);
		}
		new Uint8Array(this.memory.buffer, at, data.length).set(data);
		const code = this.run(codec, data.length, width, height);
		if (code !== 0) {
			throw new DecodeError(`bad rectangle: codec ${codec}, ${width}×${height}, error ${code}`);
		}
		const buffer = /** @type {ArrayBuffer} */ (this.memory.buffer);
		return new Uint8ClampedArray(buffer, this.output(), width * height * 4);
	}

	/**
	 * Decodes one rectangle into a picture of R G B A bytes.
	 * @param {number} codec
	 * @param {Uint8Array} data
	 * @param {{x: number, y: number, width: number, height: number}} rect inside the picture
	 * @param {Uint8ClampedArray | Uint8Array} picture
	 * @param {number} pictureWidth pixels in a row
	 */
	decodeInto(codec, data, rect, picture, pictureWidth) {
		const pixels = this.decode(codec, data, rect.width, rect.height);
		for (let y = 0; y < rect.height; y++) {
			const row = pixels.subarray(y * rect.width * 4, (y + 1) * rect.width * 4);
			picture.set(row, ((rect.y + y) * pictureWidth + rect.x) * 4);
		}
	}
}

/**
 * @param {string | URL | BufferSource} source where decoder.wasm is, or its bytes
 * @returns {Promise<Decoder>}
 */
export async function createDecoder(source) {
	if (typeof source === "string" || source instanceof URL) {
		const { instance } = await WebAssembly.instantiateStreaming(fetch(source), {});
		return new Decoder(instance);
	}
	const { instance } = await WebAssembly.instantiate(source, {});
	return new Decoder(instance);
}
