// How long a room waits for its owner; what an owner sends when it reconnects, what it takes from the answer, and when it
// reports that acknowledged messages are lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { host } from "../index.js";
import { Clock } from "./clock.mjs";
import { Kept, outcome, owner, said, URL } from "./owner.mjs";
import { Page } from "./page.mjs";
import { KEY, ROOM, Server, state } from "./script.mjs";

const NAME = `rtbroadcaster ${URL}`;

/** Returns an owner that has the acknowledgements 1 and 2, and the state a=1, b=2. */
async function atTwo(t, options) {
  const all = await owner(t, options);
  const { room, peer, clock } = all;
  room.publish("a", [1], { state: true });
  room.publish("b", [2], { state: true });
  clock.advance(0);
  peer.acks(1);
  peer.acks(2);
  const told = [];
  room.listen("reset", ({ reason }) => told.push(`reset ${reason} ${shown(room)}`));
  room.state.subscribe(() => told.push(`state ${shown(room)}`));
  room.status.subscribe(({ name, reason }) => told.push([name, reason].filter(Boolean).join(" ")));
  return { ...all, told };
}

/** Returns an owner that begins after a reload, with the contents of `storage`. */
function reload(t, storage, clock = new Clock(t)) {
  const server = new Server();
  const hosting = host(URL, { storage, WebSocket: server.WebSocket, reconnect: { random: () => 0.5 } });
  return { clock, server, hosting };
}

const shown = (room) => [...room.state.getSnapshot()].map(([key, params]) => key + params).join(" ");
const both = [state(1, "a"), state(2, "b")];
const leased = { type: "owner", status: "live", term: 7, epoch: "g" };

/** Cuts the present connection and returns the next one. */
function next({ clock, server }) {
  server.peer.cuts();
  clock.step();
  return server.accept();
}

test("a grace is asked for with a new room, and the one in force is told", async (t) => {
  const { room, create, server, clock } = await owner(t, { graceMs: 1 }, { graceMs: 65_000 });
  assert.deepEqual([create.graceMs, room.graceMs], [1, 65_000]);
  const { graceMs } = next({ server, clock }).owned({ how: "resumed", graceMs: 70_000 });
  assert.deepEqual([graceMs, room.graceMs], [undefined, 70_000]);
});

test("a server that tells no grace leaves it open", async (t) => {
  const all = await owner(t);
  assert.deepEqual(["graceMs" in all.create, all.room.graceMs], [false, undefined]);
});

for (const graceMs of [0, -1, 1.5, NaN, Infinity, 2 ** 53, 1e21, "60000", null, 1n]) {
  test(`a grace that is no whole number of milliseconds is refused: ${typeof graceMs} ${graceMs}`, async () => {
    const server = new Server();
    const error = { name: "RtbError", code: "bad_argument", message: "graceMs is a whole number above 0." };
    await assert.rejects(host(URL, { graceMs, WebSocket: server.WebSocket }), error);
    assert.equal(server.peers.length, 0);
  });
}

test("an owner that comes back proves its newest acknowledgement", async (t) => {
  const all = await owner(t);
  const { room, peer } = all;
  for (const n of [1, 2, 3]) room.publish("bell", [n]);
  const [one, two] = [peer.asked(), peer.asked()];
  peer.says({ type: "ack", id: two.id, seq: 5 }, { type: "ack", id: one.id, seq: 4 });
  const { id, ...own } = next(all).owned({ how: "resumed", seq: 6 });
  assert.deepEqual(own, { type: "own", room: ROOM, ownerKey: KEY, lives: true, cursor: { epoch: "e", seq: 5 } });
  all.server.peer.acks(6);
  assert.deepEqual(next(all).asked().cursor, { epoch: "e", seq: 6 });
});

test("before any acknowledgement an owner proves what created or owned told", async (t) => {
  const all = await owner(t);
  assert.deepEqual(next(all).owned({ how: "resumed" }).cursor, { epoch: "e", seq: 0 });
  const server = new Server();
  const taking = host(URL, { WebSocket: server.WebSocket, room: ROOM, ownerKey: KEY, reconnect: { random: () => 0.5 } });
  const own = server.accept(1).owned({ how: "resumed", seq: 2 }, ...both);
  assert.deepEqual([own.lives, "cursor" in own], [true, false]);
  const room = await taking;
  assert.deepEqual(next({ ...all, server }).asked().cursor, { epoch: "e", seq: 2 });
  room.leave();
});

