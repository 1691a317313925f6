// @ts-check
// Elements without markup: everything that shows text goes through textContent.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element of the page that must be there.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
	const found = document.getElementById(id);
	if (!found) {
		throw new Error(`the page has no #${id}`);
	}
	return found;
}

/**
 * @param {string} tag
 * @param {Record<string, string | boolean>} [attributes] true sets an empty one, false leaves it out
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, attributes = {}, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value !== false) {
			made.setAttribute(name, value === true ? "" : value);
		}
	}
	made.append(...children);
	return made;
}

/**
 * One symbol of icons.svg.
 * @param {string} name
 */
export function icon(name) {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	const use = document.createElementNS(SVG, "use");
	use.setAttribute("href", `assets/icons.svg#${name}`);
	svg.append(use);
	return svg;
}

/**
 * Changes which symbol a button shows.
 * @param {Element} button
 * @param {string} name
 */
export function setIcon(button, name) {
	button.querySelector("use")?.setAttribute("href", `assets/icons.svg#${name}`);
}

/**
 * Shows one of several elements and hides the others.
 * @param {Iterable<HTMLElement>} all
 * @param {HTMLElement | null} shown
 */
export function showOnly(all, shown) {
	for (const one of all) {
		one.hidden = one !== shown;
	}
}
