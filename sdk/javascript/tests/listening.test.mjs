// Subscriptions of a program: to keys, values and events of a room, how long they last, and in which order they are called.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { owner, URL } from "./owner.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

/** Returns a viewer that has a=1 and b=2, on a clock. */
function viewer(t, options = {}) {
  const clock = new Clock(t);
  const server = new Server();
  const show = watch(URL, ROOM, { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 }, ...options });
  t.after(() => show.leave());
  const peer = server.accept(1);
  peer.joins({ seq: 2, replay: 2 });
  peer.says(state(1, "a"), state(2, "b"));
  return { clock, server, show, peer };
}

const cleared = (seq, key) => ({ type: "message", seq, key, params: [], cleared: true });

/** Returns the number of listeners of a signal. */
function counted(signal) {
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  const known = new Set();
  signal.addEventListener = (type, func) => (known.add(func), (count = known.size), addEventListener.call(signal, type, func));
  signal.removeEventListener = (type, func) => (known.delete(func), (count = known.size), removeEventListener.call(signal, type, func));
  return () => count;
}

test("the first call comes in a microtask, so that a listener may end itself in it", async (t) => {
  const { show } = viewer(t);
  const heard = [];
  const off = show.on("a", (n) => {
    heard.push(n);
    off();
  });
  assert.deepEqual(heard, []);
  await null;
  assert.deepEqual(heard, [1]);
});

test("what holds is told before what comes, though both come in one turn", (t) => {
  const { show, peer } = viewer(t);
  const heard = [];
  show.on("a", (n) => heard.push(n));
  peer.says(state(3, "a"));
  assert.deepEqual(heard, [1, 3]);
});

test("a key that is cleared is told, and one that a reset takes away", async (t) => {
  const { clock, server, show, peer } = viewer(t);
  const heard = [];
  const off = show.on("a", (n) => heard.push(n), { cleared: () => heard.push("cleared") });
  await null;
  peer.says(cleared(3, "a"), state(4, "a"));
  peer.cuts();
  clock.step();
  server.accept(2).joins({ how: "reset", reason: "epoch", epoch: "f", seq: 9, replay: 1 });
  server.peer.says(state(9, "b"));
  assert.deepEqual(heard, [1, "cleared", 4, "cleared"]);
  server.peer.says(state(10, "a"));
  off();
  server.peer.says(cleared(11, "a"));
  assert.deepEqual(heard.slice(4), [10], "both end with the answer");
});

test("a listener that wants one call gets one, and no signal keeps it", async (t) => {
  const { show, peer } = viewer(t);
  const { signal } = new AbortController();
  const listeners = counted(signal);
  const heard = [];
  show.on("a", (n) => heard.push(`a${n}`), { once: true, signal, cleared: () => heard.push("cleared") });
  show.on("bell", (n) => heard.push(`bell${n}`), { once: true, signal });
  show.listen("message", ({ key }) => heard.push(key), { once: true, signal });
  show.status.subscribe(({ name }) => heard.push(name), { once: true, signal });
  const off = show.on("b", () => {}, { signal });
  await null;
  peer.says(state(3, "a"), bell(4), bell(5), cleared(6, "a"));
  assert.deepEqual(heard, ["a1", "a", "bell4"]);
  off();
  assert.equal(listeners(), 1, "that of the status");
  show.leave();
  assert.deepEqual(heard.slice(3), ["closed"]);
  assert.equal(listeners(), 0);
});

test("keys that are called like events of a room are keys like others", async (t) => {
  const { show, peer } = viewer(t);
  const heard = [];
  for (const key of ["message", "reset", "refused", "status", "audience", "state", "over", "constructor"]) show.on(key, (n) => heard.push(`${key}${n}`));
  let seq = 2;
  for (const key of ["message", "reset", "status", "audience", "state", "over", "constructor", "a", ":a", "=a"]) peer.says(state(++seq, key));
  assert.deepEqual(heard, ["message3", "reset4", "status5", "audience6", "state7", "over8", "constructor9"]);
});