/** Returns an owner of a room that the program stored itself, and its first connection. */
function taking(t, options = {}) {
  const clock = new Clock(t);
  const server = new Server();
  const hosting = host(URL, { WebSocket: server.WebSocket, room: ROOM, ownerKey: KEY, reconnect: { random: () => 0.5 }, ...options });
  hosting.then((room) => t.after(() => room.leave()), () => {});
  return { clock, server, hosting };
}

test("what own says is written in the order of the protocol", (t) => {
  const { server } = taking(t, { cursor: { seq: 0, more: true, epoch: "é" } });
  server.accept(1);
  const [text] = server.peer.socket.sent;
  const { id } = JSON.parse(text);
  assert.equal(text, `{"type":"own","id":"${id}","room":"${ROOM}","ownerKey":"${KEY}","cursor":{"epoch":"é","seq":0},"lives":true}`);
});

test("a program that keeps its room keeps the cursor too, and learns of lost messages", async (t) => {
  const before = await atTwo(t);
  const cursor = before.room.cursor;
  assert.deepEqual(cursor, { epoch: "e", seq: 2 });
  before.room.publish("bell", []);
  before.peer.acks(3);
  assert.deepEqual([cursor.seq, before.room.cursor.seq], [2, 3], "what was read does not change");
  before.room.cursor.seq = 9;
  assert.equal(before.room.cursor.seq, 3);

  const all = taking(t, { cursor: Object.freeze(cursor) });
  const { server } = all;
  assert.deepEqual(server.accept(1).owned({ how: "reset", reason: "future", epoch: "f", seq: 1 }, both[0]).cursor, cursor);
  const room = await all.hosting;
  const resets = [];
  room.listen("reset", ({ reason }) => resets.push(reason));
  await null;
  assert.deepEqual([resets, room.cursor], [["future"], { epoch: "f", seq: 1 }]);
  assert.deepEqual(next(all).owned({ how: "resumed", epoch: "g", seq: 1 }, both[0]).cursor, { epoch: "f", seq: 1 });
  assert.deepEqual([resets, room.cursor], [["future"], { epoch: "g", seq: 1 }]);
  assert.deepEqual(cursor, { epoch: "e", seq: 2 }, "the option is the program's");
});

test("an owner that named no cursor has lost nothing", async (t) => {
  const all = taking(t);
  assert.equal("cursor" in all.server.accept(1).owned({ how: "reset", reason: "epoch", seq: 1 }, both[0]), false);
  const room = await all.hosting;
  room.listen("reset", assert.fail);
  assert.deepEqual(room.cursor, { epoch: "e", seq: 1 });
});

test("without a room a cursor means nothing", async (t) => {
  const { room, create } = await owner(t, { cursor: { epoch: "x", seq: 7 } });
  assert.deepEqual(["cursor" in create, room.cursor], [false, { epoch: "e", seq: 0 }]);
});

for (const epoch of ["e", "x".repeat(32), "é".repeat(16)]) {
  for (const seq of [0, 2 ** 53 - 1]) {
    test(`a cursor has an epoch of ${epoch.length} characters and the number ${seq}`, (t) => {
      const { server } = taking(t, { cursor: { epoch, seq } });
      assert.deepEqual(server.accept(1).asked().cursor, { epoch, seq });
    });
  }
}

for (const cursor of [
  null, 7, "e", [], {}, { epoch: "e" }, { seq: 1 }, { epoch: "", seq: 1 }, { epoch: 7, seq: 1 }, { epoch: ["e"], seq: 1 },
  { epoch: "x".repeat(33), seq: 1 }, { epoch: "é".repeat(17), seq: 1 },
  { epoch: "e", seq: -1 }, { epoch: "e", seq: 1.5 }, { epoch: "e", seq: 2 ** 53 }, { epoch: "e", seq: "1" }, { epoch: "e", seq: null },
]) {
  test(`a cursor that is none is refused: ${JSON.stringify(cursor)}`, async (t) => {
    const { server, hosting } = taking(t, { cursor });
    await assert.rejects(hosting, { name: "RtbError", code: "bad_argument", message: "A cursor is { epoch, seq }." });
    assert.equal(server.peers.length, 0);
  });
}

test("a takeover that is cut before the state has come proves nothing yet", async (t) => {
  const clock = new Clock(t);
  const server = new Server();
  const taking = host(URL, { WebSocket: server.WebSocket, room: ROOM, ownerKey: KEY, reconnect: { random: () => 0.5 } });
  server.accept(1).owned({ how: "resumed", seq: 2, replay: 2 }, both[0]);
  const own = next({ clock, server }).owned({ how: "resumed", seq: 2 }, ...both);
  assert.equal("cursor" in own, false);
  (await taking).leave();
});

