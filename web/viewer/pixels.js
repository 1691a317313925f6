// @ts-check
// Decodes the rectangles of the display stream (protocol/README.md, rect.codec) to R G B A.

/** Decodes JPEGs with the browser's own decoder. */
class JpegDecoder {
	constructor() {
		/** @type {OffscreenCanvas | null} */
		this.canvas = null;
	}

	/**
	 * @param {Record<string, any>} message rect
	 * @returns {Promise<Uint8ClampedArray>}
	 */
	async decode({ width, height, data }) {
		const bitmap = await createImageBitmap(new Blob([data], { type: "image/jpeg" }),
			{ colorSpaceConversion: "none", premultiplyAlpha: "none" });
		try {
			if (bitmap.width !== width || bitmap.height !== height) {
				throw new Error("a JPEG has another size than its rectangle");
			}
			return this.read(bitmap);
		} finally {
			bitmap.close();
		}
	}

	/** @param {ImageBitmap} bitmap */
	read(bitmap) {
		const { width, height } = bitmap;
		if (!this.canvas || this.canvas.width < width || this.canvas.height < height) {
			this.canvas = new OffscreenCanvas(Math.max(width, this.canvas?.width ?? 0),
				Math.max(height, this.canvas?.height ?? 0));
		}
		const context = this.canvas.getContext("2d", { willReadFrequently: true, alpha: false });
		if (!context) {
			throw new Error("this browser has no canvas");
		}
		context.drawImage(bitmap, 0, 0);
		return context.getImageData(0, 0, width, height).data;
	}
}

/**
 * @param {import("./decoder.js").Decoder} decoder for everything but JPEG
 * @returns {import("./frames.js").Codecs}
 */
export function createCodecs(decoder) {
	const jpeg = new JpegDecoder();
	return {
		decode: ({ codec, data, width, height }) => decoder.decode(codec, data, width, height),
		decodeLater: (message) => jpeg.decode(message),
	};
}
