// @ts-check
// The client's code style. `npm run lint`.

const browser = Object.fromEntries([
	"window", "document", "navigator", "location", "history", "console", "performance", "crypto",
	"fetch", "WebSocket", "URL", "URLSearchParams", "Blob", "ImageData", "OffscreenCanvas",
	"createImageBitmap", "TextEncoder", "TextDecoder", "WebAssembly", "setTimeout", "clearTimeout",
	"requestAnimationFrame", "cancelAnimationFrame", "ResizeObserver", "matchMedia", "localStorage",
	"devicePixelRatio", "innerWidth", "innerHeight", "getComputedStyle", "MessageChannel", "HTMLElement", "HTMLInputElement", "HTMLTextAreaElement", "Element",
	"Event", "AbortController", "AbortSignal", "atob", "btoa", "structuredClone", "queueMicrotask",
].map((name) => [name, "readonly"]));
const node = { process: "readonly", Buffer: "readonly", setImmediate: "readonly",
	__dirname: "readonly", clearInterval: "readonly", setInterval: "readonly" };

export default [
	{ ignores: ["**/wire-messages.js", "**/decoder.js", "node_modules/", "build*/"] },
	{
		files: ["**/*.js", "**/*.mjs"],
		linterOptions: { reportUnusedDisableDirectives: "error" },
		languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: { ...browser, ...node } },
		rules: {
			"array-callback-return": "error",
			complexity: ["error", 20],
			"consistent-return": "error",
			curly: ["error", "all"],
			"default-case-last": "error",
			eqeqeq: "error",
			"max-lines": ["error", 800],
			"max-lines-per-function": ["error", { max: 100, skipComments: true }],
			"max-params": ["error", 5],
			"max-depth": ["error", 3],
			"no-alert": "error",
			"no-cond-assign": "error",
			"no-console": "error",
			"no-const-assign": "error",
			"no-dupe-args": "error",
			"no-dupe-class-members": "error",
			"no-dupe-else-if": "error",
			"no-dupe-keys": "error",
			"no-duplicate-case": "error",
			"no-empty": "error",
			"no-eval": "error",
			"no-fallthrough": "error",
			"no-implied-eval": "error",
			"no-new-func": "error",
			"no-redeclare": "error",
			"no-self-assign": "error",
			"no-shadow": "error",
			"no-undef": "error",
			"no-unreachable": "error",
			"no-unused-private-class-members": "error",
			"no-unused-vars": "error",
			"no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
			"no-var": "error",
			"prefer-const": "error",
			"require-await": "error",
			"no-restricted-properties": ["error",
				...["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc"].map((property) => ({
					property, message: "Text goes in by textContent, elements by dom.js.",
				}))],
		},
	},
	{
		files: ["web/tests/*.js", "tests/**", "bench/**"],
		rules: {
			"max-depth": "off", "max-lines-per-function": "off", "no-console": "off",
			"no-empty": "off", "no-shadow": "off", "require-await": "off",
		},
	},
];
