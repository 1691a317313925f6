// @ts-check
// The gateway's HTTP interface (protocol/README.md).

export class ApiError extends Error {
	/**
	 * @param {number} status 0 when the server was not reached
	 * @param {string} code
	 * @param {string} message
	 * @param {number} retryAfterS 0 when the server did not say
	 */
	constructor(status, code, message, retryAfterS) {
		super(message);
		this.status = status;
		this.code = code;
		this.retryAfterS = retryAfterS;
	}
}

/** Longest the server may take: it starts a browser at most. */
const TIMEOUT_MS = 30_000;

/** @param {Response} response */
function retryAfter(response) {
	const value = Number(response.headers.get("Retry-After"));
	return Number.isFinite(value) && value > 0 ? Math.min(Math.ceil(value), 3600) : 0;
}

/**
 * @param {string} method
 * @param {string} path relative to api/v1/
 * @param {object} [body]
 * @returns {Promise<any>} the answer's JSON, or null when it has none
 */
async function request(method, path, body) {
	let response;
	try {
		response = await fetch(`api/v1/${path}`, {
			method,
			credentials: "same-origin",
			cache: "no-store",
			redirect: "error",
			headers: body ? { "Content-Type": "application/json" } : {},
			body: body && JSON.stringify(body),
			signal: AbortSignal.timeout(TIMEOUT_MS),
		});
	} catch {
		throw new ApiError(0, "no_connection", "The server could not be reached.", 0);
	}
	const answer = await response.json().catch(() => null);
	if (!response.ok) {
		const { code = "", message = "" } = answer?.error ?? {};
		throw new ApiError(response.status, String(code), String(message), retryAfter(response));
	}
	return answer;
}

/** @param {string} username @param {string} password */
export function login(username, password) {
	return request("POST", "login", { username, password });
}

export function logout() {
	return request("POST", "logout", {});
}

export function me() {
	return request("GET", "me");
}

/** The user's session: the live one, or a new one. */
export function openSession() {
	return request("POST", "sessions", {});
}

/** @param {string} id */
export function endSession(id) {
	return request("DELETE", `sessions/${encodeURIComponent(id)}`);
}

/** @param {string} id @returns {Promise<string>} */
export async function ticket(id) {
	const answer = await request("POST", `sessions/${encodeURIComponent(id)}/ticket`, {});
	return String(answer.ticket);
}
