// Servers that break the protocol, on real sockets: a client throws nothing, reconnects seldom, and ends when its program leaves.
// All of them at once, for two seconds.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { host, watch } from "../index.js";
import { RTBroadcaster } from "../rtbroadcaster.js";
import { ROOM } from "./script.mjs";

/** How long each server is tested, in milliseconds. */
const TIME_MS = 2_000;

/** With the delays of these tests: at once, and after 250, 500 and 1 000 ms. */
const CONNECTIONS_MAX = 8;

const PROTOCOL = "Sec-WebSocket-Protocol: rtbroadcaster.v2\r\n";

/** Returns the answer to a handshake, with these additional headers. */
const switching = (key, more = PROTOCOL) =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n${more}\r\n`;

/** Returns the value of `Sec-WebSocket-Accept`. */
function keyFor(request) {
  const [, key] = /sec-websocket-key: (\S+)/i.exec(request) ?? [];
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** Returns a frame of a server. */
function frame(first, payload) {
  const body = Buffer.from(payload);
  const length = body.length < 126 ? [body.length] : [126, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

const TEXT = 0x81;
const CLOSE = 0x88;
const PING = 0x89;

/** Answers the handshake correctly, and then sends this. */
const then = (...all) => (socket, request) => {
  socket.write(switching(keyFor(request)));
  for (const bytes of all) socket.write(typeof bytes === "string" ? frame(TEXT, bytes) : bytes);
};

/** Answers the handshake with this text. */
const answers = (text) => (socket) => socket.end(text);

/** Sends the same again whenever the other side has taken it, at most `count` times. */
const floods = (bytes, count) => (socket, request) => {
  socket.pause();
  socket.write(switching(keyFor(request)));
  let left = count;
  const more = () => {
    while (left-- > 0) if (!socket.write(bytes)) return socket.once("drain", more);
  };
  more();
};

const TABLE = {
  "an answer 200": answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"),
  "an answer 200 whose body never ends": (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\nOK"),
  "a redirect to itself": answers("HTTP/1.1 301 Moved\r\nLocation: /broadcasting\r\nContent-Length: 0\r\n\r\n"),
  "a redirect to a file": answers("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
  "an answer 400": answers("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "an answer 401 that asks for a password": answers("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n"),
  "an answer 404": answers("HTTP/1.1 404 Not Found\r\n\r\n"),
  "an answer 429 with more seconds than there are": answers("HTTP/1.1 429 Too Many\r\nRetry-After: 18446744073709551615\r\n\r\n"),
  "an answer 503 that wants to be asked at once": answers("HTTP/1.1 503 Unavailable\r\nRetry-After: 0\r\n\r\n"),
  "an answer 100 and nothing more": (socket) => socket.write("HTTP/1.1 100 Continue\r\n\r\n"),
  "a status that is none": answers("HTTP/1.1 -7 \r\n\r\n"),
  "an answer of another protocol": answers("SSH-2.0-OpenSSH_9.9\r\n"),
  "an upgrade without a key": answers("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
  "an upgrade with a wrong key": answers(switching("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
  "an upgrade without a protocol": (socket, request) => socket.write(switching(keyFor(request), "")),
  "an upgrade to another protocol": (socket, request) => socket.write(switching(keyFor(request), "Sec-WebSocket-Protocol: mqtt\r\n")),
  "an upgrade with an extension that was not asked for": (socket, request) =>
    socket.write(switching(keyFor(request), `${PROTOCOL}Sec-WebSocket-Extensions: x\r\n`)),
  "headers without end": (socket) => socket.write(`HTTP/1.1 101 Switching Protocols\r\n${"X: y\r\n".repeat(20_000)}`),
  "half a head": (socket) => socket.write("HTTP/1.1 101 Switch"),
  "silence": () => {},
  "an end at once": (socket) => socket.end(),
  "a reset at once": (socket) => socket.resetAndDestroy(),
  "silence behind the upgrade": then(),
  "an end behind the upgrade": (socket, request) => socket.end(switching(keyFor(request))),
  "noise behind the upgrade": then(Buffer.from("GET / HTTP/1.1\r\n\r\n")),
  "a text that is no UTF-8": then(frame(TEXT, [0xff, 0xfe])),
  "a frame of bytes": then(frame(0x82, [1, 2, 3])),
  "an opcode that is none": then(frame(0x83, [])),
  "a frame with a bit of an extension": then(frame(0xc1, "{}")),
  "a frame that says it is 2^63 bytes long": then(Buffer.from([TEXT, 127, 255, 255, 255, 255, 255, 255, 255, 255])),
  "the middle of a message without its begin": then(frame(0x80, "{}")),
  "a message in fragments without end": floods(Buffer.concat([frame(0x01, "x"), ...Array(1_000).fill(frame(0x00, "x"))]), 1),
  "pings that are not read": floods(Buffer.concat(Array(1_000).fill(frame(PING, "x".repeat(100)))), 100),
  "text that is no JSON, without end": floods(frame(TEXT, "{"), 10_000),
  "a ping that is too long": then(frame(PING, "x".repeat(126))),
  "a close with a code that is none": then(frame(CLOSE, [0x03, 0xec])),
  "a close with half a code": then(frame(CLOSE, [0x03])),
  "a close whose reason is no UTF-8": then(frame(CLOSE, [0x0f, 0xa0, 0xff])),
  "a close without a code": then(frame(CLOSE, [])),
  "a close 4000 and an end": then(frame(CLOSE, [0x0f, 0xa0])),
};

/** Serves one row, and counts its connections. */
async function serve(does) {
  const sockets = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", (request) => does(socket, String(request)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, sockets, address: `ws://127.0.0.1:${server.address().port}/broadcasting` };
}

