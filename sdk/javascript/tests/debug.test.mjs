// The option `debug`: the lines of each level, their destination, and that no line has a secret.

import assert from "node:assert/strict";
import { test } from "node:test";
import { within } from "../../../protocol/deadline.mjs";
import { own } from "../index.js";
import { watch } from "../viewer.js";
import { KEY, ROOM, Server, state } from "./script.mjs";

const URL = "ws://example.org/b";

/** Waits for the next connection, which waits until the log is loaded. */
async function accepts(server, count) {
  await within((async () => {
    while (server.peers.length < count) await new Promise((resolve) => setTimeout(resolve));
  })(), "a connection");
  return server.accept(count);
}

/** Returns the lines of a viewer and an owner with this `debug`, or with a function of `lines`. */
async function linesOf(t, debugOf, more = {}) {
  const lines = [];
  const debug = debugOf((line) => lines.push(line));
  const server = new Server();
  const WebSocket = class extends server.WebSocket {
    #events = new EventTarget();
    addEventListener(...terms) {
      this.#events.addEventListener(...terms);
    }
    deliver(data) {
      this.#events.dispatchEvent(Object.assign(new Event("message"), { data }));
      super.deliver(data);
    }
  };
  const options = { WebSocket, debug, share: false, ...more };
  const show = watch(URL, ROOM, options);
  t.after(() => show.leave());
  const first = await accepts(server, 1);
  first.joins({ seq: 1, replay: 1, viewer: { number: 7, key: VIEWER_KEY } });
  first.says(state(1, "slide", "a word"));
  await show.entered;
  first.cuts();
  show.reconnect();
  (await accepts(server, 2)).joins({ how: "resumed", seq: 1, replay: 0 });
  show.leave();
  const room = own(URL, options);
  t.after(() => room.leave());
  const peer = await accepts(server, 3);
  peer.creates();
  await room.entered;
  void room.publish("slide", ["a word"], { state: true });
  peer.acks(1);
  peer.cuts();
  room.reconnect();
  (await accepts(server, 4)).owned({ seq: 1, term: 2 }, state(1, "slide", "a word"));
  room.leave();
  // The log is loaded, and has written the lines.
  await import("../debug.js");
  await new Promise((resolve) => setImmediate(resolve));
  return lines;
}

const VIEWER_KEY = "v".repeat(24);
/** Short, and with a character that JSON escapes. */
const TOKEN = 'hu"shed\\';
const SECRETS = [KEY, VIEWER_KEY, TOKEN, JSON.stringify(TOKEN).slice(1, -1), "shed"];

const STATUS = /^rtbroadcaster: \{"name":/;
const FRAME = /^rtbroadcaster: [<>] \w+, \d+ characters$/;

for (const [what, debugOf] of [
  ["a function", (log) => log],
  ["{ log }", (log) => ({ log })],
]) {
  test(`${what} gets each status and nothing else`, async (t) => {
    const lines = await linesOf(t, debugOf);
    assert.ok(lines.length >= 6, lines.join("\n"));
    assert.deepEqual(lines.filter((line) => !STATUS.test(line)), []);
  });
}

test('"frames" tells the kind and length of each frame, and nothing that is in it', async (t) => {
  const lines = await linesOf(t, (log) => ({ level: "frames", log }), { token: TOKEN });
  const frames = lines.filter((line) => !STATUS.test(line));
  assert.deepEqual(frames.filter((line) => !FRAME.test(line)), []);
  for (const kind of ["> join", "< joined", "< message", "> create", "< created", "> publish", "< ack", "> own", "< owned"]) {
    assert.ok(frames.some((line) => line.startsWith(`rtbroadcaster: ${kind},`)), kind);
  }
  assert.ok(!lines.join().includes("a word"));
});

test('"contents" tells all of each frame but its secrets', async (t) => {
  const lines = await linesOf(t, (log) => ({ level: "contents", log }), { token: TOKEN });
  assert.ok(lines.some((line) => line.startsWith("rtbroadcaster: < ") && line.includes('"params":["a word"]')));
  assert.ok(lines.some((line) => line.startsWith("rtbroadcaster: > ") && line.includes('"token":"…"')));
  for (const secret of SECRETS) assert.deepEqual(lines.filter((line) => line.includes(secret)), []);
});

for (const [debug, expected] of [[true, [STATUS]], ["status", [STATUS]], ["frames", [STATUS, FRAME]], ["contents", [STATUS, /"a word"/]]]) {
  test(`${JSON.stringify(debug)} tells the console`, async (t) => {
    const told = t.mock.method(console, "debug", () => {});
    await linesOf(t, () => debug, { token: TOKEN });
    const lines = told.mock.calls.map(({ arguments: [line] }) => line);
    for (const form of expected) assert.ok(lines.some((line) => form.test(line)), `${form}\n${lines.join("\n")}`);
    if (expected.length === 1) assert.deepEqual(lines.filter((line) => !STATUS.test(line)), []);
    for (const secret of SECRETS) assert.ok(!lines.join("\n").includes(secret));
  });
}

test("without debug nothing is printed", async (t) => {
  const told = ["debug", "log", "info", "warn", "error"].map((name) => t.mock.method(console, name, () => {}));
  await linesOf(t, () => undefined);
  assert.equal(told.reduce((sum, { mock }) => sum + mock.callCount(), 0), 0);
});

for (const level of [undefined, "frames"]) {
  test(`a log that throws is reported and loses nothing${level ? ` of the ${level}` : ""}`, async (t) => {
    const reported = [];
    globalThis.reportError = (error) => reported.push(error.message);
    t.after(() => delete globalThis.reportError);
    await linesOf(t, () => ({ level, log: () => { throw new Error("a log"); } }));
    assert.deepEqual(new Set(reported), new Set(["a log"]));
  });
}
