// @ts-check
// Shapes of wp_cursor_shape_device_v1 (the index is the shape's number) as CSS names.

const NAMES = [
	"none", "default", "context-menu", "help", "pointer", "progress", "wait", "cell", "crosshair",
	"text", "vertical-text", "alias", "copy", "move", "no-drop", "not-allowed", "grab", "grabbing",
	"e-resize", "n-resize", "ne-resize", "nw-resize", "s-resize", "se-resize", "sw-resize",
	"w-resize", "ew-resize", "ns-resize", "nesw-resize", "nwse-resize", "col-resize", "row-resize",
	"all-scroll", "zoom-in", "zoom-out", "alias", "move",
];

/** The cursor is a surface's picture. */
export const SHAPE_SURFACE = 255;

/** @param {number} shape */
export function cursorName(shape) {
	return NAMES[shape] ?? "default";
}
