// @ts-check
// Light, dark, or as the system has it. The choice is kept in this browser.

const KEY = "safeweb.theme";

/** @typedef {"auto" | "light" | "dark"} Theme */

/** @returns {Theme} */
export function currentTheme() {
	const theme = document.documentElement.dataset.theme;
	return theme === "light" || theme === "dark" ? theme : "auto";
}

/** @param {string | null} theme */
export function setTheme(theme) {
	if (theme === "light" || theme === "dark") {
		document.documentElement.dataset.theme = theme;
	} else {
		delete document.documentElement.dataset.theme;
	}
	try {
		localStorage.setItem(KEY, currentTheme());
	} catch {
		// Without storage the choice lasts as long as the page.
	}
}

export function restoreTheme() {
	try {
		setTheme(localStorage.getItem(KEY));
	} catch {
		setTheme(null);
	}
}
