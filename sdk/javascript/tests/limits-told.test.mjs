// A server's limits: each call is checked against them, also calls that wait for another server; and who a viewer is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { Kept, outcome, owner, said, URL } from "./owner.mjs";
import { Page } from "./page.mjs";
import { ROOM, Server } from "./script.mjs";

const limits = { messageBytes: 200, keyBytes: 8, idBytes: 64, depth: 4, signalBytes: 10, signalsPerSecond: 2 };

test("an owner is held to what its server told", async (t) => {
  const { room, peer } = await owner(t, {}, { limits, nextMs: 5_000 });
  assert.equal(await outcome(room.publish("123456789", [])), "bad_message");
  assert.equal(await outcome(room.publish("a", ["x".repeat(200)])), "too_big");
  assert.equal(await outcome(room.publish("a", [[[[1]]]])), "bad_message");
  assert.deepEqual(peer.rest().length, 0);
  const sent = outcome(room.publish("12345678", [[1, "[[[[", { a: 1 }]]));
  peer.acks(1);
  assert.equal(await sent, 1);
});

test("what waits and what was not acknowledged is held to what the next server tells", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  const big = outcome(room.publish("a", ["x".repeat(300)]));
  const small = outcome(room.publish("a", ["x"]));
  peer.cuts();
  const waits = outcome(room.publish("b", ["x".repeat(300)], { state: true }));
  clock.advance(0);
  clock.step();
  const next = server.accept(2);
  next.owned({ how: "resumed", limits });
  assert.deepEqual(await Promise.all([big, waits]), ["too_big", "too_big"]);
  assert.deepEqual(next.acks(1).params, ["x"]);
  assert.equal(await small, 1);
});

test("a server that says too_big without an id means the biggest message", async (t) => {
  const { room, peer } = await owner(t);
  const small = room.publish("a", [1]);
  const big = outcome(room.publish("b", ["x".repeat(1_000)]));
  const [{ id }] = peer.rest();
  peer.says({ type: "error", code: "too_big", message: "the message is too big" });
  assert.equal(await big, "too_big");
  peer.says({ type: "ack", id, seq: 1 });
  assert.equal(await small, 1);
  peer.says({ type: "error", code: "too_big", message: "the message is too big" });
  assert.equal(room.status.value.name, "live");
});

/** Returns a viewer that is in its room; the answer has these additional members. */
function viewer(t, joined = {}, options = {}) {
  const clock = new Clock(t);
  const server = new Server();
  const show = watch(URL, ROOM, { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 }, ...options });
  t.after(() => show.leave());
  const peer = server.accept(1);
  const join = peer.joins(joined);
  return { clock, server, show, peer, join };
}

test("a viewer says as many signals in a second as it may, of the size that it may", async (t) => {
  const { clock, show, peer } = viewer(t, { limits });
  const outcomes = (...all) => Promise.all(all.map((params) => show.signal("a", params).catch(({ code }) => code)));
  assert.deepEqual(await outcomes(["123456"], ["1234567"], [], []), [undefined, "too_big", undefined, "rate"]);
  clock.advance(500);
  assert.deepEqual(await outcomes([], []), [undefined, "rate"]);
  assert.equal(said(peer).length, 3);
});

test("a signal that is too big to be counted is refused alone", async (t) => {
  const { show, peer } = viewer(t, { limits: { ...limits, signalBytes: 4_096 } });
  const refused = [];
  show.listen("refused", ({ code }) => refused.push(code));
  for (let times = 0; times < 3; times += 1) {
    const outcome = await show.signal("vote", ["x".repeat(100)]).catch(({ code }) => code);
    assert.equal(outcome, times < 2 ? undefined : "rate", "here is said no more than two in a second");
    peer.says({ type: "error", code: "too_big", message: "the message is over the size limit" });
  }
  assert.deepEqual(refused, ["too_big", "too_big", "too_big"]);
  assert.equal(show.status.value.name, "live");
});

test("a viewer proves that it is the same one, after a cut and with another storage's key after a reload", (t) => {
  const identity = new Kept();
  const key = "abc_DEF.123";
  const { clock, server, show, peer, join } = viewer(t, { viewer: { number: 42, key } }, { identity });
  assert.equal(join.viewer, undefined);
  assert.equal(show.number, 42);
  peer.cuts();
  clock.step();
  assert.equal(server.accept(2).joins({ how: "resumed" }).viewer, key);
  const again = watch(URL, ROOM, { WebSocket: server.WebSocket, identity, share: false });
  t.after(() => again.leave());
  assert.equal(server.accept(3).asked().viewer, key);
  for (const rubbish of ["", "x".repeat(65), "\ud800", "a b"]) {
    identity.setItem(`rtbroadcaster viewer ${ROOM}`, rubbish);
    const other = watch(URL, ROOM, { WebSocket: server.WebSocket, identity, share: false });
    t.after(() => other.leave());
    assert.equal(server.accept().asked().viewer, undefined);
  }
});

