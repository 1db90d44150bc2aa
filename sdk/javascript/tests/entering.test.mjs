// How a program enters and leaves a room: signals, lifetimes, wrong arguments, and the errors of each.

import assert from "node:assert/strict";
import { test } from "node:test";
import { host, join, own, RtbError, watch } from "../index.js";
import { Clock } from "./clock.mjs";
import { URL } from "./owner.mjs";
import { ROOM, Server } from "./script.mjs";

/** Owners and viewers, each begun in both ways, and how the server accepts them. */
const ENDS = {
  watch: { begin: (options) => watch(URL, ROOM, options), enter: (peer) => peer.joins() },
  own: { begin: (options) => own(URL, options), enter: (peer) => peer.creates() },
};

function stage(t) {
  const clock = new Clock(t);
  const server = new Server();
  return { clock, server, options: { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 } } };
}

for (const [name, { begin, enter }] of Object.entries(ENDS)) {
  test(`${name}: a signal bounds the wait for the room, and means nothing behind it`, async (t) => {
    const { server, options } = stage(t);
    const controller = new AbortController();
    const end = begin({ ...options, signal: controller.signal });
    enter(server.accept(1));
    await end.entered;
    controller.abort();
    assert.equal(end.status.value.name, "live");
    end.leave();

    const late = new AbortController();
    const never = begin({ ...options, signal: late.signal });
    server.accept(2);
    late.abort(new DOMException("too late", "TimeoutError"));
    const error = await never.entered.catch((error) => error);
    assert.deepEqual([error instanceof RtbError, error.code, error.comesBack, error.cause.message], [true, "timeout", true, "too late"]);
    assert.deepEqual({ ...never.status.value }, { name: "closed", code: 1000, reason: "timeout", comesBack: false });
    assert.equal(server.peer.socket.closedWith, 1000);
  });

  test(`${name}: a lifetime ends it whenever it aborts, and no signal keeps it`, async (t) => {
    const { server, options } = stage(t);
    const controller = new AbortController();
    const added = t.mock.method(controller.signal, "addEventListener");
    const removed = t.mock.method(controller.signal, "removeEventListener");
    const end = begin({ ...options, lifetime: controller.signal });
    enter(server.accept(1));
    await end.entered;
    controller.abort();
    assert.deepEqual({ ...end.status.value }, { name: "closed", code: 1000, reason: "left", comesBack: false });
    assert.equal(removed.mock.callCount(), added.mock.callCount());

    const over = begin({ ...options, lifetime: AbortSignal.abort() });
    await assert.rejects(over.entered, { code: "left" });
    const given = begin({ ...options, signal: AbortSignal.abort() });
    await assert.rejects(given.entered, { code: "aborted", message: "The program aborted it." });
    assert.equal(server.peers.length, 1, "what is over before it begins asks nobody");
  });

  test(`${name}: it ends with its block`, { skip: !Symbol.dispose }, async (t) => {
    const { server, options } = stage(t);
    for (const dispose of [Symbol.dispose, Symbol.asyncDispose]) {
      const end = begin(options);
      enter(server.accept());
      await end.entered;
      await end[dispose]();
      assert.equal(end.status.value.name, "closed");
    }
  });

  test(`${name}: a wrong argument is told as everything else, and throws nothing`, async (t) => {
    const { server, options } = stage(t);
    const wrong = [
      { answerTimeoutMs: 0 }, { answerTimeoutMs: NaN }, { answerTimeoutMs: -1 }, { answerTimeoutMs: "soon" },
      { reconnect: { firstMs: 0 } }, { reconnect: { maxMs: NaN } },
    ];
    for (const one of wrong) {
      const end = begin({ ...options, ...one });
      const told = [];
      end.status.subscribe(({ name, reason }) => told.push(`${name} ${reason}`));
      const error = await end.entered.catch((error) => error);
      assert.deepEqual([error.name, error.code, error.comesBack], ["RtbError", "bad_argument", false], JSON.stringify(one));
      assert.match(error.message, /^[A-Z].*\.$/);
      assert.deepEqual(told, ["closed bad_argument"]);
      end.reconnect();
    }
    assert.equal(server.peers.length, 0);
    const end = begin({ ...options, answerTimeoutMs: Infinity });
    server.accept();
    assert.equal(end.status.value.name, "connecting");
    end.leave();
  });
}