test("an owner takes the epoch of resumed at once, and keeps its seq", async (t) => {
  const all = await atTwo(t);
  const { room, told } = all;
  const before = room.state.getSnapshot();
  assert.deepEqual(next(all).owned({ how: "resumed", epoch: "f", seq: 3, replay: 2 }, both[0]).cursor, { epoch: "e", seq: 2 });
  assert.equal(room.state.getSnapshot(), before);
  assert.deepEqual(next(all).owned({ how: "resumed", epoch: "g", seq: 3 }, ...both).cursor, { epoch: "f", seq: 2 });
  assert.deepEqual(told.filter((line) => line.startsWith("reset")), []);
  assert.equal(told.at(-1), "live");
  assert.deepEqual(next(all).asked().cursor, { epoch: "g", seq: 2 });
});

test("a state of another epoch is compared by no number", async (t) => {
  const all = await atTwo(t);
  next(all).owned({ how: "resumed", epoch: "f", seq: 2, replay: 2 }, both[0]);
  next(all).owned({ how: "resumed", epoch: "f", seq: 2 }, { ...both[0], params: [7] }, both[1]);
  assert.equal(shown(all.room), "a7 b2");
});

for (const reason of ["epoch", "future", "malformed"]) {
  test(`an owner whose acknowledged messages are lost is told, then has the server's state: ${reason}`, async (t) => {
    const all = await atTwo(t);
    const { room, peer, clock, told, server } = all;
    const waiting = room.publish("c", [3], { state: true });
    clock.advance(0);
    const { id } = peer.asked();
    next(all).owned({ how: "reset", reason, epoch: "f", seq: 1 }, both[0]);
    assert.deepEqual(told, ["resuming lost", `reset ${reason} a1`, "state a1", "live"]);
    const again = server.peer.asked();
    assert.deepEqual([again.id, again.params], [id, [3]]);
    server.peer.says({ type: "ack", id, seq: 2 });
    assert.equal(await waiting, 2);
    assert.deepEqual(next(all).asked().cursor, { epoch: "f", seq: 2 });
  });
}

test("a reset that brings the same state is told all the same, and gives the cursor of owned", async (t) => {
  const all = await atTwo(t);
  next(all).owned({ how: "reset", reason: "future", seq: 1 }, both[0]);
  next(all).owned({ how: "reset", reason: "epoch", seq: 1 }, both[0]);
  assert.deepEqual(all.told.filter((line) => !/live|resuming/.test(line)), ["reset future a1", "state a1", "reset epoch a1"]);
  assert.deepEqual(next(all).asked().cursor, { epoch: "e", seq: 1 });
});

test("a reset that is cut in the middle is told when its state has come", async (t) => {
  const all = await atTwo(t);
  const reset = { how: "reset", reason: "epoch", epoch: "f", seq: 9, replay: 2 };
  next(all).owned(reset, state(8, "x"));
  assert.equal(shown(all.room), "a1 b2");
  assert.deepEqual(next(all).owned(reset, state(8, "x"), state(9, "y")).cursor, { epoch: "e", seq: 2 });
  assert.deepEqual(all.told.filter((line) => line.startsWith("reset")), ["reset epoch x8 y9"]);
});

test("what a program publishes when it is told of a reset is sent, behind what was not acknowledged", async (t) => {
  const all = await atTwo(t);
  const { room, peer, clock, server } = all;
  room.publish("c", [3], { state: true });
  clock.advance(0);
  peer.rest();
  room.listen("reset", () => void room.publish("b", [2], { state: true }));
  next(all).owned({ how: "reset", reason: "epoch", epoch: "f", seq: 1 }, both[0]);
  assert.deepEqual(said(server.peer), ["publish c [3] state", "publish b [2] state"]);
});

test("a program that leaves when it is told of a reset hears nothing more", async (t) => {
  const all = await atTwo(t);
  all.room.listen("reset", () => all.room.leave());
  next(all).owned({ how: "reset", reason: "epoch", epoch: "f", seq: 1 }, both[0]);
  assert.deepEqual(all.told.slice(-2), ["reset epoch a1", "closed left"]);
});

test("a signal whose key is called reset is heard by signal", async (t) => {
  const { room, peer, told } = await atTwo(t);
  room.listen("signal", ({ key }) => told.push(key));
  peer.says({ type: "signal", key: "reset", params: [], from: 7 });
  assert.deepEqual(told, ["reset"]);
});

