// Viewers that watch a room in one page with the same options share a connection, and do not affect each other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { join, watch } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { Kept, URL } from "./owner.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

function stage(t) {
  const clock = new Clock(t);
  const server = new Server();
  return { clock, server, options: { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 } } };
}

test("who comes later shares the connection and is in at once, with what holds", async (t) => {
  const { server, options } = stage(t);
  const first = watch(URL, ROOM, options);
  server.accept(1).joins({ seq: 1, replay: 1 });
  server.peer.says(state(1, "a"));
  const second = await join(URL, ROOM, { ...options });
  assert.equal(server.peers.length, 1);
  const heard = [];
  first.on("a", (n) => heard.push(`first ${n}`));
  second.on("a", (n) => heard.push(`second ${n}`));
  second.on("bell", (n) => heard.push(`second bell ${n}`));
  server.peer.says(bell(2));
  assert.deepEqual([first.state.getSnapshot(), heard], [second.state.getSnapshot(), ["second bell 2"]]);
  await null;
  second.leave();
  second.leave();
  assert.deepEqual([second.status.value.name, first.status.value.name], ["closed", "live"]);
  await assert.rejects(second.signal("hand"), { code: "left" });
  server.peer.says(state(3, "a"));
  assert.deepEqual(heard.slice(1), ["first 1", "second 1", "first 3"]);
  assert.deepEqual(server.peer.rest(), []);
  first.leave();
  assert.deepEqual(server.peer.rest(), [{ type: "leave" }]);
  watch(URL, ROOM, options).leave();
  assert.equal(server.peers.length, 2, "what is over is not shared");
});

test("the end of one by its signal or lifetime ends no other one", async (t) => {
  const { server, options } = stage(t);
  const [signal, lifetime] = [new AbortController(), new AbortController()];
  const all = [options, { ...options, signal: signal.signal }, { ...options, lifetime: lifetime.signal }].map((one) => watch(URL, ROOM, one));
  signal.abort();
  await assert.rejects(all[1].entered, { code: "aborted" });
  server.accept(1).joins();
  lifetime.abort();
  assert.deepEqual(all.map(({ status }) => `${status.value.name} ${status.value.reason}`), ["live undefined", "closed aborted", "closed left"]);
  all[0].leave();
});

test("other terms are another connection, and so is who does not want to share", (t) => {
  const { server, options } = stage(t);
  const identity = new Kept();
  const terms = [{}, { token: "a" }, { token: "b" }, { identity }, { pauseHidden: false }, { share: false }, { share: false }];
  const all = terms.map((one) => watch(URL, ROOM, { ...options, ...one }));
  all.push(watch("ws://example.org/other", ROOM, options), watch(URL, "7f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a", options));
  assert.equal(server.peers.length, all.length);
  all.push(watch("http://example.org/b", ROOM, options), watch(URL, ROOM, { ...options, identity }), watch(URL, ROOM, { ...options, pauseHidden: true }));
  assert.equal(server.peers.length, all.length - 3, "the same address, whatever it is written as");
  for (const one of all) one.leave();
  assert.deepEqual(server.peers.map(({ socket }) => socket.readyState), new Array(all.length - 3).fill(3));
});

test("what ends the connection for good ends it for all, each of whom is told", async (t) => {
  const { server, options } = stage(t);
  const all = [1, 2, 3].map(() => watch(URL, ROOM, options));
  const told = [];
  for (const one of all) one.status.subscribe(({ name, reason }) => told.push(`${name} ${reason}`));
  const { id } = server.accept(1).asked();
  server.peer.says({ type: "error", id, code: "no_room", message: "there is no such room" });
  for (const one of all) await assert.rejects(one.entered, { code: "no_room" });
  assert.deepEqual(told, new Array(3).fill("closed no_room"));
});

test("a thousand come and go, and nothing of them stays", (t) => {
  const { clock, server, options } = stage(t);
  const one = watch(URL, ROOM, options);
  server.accept(1).joins();
  const waiting = clock.waiting;
  const { signal } = new AbortController();
  const added = t.mock.method(signal, "addEventListener");
  const removed = t.mock.method(signal, "removeEventListener");
  let calls = 0;
  for (let time = 0; time < 1_000; time++) {
    const other = watch(URL, ROOM, { ...options, lifetime: signal });
    other.on("bell", () => (calls += 1), { signal });
    other.messages({ signal });
    other.leave();
  }
  server.peer.says(bell(1));
  assert.deepEqual([calls, server.peers.length, clock.waiting], [0, 1, waiting]);
  assert.equal(added.mock.callCount(), removed.mock.callCount());
  one.leave();
});