test("every way in rejects, whatever is wrong, and reports nothing besides", async (t) => {
  const { options } = stage(t);
  const reported = t.mock.method(console, "error", () => {});
  const ws = globalThis.WebSocket;
  delete globalThis.WebSocket;
  t.after(() => ws && (globalThis.WebSocket = ws));
  class Refusing {
    constructor() {
      throw new DOMException("the page is of https", "SecurityError");
    }
  }
  const calls = [
    join("/relative", ROOM, options), join("http://[", ROOM, options), join(URL, "", options), join(URL, undefined, options), join(URL, 7, options),
    join(URL, ROOM), join(URL, ROOM, { WebSocket: Refusing }), host("/relative", options), host(URL), host(URL, { WebSocket: Refusing }),
    host(URL, { ...options, graceMs: 0 }), host(URL, { ...options, room: ROOM, cursor: 7 }),
  ];
  for (const call of calls) {
    const error = await call.then(assert.fail, (error) => error);
    assert.deepEqual([error.name, error.code], ["RtbError", "bad_argument"], error.message);
  }
  assert.deepEqual(reported.mock.calls.map(({ arguments: [error] }) => error), []);
});

test("an error says in a sentence what happened, in the server's words where it has some", async (t) => {
  const { server, options } = stage(t);
  for (const [frame, message] of [
    [{ code: "no_room", message: "there is no such room" }, "there is no such room"],
    [{ code: "no_room", message: "" }, "There is no such room, or it has ended."],
    [{ code: "constructor", message: "" }, "The server says constructor."],
  ]) {
    const joining = join(URL, ROOM, options);
    const { id } = server.accept().asked();
    server.peer.says({ type: "error", id, ...frame });
    const error = await joining.then(assert.fail, (error) => error);
    assert.deepEqual([error.code, error.message, error.comesBack], [frame.code, message, false]);
  }
});

test("a function is asked for a token before each connection, and when the server says that it expires", async (t) => {
  const { clock, server, options } = stage(t);
  let count = 0;
  const show = watch(URL, ROOM, { ...options, token: async () => `token${++count}` });
  t.after(() => show.leave());
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  await settled();
  assert.equal(server.accept(1).joins().token, "token1");
  server.peer.says({ type: "expiring", inMs: 30_000 });
  await settled();
  const { id, ...auth } = server.peer.asked();
  assert.deepEqual(auth, { type: "auth", token: "token2" });
  const refused = [];
  show.listen("refused", ({ code }) => refused.push(code));
  server.peer.says({ type: "error", id, code: "unauthorized", message: "no" });
  assert.deepEqual(refused, [], "a token that is not taken is no signal");
  server.peer.cuts(4005, "expired");
  clock.step();
  assert.equal(server.peers.length, 1, "it is asked before there is a socket");
  await settled();
  assert.equal(server.accept(2).joins({ how: "resumed" }).token, "token3");
});

test("a token that cannot be had is a failed attempt, and one that never comes too", async (t) => {
  const { clock, server, options } = stage(t);
  let answer = () => Promise.reject(new Error("the backend is down"));
  const show = watch(URL, ROOM, { ...options, token: () => answer() });
  t.after(() => show.leave());
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  await settled();
  assert.deepEqual({ ...show.status.value }, { name: "connecting", code: 1006, reason: "token", retryInMs: 250 });
  answer = () => new Promise(() => {});
  clock.step();
  clock.advance(10_000);
  assert.deepEqual([show.status.value.reason, server.peers.length], ["silent", 0]);
  answer = () => "at last";
  clock.step();
  await settled();
  assert.equal(server.accept(1).joins().token, "at last");
});