test("a server that restarts three times in a row keeps its owner without another reconnect", async (t) => {
  const all = await atTwo(t);
  const { room, server, clock, told } = all;
  const asked = [];
  for (const epoch of ["f", "g", "h"]) {
    server.peer.cuts(1012, "restart");
    clock.step();
    asked.push(server.accept().owned({ how: "resumed", epoch, seq: asked.length + 2 }, ...both).cursor);
    const published = room.publish("bell", []);
    server.peer.acks(asked.length + 2);
    assert.equal(await published, asked.length + 2);
  }
  assert.deepEqual(asked, [{ epoch: "e", seq: 2 }, { epoch: "f", seq: 3 }, { epoch: "g", seq: 4 }]);
  assert.deepEqual(told.filter((line) => !line.startsWith("state")), ["resuming restart", "live", "resuming restart", "live", "resuming restart", "live"]);
  clock.advance(20_000);
  assert.equal(server.peers.length, 4);
});

test("a server that sends no how is believed by its epoch, and loses nothing as far as it tells", async (t) => {
  const all = await atTwo(t);
  next(all).owned({ seq: 7 }, ...both);
  assert.deepEqual(next(all).owned({ epoch: "f", seq: 7 }, ...both).cursor, { epoch: "e", seq: 2 });
  assert.deepEqual(next(all).asked().cursor, { epoch: "f", seq: 7 });
  assert.deepEqual(all.told.filter((line) => line.startsWith("reset")), []);
});

for (const [what, members, frames, cursor, term] of [
  ["in the room", { how: "resumed" }, [...both, leased], { epoch: "g", seq: 2 }, 7],
  ["without an epoch", { how: "resumed" }, [...both, { ...leased, epoch: undefined }], { epoch: "e", seq: 2 }, 2],
  ["in the state of a resume, cut", { how: "resumed", epoch: "f", replay: 2 }, [both[0], leased], { epoch: "g", seq: 2 }, 1],
  ["in the state of a resume, whole", { how: "resumed", epoch: "f", replay: 2 }, [both[0], leased, both[1]], { epoch: "g", seq: 2 }, 7],
  ["in the state of a reset, cut", { how: "reset", epoch: "f", replay: 2 }, [both[0], leased], { epoch: "e", seq: 2 }, 1],
  ["in the state of a reset, whole", { how: "reset", epoch: "f", seq: 9, replay: 2 }, [both[0], leased, both[1]], { epoch: "g", seq: 9 }, 7],
]) {
  test(`an owner frame with an epoch changes the owner's cursor in its place: ${what}`, async (t) => {
    const all = await atTwo(t);
    next(all).owned({ seq: 2, replay: 2, ...members }, ...frames);
    assert.deepEqual(next(all).asked().cursor, cursor);
    assert.equal(all.room.term, term);
  });
}

test("the cursor is written at most once a second, and when the page goes away", async (t) => {
  const page = new Page(t);
  const storage = new Kept();
  const { room, peer, clock } = await owner(t, { storage });
  const written = t.mock.method(storage, "setItem");
  const seq = () => JSON.parse(storage.getItem(NAME)).cursor.seq;
  for (const n of [1, 2, 3]) {
    room.publish("bell", []);
    peer.acks(n);
    clock.advance(300);
  }
  assert.equal(seq(), 0);
  clock.advance(100);
  assert.deepEqual([seq(), written.mock.callCount()], [3, 1]);
  clock.advance(5_000);
  page.network("pagehide");
  assert.equal(written.mock.callCount(), 1, "nothing is newer");
  room.publish("bell", []);
  peer.acks(4);
  page.network("pagehide");
  assert.deepEqual([seq(), written.mock.callCount()], [4, 2]);
  clock.advance(5_000);
  assert.equal(written.mock.callCount(), 2);
  room.publish("bell", []);
  peer.acks(5);
  room.leave();
  assert.deepEqual([seq(), clock.waiting], [5, 0]);
});

test("a reload proves what the storage holds, and takes the epoch of the answer", async (t) => {
  const storage = new Kept();
  const before = await atTwo(t, { storage });
  before.clock.advance(1_000);
  const { server, hosting } = reload(t, storage, before.clock);
  const { id, ...own } = server.accept(1).owned({ how: "resumed", epoch: "f", seq: 5 }, ...both);
  assert.deepEqual(own, { type: "own", room: ROOM, ownerKey: KEY, lives: true, cursor: { epoch: "e", seq: 2 } });
  const room = await hosting;
  const resets = [];
  room.listen("reset", ({ reason }) => resets.push(reason));
  before.clock.advance(1_000);
  assert.deepEqual(JSON.parse(storage.getItem(NAME)).cursor, { epoch: "f", seq: 2 });
  assert.deepEqual(resets, []);
  room.leave();
});