const ENDS = {
  viewer(address, options) {
    const show = watch(address, ROOM, options);
    return () => show.leave();
  },
  owner(address, options) {
    const stop = new AbortController();
    host(address, { ...options, signal: stop.signal }).catch(() => {});
    return () => stop.abort();
  },
  classic(address, { WebSocket, reconnect, answerTimeoutMs }) {
    const room = new RTBroadcaster(address, { WebSocket, reconnect, connectTimeoutMs: answerTimeoutMs, uuid: ROOM, onError() {} });
    return () => room.close();
  },
};

for (const [end, begin] of Object.entries(ENDS)) {
  test(`${Object.keys(TABLE).length} servers that are none are met seldom, and left when the ${end} is told to`, async (t) => {
    const unhandled = [];
    const hear = (error) => unhandled.push(error);
    for (const type of ["unhandledRejection", "uncaughtException"]) {
      process.on(type, hear);
      t.after(() => process.off(type, hear));
    }
    const reported = t.mock.method(console, "error", () => {});
    const options = { WebSocket, answerTimeoutMs: 300, reconnect: { random: () => 0.5 } };
    const rows = await Promise.all(Object.entries(TABLE).map(async ([what, does]) => ({ what, ...(await serve(does)) })));
    t.after(() => {
      for (const { server, sockets } of rows) {
        server.close();
        for (const socket of sockets) socket.destroy();
      }
    });
    const ends = rows.map(({ address }) => begin(address, options));
    // The connections are counted over a fixed time: no event would show that there are no more.
    await new Promise((resolve) => setTimeout(resolve, TIME_MS));
    for (const over of ends) over();
    const counts = rows.map(({ what, sockets }) => [what, sockets.length]);
    assert.deepEqual(counts.filter(([, count]) => count < 1 || count > CONNECTIONS_MAX), []);
    assert.deepEqual(unhandled, []);
    assert.deepEqual(reported.mock.calls.map(({ arguments: [error] }) => error), []);
    assert.ok(process.memoryUsage().arrayBuffers < 256 * 1024 * 1024);
  });
}