test("a viewer is told since when the owner is away, why the room ended, and that it missed something", (t) => {
  const { clock, server, show, peer } = viewer(t, { owner: "away", awayMs: 5_000 });
  assert.deepEqual({ ...show.status.value }, { name: "away", since: Date.now() - 5_000 });
  peer.says({ type: "owner", status: "live", term: 2 });
  assert.deepEqual({ ...show.status.value }, { name: "live" });
  peer.cuts();
  clock.step();
  server.accept(2).joins({ how: "reset", reason: "retention", epoch: "e", seq: 9 });
  assert.deepEqual({ ...show.status.value }, { name: "live", reset: "retention" });
  server.peer.cuts();
  clock.step();
  server.accept(3).joins({ how: "resumed", seq: 9 });
  assert.deepEqual({ ...show.status.value }, { name: "live" });
  server.peer.says({ type: "closed", reason: "room_closed", why: "grace" });
  server.peer.cuts(4503, "room_closed");
  assert.deepEqual({ ...show.status.value }, { name: "closed", code: 4503, reason: "room_closed", comesBack: false, why: "grace" });
});

test("a probe is asked when the page is shown, and a server that does not answer is left at once", (t) => {
  const page = new Page(t);
  const { clock, server, show, peer } = viewer(t, { limits, nextMs: 25_000 }, { pauseHidden: false });
  page.hide();
  clock.advance(10_000);
  page.show();
  const [ping, ...more] = peer.rest().slice(-1);
  assert.deepEqual([ping.type, more], ["ping", []]);
  peer.says({ type: "pong", id: ping.id, seq: 0 });
  clock.advance(2_000);
  assert.equal(show.status.value.name, "live");
  page.show();
  clock.advance(1_500);
  assert.equal(show.status.value.name, "checking");
  clock.advance(101);
  assert.equal(server.peers.length, 2, "the next attempt is at once");
  assert.equal(show.status.value.reason, "silent");
});

test("a publish that is not acknowledged for 2 s makes the owner ask", async (t) => {
  const { room, peer, clock } = await owner(t, {}, { limits: { ...limits }, nextMs: 0 });
  room.publish("a", []).catch(() => {});
  clock.advance(1_999);
  assert.deepEqual(peer.rest().map(({ type }) => type), ["publish"]);
  clock.advance(1);
  assert.deepEqual(peer.rest().map(({ type }) => type), ["ping"]);
  clock.advance(1_500);
  assert.equal(room.status.value.name, "checking");
  clock.advance(200);
  assert.deepEqual([room.status.value.name, room.status.value.reason], ["resuming", "silent"]);
});

test("a server that told no limits is asked nothing", (t) => {
  const page = new Page(t);
  const { clock, show, peer } = viewer(t, {}, { pauseHidden: false });
  page.show();
  for (const type of ["pageshow", "focus", "online"]) page.network(type);
  clock.advance(10_000);
  assert.deepEqual([peer.rest(), show.status.value.name], [[], "live"]);
});

test("reconnect: false leaves a lost connection lost, until it is asked to come back", (t) => {
  const { clock, server, show, peer } = viewer(t, {}, { reconnect: false });
  peer.cuts();
  assert.deepEqual({ ...show.status.value }, { name: "resuming", code: 1006, reason: "lost" });
  clock.advance(100_000);
  assert.equal(server.peers.length, 1);
  show.reconnect();
  server.accept(2).joins({ how: "resumed" });
  assert.equal(show.status.value.name, "live");
});

test("who asks to come back does so now, but not before the moment that the server told", (t) => {
  const { clock, server, show, peer } = viewer(t);
  peer.cuts();
  show.reconnect();
  assert.equal(server.peers.length, 2);
  server.accept(2).says({ type: "draining", reconnectInMs: 5_000 });
  server.peer.cuts(1012, "restart");
  show.reconnect();
  clock.advance(4_999);
  assert.equal(server.peers.length, 2);
  clock.advance(1);
  assert.equal(server.peers.length, 3);
});