test("a return that changes no cursor is not written", async (t) => {
  const storage = new Kept();
  const all = await atTwo(t, { storage });
  all.clock.advance(1_000);
  const written = t.mock.method(storage, "setItem");
  next(all).owned({ how: "resumed", seq: 2 }, ...both);
  all.clock.advance(1_000);
  assert.equal(written.mock.callCount(), 0);
});

test("the reset of a reload is told to the first listener, once", async (t) => {
  const storage = new Kept([[NAME, JSON.stringify({ room: ROOM, ownerKey: KEY, cursor: { epoch: "e", seq: 9 } })]]);
  const { server, hosting, clock } = reload(t, storage);
  server.accept(1).owned({ how: "reset", reason: "epoch", epoch: "f", seq: 2 }, ...both);
  const room = await hosting;
  const told = [];
  room.on("hand", () => told.push("never"));
  const off = room.listen("reset", ({ reason }) => told.push(`first ${reason} ${shown(room)}`));
  room.listen("reset", ({ reason }) => told.push(`second ${reason}`));
  await null;
  assert.deepEqual(told, ["first epoch a1 b2"]);
  off();
  next({ server, clock }).owned({ how: "reset", reason: "future", epoch: "f", seq: 2 }, ...both);
  assert.deepEqual(told, ["first epoch a1 b2", "second future"]);
  room.leave();
});

test("a storage of before has no cursor, and gets one", async (t) => {
  const storage = new Kept([[NAME, JSON.stringify({ room: ROOM, ownerKey: KEY })]]);
  const { server, hosting, clock } = reload(t, storage);
  const own = server.accept(1).owned({ how: "resumed", seq: 2 }, ...both);
  assert.deepEqual([own.lives, "cursor" in own], [true, false]);
  const room = await hosting;
  clock.advance(1_000);
  assert.deepEqual(JSON.parse(storage.getItem(NAME)).cursor, { epoch: "e", seq: 2 });
  room.leave();
});

test("a cursor is written over nothing but the entry of its own room", async (t) => {
  const storage = new Kept();
  const { room, peer, clock } = await owner(t, { storage });
  const acknowledged = (seq) => {
    room.publish("bell", []);
    peer.acks(seq);
    clock.advance(1_000);
  };
  const other = JSON.stringify({ room: "other", ownerKey: "key" });
  storage.set(NAME, other);
  acknowledged(1);
  assert.equal(storage.get(NAME), other);
  storage.clear();
  acknowledged(2);
  room.leave();
  assert.equal(storage.size, 0);
});

test("a room that is closed is not written again", async (t) => {
  const storage = new Kept();
  const { room, peer, clock } = await atTwo(t, { storage });
  room.publish("bell", []);
  const closing = room.close();
  assert.equal(storage.size, 1, "the key is worth keeping until the room is over");
  peer.acks(3);
  clock.advance(1_000);
  peer.cuts(1000, "room_closed");
  await closing;
  assert.equal(storage.size, 0);
});

test("a storage that takes no more is reported once, and keeps the older cursor", async (t) => {
  const reported = t.mock.method(console, "error", () => {});
  const storage = new Kept();
  const { room, peer, clock } = await owner(t, { storage });
  t.mock.method(storage, "setItem", () => {
    throw new Error("full");
  });
  for (const seq of [1, 2]) {
    room.publish("bell", []);
    peer.acks(seq);
    clock.advance(1_000);
  }
  assert.equal(reported.mock.callCount(), 1);
  assert.deepEqual(JSON.parse(storage.getItem(NAME)).cursor, { epoch: "e", seq: 0 });
});

test("without a storage nothing waits to be written, and a room that was named is not kept", async (t) => {
  const { room, peer, clock } = await owner(t);
  const before = clock.waiting;
  const published = outcome(room.publish("bell", []));
  peer.acks(1);
  assert.equal(await published, 1);
  assert.equal(clock.waiting, before);
  const storage = new Kept();
  const server = new Server();
  const taking = host(URL, { storage, WebSocket: server.WebSocket, room: ROOM, ownerKey: KEY });
  server.accept(1).owned({ how: "resumed", seq: 2 }, ...both);
  (await taking).leave();
  assert.equal(storage.size, 0);
});
