// Starts the real gateway in folders of its own, with a scripted node.
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { makeClient } from "./client.mjs";
import { Node } from "./node.mjs";

export const PASSWORD = "correct horse";
const program = process.env.SAFEWEB_GATEWAY ?? "";

async function freePort() {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
	const { port } = /** @type {net.AddressInfo} */ (server.address());
	await new Promise((resolve) => server.close(() => resolve(null)));
	return port;
}

export class World {
	static async make({ env = {}, node = true } = {}) {
		const world = new World();
		world.folder = fs.mkdtempSync(path.join(os.tmpdir(), "safeweb-gateway-"));
		fs.chmodSync(world.folder, 0o711);
		world.state = path.join(world.folder, "state");
		world.assets = path.join(world.folder, "viewer");
		for (const folder of ["state", "run", "viewer", "viewer/sub"]) {
			fs.mkdirSync(path.join(world.folder, folder), { mode: 0o755 });
		}
		fs.writeFileSync(path.join(world.assets, "index.html"), "<!doctype html><title>viewer</title>");
		fs.writeFileSync(path.join(world.assets, "app.js"), "export const answer = 42;\n");
		fs.writeFileSync(path.join(world.assets, "sub/big.wasm"), Buffer.alloc(3_000_000, "w"));
		fs.writeFileSync(path.join(world.assets, "secret.key"), "never served");
		fs.symlinkSync("/etc/passwd", path.join(world.assets, "link.txt"));
		world.port = await freePort();
		world.env = { SAFEWEB_STATE: world.state, SAFEWEB_RUN: path.join(world.folder, "run"),
			SAFEWEB_PORT: String(world.port), SAFEWEB_LISTEN: "127.0.0.1",
			SAFEWEB_ADMIN_PASSWORD: PASSWORD,
			// The leak check traces the process, which its own sandbox forbids.
			ASAN_OPTIONS: "detect_leaks=0", ...env };
		world.node = new Node(path.join(world.folder, "run/node.sock"));
		if (node) {
			await world.node.start();
		}
		await world.startGateway();
		return world;
	}

	async startGateway() {
		const args = ["--assets", this.assets];
		if (process.getuid?.() === 0) {
			args.push("--uid", "61001", "--gid", "61001");
		}
		this.stdout = "";
		this.stderr = "";
		this.process = spawn(program, args, { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
		this.exit = new Promise((resolve) => this.process.on("exit",
			(code, signal) => resolve(signal ?? code)));
		this.process.stderr.on("data", (bytes) => { this.stderr += bytes; });
		await new Promise((resolve, reject) => {
			this.process.stdout.on("data", (bytes) => {
				this.stdout += bytes;
				if (/^serving \d+$/m.test(this.stdout)) {
					resolve(null);
				}
			});
			this.exit.then((code) => reject(new Error(`the gateway ended with ${code}: ${this.stderr}`)));
		});
		if (this.node.server?.listening) {
			await this.node.until(() => this.node.controls.size === 1, "the gateway");
		}
	}

	async stopGateway() {
		this.process.kill("SIGTERM");
		return this.exit;
	}

	client() {
		return makeClient(this.port);
	}

	/** A client that is logged in. */
	async user(name = "admin", password = PASSWORD) {
		const client = this.client();
		const answer = await client.login(name, password);
		if (answer.status !== 200) {
			throw new Error(`cannot log in: ${answer.status} ${answer.text}`);
		}
		return client;
	}

	/** A logged-in client with a session and its open stream. */
	async stream(client) {
		const user = client ?? (this.someone ??= await this.user());
		const { id, ticket, resumed } = await user.openSession();
		const before = this.node.streams.length;
		const socket = await user.socket(ticket);
		await this.node.until(() => this.node.streams.length > before, "the stream");
		return { user, id, resumed, socket, far: this.node.streams.at(-1) };
	}

	alive() {
		return this.process.exitCode === null && this.process.signalCode === null;
	}

	async end() {
		const code = this.alive() ? await this.stopGateway() : this.process.exitCode;
		if (this.node.server?.listening) {
			await this.node.stop();
		}
		fs.rmSync(this.folder, { recursive: true, force: true });
		if (code !== 0) {
			throw new Error(`the gateway ended with ${code}: ${this.stderr}`);
		}
	}
}