test("status and audience are values: there at any time, told when they change", (t) => {
  const { clock, server, show, peer } = viewer(t);
  const heard = [];
  assert.deepEqual([show.status.value.name, show.audience.value], ["live", undefined]);
  show.status.subscribe((status) => heard.push(status === show.status.value && status.name));
  const off = show.audience.subscribe(({ viewers }) => heard.push(viewers));
  peer.says({ type: "audience", viewers: 7 });
  peer.cuts();
  clock.step();
  server.accept(2).joins({ how: "resumed", seq: 2, replay: 0 });
  assert.deepEqual(heard, [7, "resuming", "live"]);
  off();
  server.peer.says({ type: "audience", viewers: 8 });
  assert.deepEqual([heard.length, show.audience.value.viewers], [3, 8]);
});

test("who subscribes to a key hears of no other one, and of no event", (t) => {
  const { show, peer } = viewer(t);
  const heard = [];
  const a = show.state.key("a");
  const first = a.value;
  a.subscribe((params) => heard.push(params));
  peer.says(state(3, "b"), bell(4), { type: "message", key: "a", params: [9] });
  assert.deepEqual([heard, a.value === first], [[], true]);
  peer.says(state(5, "a"), cleared(6, "a"));
  assert.deepEqual([heard, a.value, show.state.key("never").value], [[[5], undefined], undefined, undefined]);
});

test("what comes with the state or a catch-up is late, what is said now is not", (t) => {
  const { clock, server, show, peer } = viewer(t);
  const heard = [];
  show.listen("message", ({ seq, late }) => heard.push(`${seq}${late ? " late" : ""}`));
  peer.says(state(3, "a"));
  peer.cuts();
  clock.step();
  server.accept(2).joins({ how: "resumed", seq: 5, replay: 2 });
  server.peer.says(bell(4), bell(5), bell(6));
  server.peer.cuts();
  clock.step();
  server.accept(3).joins({ how: "reset", reason: "epoch", epoch: "f", seq: 9, replay: 1 });
  server.peer.says(state(9, "z"), state(10, "z"));
  assert.deepEqual(heard.slice(2), ["3", "4 late", "5 late", "6", "undefined late", "undefined late", "9 late", "10"]);
});

test("what holds when a program begins to listen is late", async (t) => {
  const { show, peer } = viewer(t);
  peer.says(state(3, "a"));
  const heard = [];
  show.listen("message", ({ seq, late }) => heard.push([seq, late]));
  await null;
  assert.deepEqual(heard, [[2, true], [3, true]]);
});

test("a listener that is no function is reported, and throws nothing", async (t) => {
  const reported = [];
  const { reportError } = globalThis;
  globalThis.reportError = (error) => reported.push(error.code);
  t.after(() => (globalThis.reportError = reportError));
  const { show } = viewer(t);
  const { room } = await owner(t);
  for (const wrong of [undefined, null, "f", {}]) {
    for (const off of [show.on("a", wrong), show.listen("reset", wrong), room.on("hand", wrong), show.status.subscribe(wrong)]) off();
  }
  assert.equal(reported.filter((code) => code === "bad_argument").length, 12, "a value wraps its listeners");
});

test("a loop listens until it is over, also before its first turn", async (t) => {
  const { show, peer } = viewer(t);
  const { signal } = new AbortController();
  const listeners = counted(signal);
  const loops = [show.messages({ signal }), show.messages({ signal }), show.messages({ signal })];
  assert.equal(listeners(), 3);
  await loops[0].return();
  assert.deepEqual(await loops[0].next(), { value: undefined, done: true });
  assert.equal(listeners(), 2);
  peer.says(bell(3));
  assert.equal((await loops[1].next()).value.seq, 1);
  await assert.rejects(loops[1].throw(new Error("mine")), { message: "mine" });
  assert.equal(listeners(), 1);
  show.leave();
  assert.equal(listeners(), 0);
  const rest = [];
  for await (const { seq, late } of loops[2]) rest.push([seq, late]);
  assert.deepEqual(rest, [[1, true], [2, true], [3, undefined]]);
});

test("a loop over a room of more keys than may wait begins", async (t) => {
  const { show, peer } = viewer(t);
  for (let seq = 3; seq <= 3_000; seq++) peer.says(state(seq, `k${seq}`));
  const loop = show.messages();
  peer.says(bell(3_001));
  let count = 0;
  for await (const { seq } of loop) {
    count += 1;
    if (seq === 3_001) break;
  }
  assert.equal(count, 3_001);
});
