// What dnsmasq and nginx cannot do in the lab: a name that changes its address with every question, and a
// WebSocket that sends back what it gets.
import crypto from "node:crypto";
import dgram from "node:dgram";
import http from "node:http";

const REBIND = [[198, 18, 0, 1], [10, 66, 0, 10]];
let asked = 0;

const dns = dgram.createSocket("udp4");
dns.on("message", (question, from) => {
	let end = 12;
	while (end < question.length && question[end] !== 0) {
		end += question[end] + 1;
	}
	end += 5;
	if (end > question.length) {
		return;
	}
	const isA = question.readUInt16BE(end - 4) === 1;
	const head = Buffer.from(question.subarray(0, end));
	head.writeUInt16BE(0x8580, 2);
	head.writeUInt16BE(isA ? 1 : 0, 6);
	head.writeUInt32BE(0, 8);
	const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...REBIND[asked % 2]]);
	asked += isA ? 1 : 0;
	dns.send(isA ? Buffer.concat([head, record]) : head, from.port, from.address);
});
dns.bind(5353, "198.18.0.1");

/** Unmasks a client's frame and sends it back as a server's. Short frames only. */
function echo(socket, frame) {
	const opcode = frame[0] & 15;
	const len = frame[1] & 127;
	if (opcode === 8 || len > 125 || frame.length < 6 + len) {
		socket.end();
		return;
	}
	const mask = frame.subarray(2, 6);
	const text = Buffer.from(frame.subarray(6, 6 + len)).map((byte, i) => byte ^ mask[i % 4]);
	socket.write(Buffer.concat([Buffer.from([0x80 | opcode, len]), text]));
	if (frame.length > 6 + len) {
		echo(socket, frame.subarray(6 + len));
	}
}

const web = http.createServer((_request, response) => response.writeHead(426).end());
web.on("upgrade", (request, socket) => {
	const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	const accept = crypto.createHash("sha1").update(key).digest("base64");
	socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		`Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
	socket.on("data", (frame) => echo(socket, frame));
	socket.on("error", () => socket.destroy());
});
web.listen(8081, "127.0.0.1");
