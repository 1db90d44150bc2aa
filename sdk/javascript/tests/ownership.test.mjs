// Who owns a room after reloads, ends and takeovers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { host } from "../index.js";
import { Clock } from "./clock.mjs";
import { Kept, outcome, owner, said, URL } from "./owner.mjs";
import { bell, KEY, ROOM, Server, state } from "./script.mjs";

test("a page with a storage is the owner again after a reload", async (t) => {
  const storage = new Kept();
  const { room, server, peer } = await owner(t, { storage });
  assert.deepEqual([...storage], [[`rtbroadcaster ${URL}`, JSON.stringify({ room: ROOM, ownerKey: KEY, cursor: { epoch: "e", seq: 0 } })]]);
  peer.cuts(1001);
  const again = host(URL, { storage, WebSocket: server.WebSocket });
  const own = server.accept(2).owns(2, 3, state(3, "slide"));
  assert.deepEqual([own.room, own.ownerKey], [ROOM, KEY]);
  const second = await again;
  assert.deepEqual([second.id, second.ownerKey, second.state.get("slide")], [ROOM, KEY, [3]]);
  const closed = second.close();
  assert.deepEqual(said(server.peer), ["close undefined \"\""]);
  server.peer.cuts(1000, "room_closed");
  await closed;
  assert.equal(storage.size, 0);
  room.leave();
});

test("a kept room that has ended is replaced by another one", async (t) => {
  const storage = new Kept([[`rtbroadcaster ${URL}`, JSON.stringify({ room: "old", ownerKey: "key" })]]);
  new Clock(t);
  const server = new Server();
  const hosting = host(URL, { storage, WebSocket: server.WebSocket });
  const { id, room } = server.accept(1).asked();
  assert.equal(room, "old");
  server.peer.says({ type: "error", id, code: "no_room", message: "there is no such room" });
  assert.equal(server.peers.length, 1, "it is asked for on the same connection");
  server.peer.creates();
  assert.equal((await hosting).id, ROOM);
  assert.match(storage.getItem(`rtbroadcaster ${URL}`), /6f8d4f0e/);
  (await hosting).leave();
});

test("a room that ends later is not replaced behind the page's back", async (t) => {
  const storage = new Kept([[`rtbroadcaster ${URL}`, JSON.stringify({ room: ROOM, ownerKey: KEY })]]);
  const clock = new Clock(t);
  const server = new Server();
  const hosting = host(URL, { storage, WebSocket: server.WebSocket });
  server.accept(1).owns();
  const room = await hosting;
  server.peer.cuts();
  clock.step();
  const { id } = server.accept(2).asked();
  server.peer.says({ type: "error", id, code: "no_room", message: "there is no such room" });
  assert.deepEqual({ ...room.status.value }, { name: "closed", code: 4510, reason: "no_room", comesBack: false });
});

test("a storage that is broken is reported and not needed", async (t) => {
  const reported = t.mock.method(console, "error", () => {});
  const fail = () => {
    throw new Error("no storage here");
  };
  const { room } = await owner(t, { storage: { getItem: () => "{", setItem: fail, removeItem: fail } });
  assert.equal(room.id, ROOM);
  assert.equal(reported.mock.callCount(), 2);
});

test("an owner that takes a room over by its key gets no other one", async (t) => {
  const server = new Server();
  const options = { WebSocket: server.WebSocket, room: ROOM, ownerKey: KEY };
  const taking = host(URL, options);
  server.accept(1).owns(7, 2, state(2, "slide"));
  const room = await taking;
  assert.deepEqual([room.term, room.state.get("slide")], [7, [2]]);
  room.leave();
  const refused = host(URL, options);
  const { id } = server.accept(2).asked();
  server.peer.says({ type: "error", id, code: "no_room", message: "no" });
  await assert.rejects(refused, { code: "no_room" });
  await assert.rejects(host(URL, { ...options, signal: AbortSignal.abort() }), { name: "RtbError", code: "aborted" });
});

test("an owner that is fenced says so, does not come back by itself, and does when it is asked to", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  const waiting = room.publish("bell", []);
  peer.says({ type: "closed", reason: "fenced" });
  peer.cuts(4509, "fenced");
  assert.equal(await outcome(waiting), "fenced");
  assert.equal(await outcome(room.publish("a", [], { state: true })), "fenced");
  assert.deepEqual({ ...room.status.value }, { name: "elsewhere", code: 4509, reason: "fenced" });
  assert.equal(clock.waiting, 0);
  room.reconnect();
  assert.deepEqual({ ...room.status.value }, { name: "resuming" });
  server.accept(2).owns(3);
  assert.deepEqual({ ...room.status.value }, { name: "live", how: "created" });
  const again = room.publish("a", [], { state: true });
  server.peer.acks(1);
  assert.equal(await again, 1);
});
