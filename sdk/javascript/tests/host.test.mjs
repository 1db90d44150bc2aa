// Which messages an owner sends, when, and which results its program gets.

import assert from "node:assert/strict";
import { test } from "node:test";
import { outcome, owner, said } from "./owner.mjs";
import { Page } from "./page.mjs";
import { bell, KEY, ROOM, state } from "./script.mjs";

test("an owner has its room, its key and what it asked for", async (t) => {
  const signals = { vote: { count: true, everyMs: 500, oncePerViewer: true } };
  const { room, create } = await owner(t, { audience: true, signals, token: "t" });
  assert.equal(create.id, "1");
  assert.deepEqual({ ...create, id: "" }, { type: "create", id: "", token: "t", audience: true, signals });
  assert.deepEqual([room.id, room.ownerKey, room.term, room.status.value.name], [ROOM, KEY, 1, "live"]);
});

test("what is published has the number that the server gave it", async (t) => {
  const { room, peer, clock } = await owner(t);
  const one = room.publish("slide", [3], { state: true });
  clock.advance(0);
  const { id, ...slide } = peer.acks(1);
  assert.deepEqual(slide, { type: "publish", key: "slide", params: [3], state: true });
  const two = room.publish("bell", []);
  const other = peer.acks(2);
  assert.deepEqual({ ...other, id: "" }, { type: "publish", id: "", key: "bell", params: [] });
  assert.notEqual(id, other.id);
  const three = room.clear("slide");
  clock.advance(0);
  assert.equal(peer.acks(3).type, "clear");
  assert.deepEqual(await Promise.all([one, two, three]), [1, 2, 3]);
});

test("values are said once a frame, the newest of each key, and events each at once", async (t) => {
  const { room, peer, clock } = await owner(t);
  const params = [1];
  const first = room.publish("a", params, { state: true });
  params[0] = "changed behind";
  room.publish("b", [1], { state: true });
  const newer = room.publish("a", [2], { state: true });
  room.publish("pointer", [0, 0], { ephemeral: true });
  room.publish("pointer", [1, 1], { ephemeral: true });
  assert.deepEqual(said(peer), ["publish a [1] state"], "the first one waits for nothing");
  const third = room.publish("a", [3], { state: true });
  clock.advance(0);
  const [one, a] = peer.socket.sent.map((text) => JSON.parse(text)).filter(({ key }) => key === "a");
  assert.deepEqual(said(peer), ["publish b [1] state", "publish pointer [1,1]", "publish a [3] state"]);
  peer.says({ type: "ack", id: one.id, seq: 1 }, { type: "ack", id: a.id, seq: 7 });
  assert.deepEqual(await Promise.all([first, newer, third]), [1, 7, 7], "the number of the one that took its place");
  clock.advance(0);
  for (const n of [1, 2, 3]) room.publish("bell", [n]);
  assert.deepEqual(said(peer), ["publish bell [1]", "publish bell [2]", "publish bell [3]"]);
  room.publish("a", [3], { state: true });
  room.publish("bell", [4]);
  room.publish("a", [4], { state: true });
  assert.deepEqual(said(peer), ["publish a [3] state", "publish bell [4]"], "an event waits for no frame and overtakes nothing");
  clock.advance(0);
  assert.deepEqual(said(peer), ["publish a [4] state"]);
});

test("where there are frames a value waits for the next one, and not for ever", async (t) => {
  const { room, peer, clock } = await owner(t);
  const frames = new Map();
  let count = 0;
  globalThis.requestAnimationFrame = (draw) => (frames.set(++count, draw), count);
  globalThis.cancelAnimationFrame = (frame) => frames.delete(frame);
  t.after(() => {
    delete globalThis.requestAnimationFrame;
    delete globalThis.cancelAnimationFrame;
  });
  room.publish("a", [0], { state: true });
  assert.deepEqual(peer.acks(1).params, [0], "the first one waits for nothing");
  const before = clock.waiting;
  room.publish("a", [1], { state: true });
  clock.advance(40);
  assert.deepEqual(said(peer), []);
  frames.get(1)();
  assert.deepEqual(peer.acks(2).params, [1]);
  assert.equal(clock.waiting, before, "a frame takes its timer with it, which would be too early for the next one");
  // Without animation frames.
  room.publish("a", [2], { state: true });
  clock.advance(49);
  assert.deepEqual(said(peer), []);
  clock.advance(1);
  assert.deepEqual(said(peer), ["publish a [2] state"]);
  clock.advance(50);
  assert.equal(frames.size, 0, "no animation frame stays requested");
});

test("in a hidden page values wait for no timer, and those of one turn are one", async (t) => {
  const page = new Page(t);
  const { room, peer } = await owner(t);
  page.hide();
  for (let turn = 0; turn < 3; turn++) {
    for (const n of [1, 2, 3]) room.publish("a", [n], { state: true });
    await Promise.resolve();
    await Promise.resolve();
    assert.deepEqual(said(peer), ["publish a [1] state", "publish a [3] state"]);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

for (const leaves of ["visibilitychange", "pagehide", "beforeunload"]) {
  test(`what waits for a frame leaves at once with the page: ${leaves}`, async (t) => {
    const page = new Page(t);
    const { room, peer } = await owner(t);
    room.publish("a", [1], { state: true });
    room.publish("a", [2], { state: true });
    room.publish("pointer", [1], { ephemeral: true });
    assert.deepEqual(said(peer), ["publish a [1] state"]);
    if (leaves === "visibilitychange") page.hide();
    else page.network(leaves);
    assert.deepEqual(said(peer), ["publish a [2] state", "publish pointer [1]"]);
    room.leave();
  });
}

test("what was not acknowledged before a cut is said again, in order and under its id", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  const outcomes = ["one", "two"].map((key) => room.publish(key, []));
  outcomes.push(room.publish("a", [1], { state: true }));
  clock.advance(0);
  const before = peer.rest();
  peer.cuts();
  // Without a connection only the newest value of each key waits.
  outcomes.push(room.publish("a", [2], { state: true }), room.publish("a", [3], { state: true }), room.clear("b"));
  assert.equal(await outcome(room.publish("bell", [])), "offline");
  assert.equal(await room.publish("pointer", [1], { ephemeral: true }), undefined);
  clock.advance(0);
  clock.step();
  const next = server.accept(2);
  const { id, ...own } = next.owns(2, 1, state(1, "one"));
  assert.deepEqual(own, { type: "own", room: ROOM, ownerKey: KEY, lives: true, cursor: { epoch: "e", seq: 0 } });
  const after = next.rest();
  assert.deepEqual(after.slice(0, 3), before);
  assert.deepEqual(after.slice(3).map(({ type, key, params }) => [type, key, params]), [["publish", "a", [3]], ["clear", "b", undefined]]);
  after.forEach(({ id }, index) => next.says({ type: "ack", id, seq: index + 1 }));
  assert.deepEqual(await Promise.all(outcomes), [1, 2, 3, 4, 4, 5]);
  assert.equal(room.term, 2);
});

test("an owner that comes back is in when the state is, and a cut in the middle changes nothing", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  const acked = room.publish("a", [1], { state: true });
  clock.advance(0);
  peer.acks(1);
  await acked;
  const before = room.state.getSnapshot();
  assert.deepEqual([...before], [["a", [1]]]);
  peer.cuts();
  clock.step();
  const own = server.accept(2).asked();
  const owned = { type: "owned", id: own.id, room: ROOM, epoch: "f", term: 5, seq: 9, replay: 2, aliveMs: 25_000 };
  server.peer.says(owned, state(8, "x"));
  server.peer.cuts();
  assert.equal(room.state.getSnapshot(), before);
  clock.step();
  const again = server.accept(3).asked();
  const changes = [];
  room.state.subscribe(() => changes.push([...room.state.getSnapshot().keys()]));
  server.peer.says({ ...owned, id: again.id }, state(8, "x"), { type: "alive", seq: 9 });
  assert.equal(room.status.value.name, "resuming");
  server.peer.says(state(9, "y"));
  assert.deepEqual([room.status.value.name, room.term, changes], ["live", 5, [["x", "y"]]]);
  server.peer.cuts();
  clock.step();
  server.accept(4).owns(6, 9, bell(9));
  assert.equal(room.status.value.reason, "protocol");
  clock.step();
  const last = server.accept(5).asked();
  server.peer.says({ ...owned, id: last.id }, state(8, "x"));
  server.peer.cuts();
  clock.step();
  server.accept(6).says(state(9, "y"));
  assert.equal(room.status.value.reason, "protocol", "half a state does not go on elsewhere");
});

test("what was said again does not come back over what is newer", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  const outcomes = [1, 2].map((n) => {
    const said = room.publish("a", [n], { state: true });
    clock.advance(0);
    return said;
  });
  peer.cuts();
  clock.step();
  const next = server.accept(2);
  next.owns(2, 2, { ...state(2, "a"), params: [2] });
  next.acks(1);
  assert.deepEqual(room.state.get("a"), [2]);
  next.acks(2);
  assert.deepEqual(await Promise.all(outcomes), [1, 2]);
});

test("a refusal rejects its message, and a message that the log could not take is sent again", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  const outcomes = ["state_full", "id_reused", "bad_message", "unavailable"].map((code) => {
    const published = room.publish("bell", [code]);
    const { id } = peer.asked();
    peer.says({ type: "error", id, code, message: "no" });
    return outcome(published);
  });
  peer.cuts(4013, "unavailable");
  clock.step();
  const next = server.accept(2);
  next.owns();
  assert.deepEqual(next.acks(1).params, ["unavailable"]);
  assert.deepEqual(await Promise.all(outcomes), ["state_full", "id_reused", "bad_message", 1]);
});

test("only so many messages are on their way, and only so many wait for a place", async (t) => {
  const { room, peer, clock } = await owner(t);
  const refused = [];
  room.listen("refused", ({ key, params, error }) => refused.push([key, params, error.code]));
  const events = Array.from({ length: 1_024 + 4_096 }, (_, n) => room.publish("bell", [n]));
  assert.equal(await outcome(room.publish("bell", ["one too many"])), "busy");
  assert.equal(await outcome(room.publish("a", [1], { state: true })), "busy");
  assert.deepEqual(refused, [["bell", ["one too many"], "busy"], ["a", [1], "busy"]]);
  assert.ok(room.bufferedAmount > 4_096 * 60, `${room.bufferedAmount}`);
  clock.advance(0);
  const sent = peer.rest();
  assert.equal(sent.length, 1_024);
  for (const [n, { id }] of sent.entries()) peer.says({ type: "ack", id, seq: n + 1 });
  assert.equal(await events[1_023], 1_024);
  clock.advance(0);
  const value = room.publish("a", [1], { state: true });
  clock.advance(0);
  for (let seq = 1_025; seq <= 1_024 + 4_096; seq++) {
    const { params } = peer.acks(seq);
    assert.deepEqual(params, [seq - 1]);
    clock.advance(0);
  }
  assert.equal(peer.acks(5_121).key, "a");
  assert.deepEqual([await events.at(-1), await value], [5_120, 5_121]);
  assert.equal(room.bufferedAmount, 0);
});

test("a publish that is taken back is not said, and takes no other one with it", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  peer.cuts();
  const controllers = Array.from({ length: 4 }, () => new AbortController());
  const outcomes = controllers.map(({ signal }, n) => outcome(room.publish("a", [n], { state: true, signal })));
  const plain = outcome(room.publish("b", [0], { state: true }));
  const newer = new AbortController();
  const over = outcome(room.publish("b", [1], { state: true, signal: newer.signal }));
  controllers[3].abort();
  controllers[1].abort();
  newer.abort();
  assert.deepEqual(await Promise.all([outcomes[3], outcomes[1], over]), ["aborted", "aborted", "aborted"]);
  clock.advance(250);
  const next = server.accept(2);
  next.owns();
  assert.deepEqual([next.acks(1).params, next.acks(2).params], [[2], [0]]);
  assert.deepEqual(await Promise.all([outcomes[0], outcomes[2], plain]), [1, 1, 2], "who was superseded gets the newer number");
  const first = new AbortController();
  const event = outcome(room.publish("bell", [], { signal: first.signal }));
  first.abort();
  assert.equal(await event, "aborted");
  next.cuts();
  clock.advance(250);
  server.accept(3).owns();
  assert.deepEqual(server.peer.rest(), [], "an event is not said again");
});

test("who waits waits no longer than it said", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  const event = outcome(room.publish("bell", [], { timeoutMs: 1_000 }));
  const value = outcome(room.publish("a", [1], { state: true, timeoutMs: 1_000 }));
  clock.advance(1_000);
  assert.deepEqual(await Promise.all([event, value]), ["timeout", "timeout"]);
  const controller = new AbortController();
  const { signal } = controller;
  room.publish("first", [], { state: true });
  const never = outcome(room.publish("never", [], { state: true, signal }));
  controller.abort();
  assert.equal(await never, "aborted");
  assert.equal(await outcome(room.publish("bell", [], { signal })), "aborted");
  const later = new AbortController();
  const sent = outcome(room.publish("sent", [], { state: true, signal: later.signal }));
  clock.advance(0);
  later.abort();
  assert.equal(await sent, "aborted");
  const { id } = peer.rest().at(-1);
  peer.says({ type: "ack", id, seq: 9 });
  assert.deepEqual(room.state.get("sent"), [], "what was said is known though nobody waits");
  peer.cuts();
  clock.step();
  server.accept(2).owns();
  assert.deepEqual(said(server.peer), ["publish a [1] state", "publish first [] state"], "a value is said even if nobody waits for it");
});

test("a message with a fault is not sent", async (t) => {
  const { room, peer } = await owner(t);
  for (const wrong of [["", []], [7, []], ["a", "text"], ["a", undefined], ["a", [], { state: true, ephemeral: true }]]) {
    assert.equal(await outcome(room.publish(...wrong)), "bad_message");
  }
  assert.equal(await outcome(room.publish("a", ["ä".repeat(33_000)])), "too_big");
  assert.equal(await outcome(room.publish("a", ["ä".repeat(33_000)], { state: true })), "too_big");
  assert.deepEqual(peer.rest(), []);
  room.publish("a", ["a".repeat(65_000)]);
  assert.equal(peer.rest().length, 1);
});

test("ephemeral messages do not pile up in front of a socket that takes nothing", async (t) => {
  const { room, peer, clock } = await owner(t);
  peer.socket.bufferedAmount = 70_000;
  assert.equal(await room.publish("pointer", [1], { ephemeral: true }), undefined);
  clock.advance(0);
  assert.deepEqual(peer.rest(), []);
});

test("an owner hears its viewers", async (t) => {
  const { room, peer } = await owner(t);
  const heard = [];
  room.listen("signal", ({ key, from }) => heard.push(`signal ${key} ${from}`));
  room.on("hand", ({ params, from }) => heard.push(`hand ${params} ${from}`));
  room.on("vote", ({ counts }) => heard.push(`vote ${JSON.stringify(counts)}`));
  room.audience.subscribe(({ viewers, lagging }) => heard.push(`audience ${viewers} ${lagging}`));
  peer.says({ type: "signal", key: "hand", params: [true], from: 7 }, { type: "signal", key: "vote", counts: [[["b"], 3]] });
  peer.says({ type: "audience", viewers: 812, lagging: 3, behindP95Ms: 0 }, { type: "signal", key: "audience", params: [], from: 1 });
  assert.deepEqual(heard, ["hand true 7", "signal hand 7", 'vote [[["b"],3]]', "signal vote undefined", "audience 812 3", "signal audience 1"]);
});

test("a room is closed when everything that was said is safe", async (t) => {
  const { room, peer, clock, server } = await owner(t);
  room.publish("bell", []);
  room.publish("a", [1], { state: true });
  const closing = outcome(room.close());
  assert.deepEqual(said(peer), ["publish bell []", "publish a [1] state"]);
  clock.advance(0);
  peer.cuts();
  clock.step();
  const next = server.accept(2);
  next.owns(2);
  next.acks(1);
  next.acks(2);
  assert.deepEqual(next.rest(), [{ type: "close" }]);
  next.cuts(1000, "room_closed");
  assert.equal(await closing, undefined);
  assert.equal(await outcome(room.close()), undefined, "again");
});

test("a room that cannot be closed in time says so", async (t) => {
  const { room, clock } = await owner(t);
  const closing = outcome(room.close({ timeoutMs: 500 }));
  clock.advance(500);
  assert.equal(await closing, "timeout");
});

test("an owner that leaves says what waits and does not end its room", async (t) => {
  const { room, peer } = await owner(t);
  const waiting = room.publish("a", [1], { state: true });
  room.leave();
  assert.deepEqual(said(peer), ["publish a [1] state"]);
  assert.equal(peer.socket.closedWith, 1000);
  assert.equal(await outcome(waiting), "left");
});

test("a promise that the program does not await is no unhandled rejection", async (t) => {
  const unhandled = [];
  const hear = (error) => unhandled.push(error);
  process.on("unhandledRejection", hear);
  t.after(() => process.off("unhandledRejection", hear));
  const { room, peer } = await owner(t);
  peer.cuts();
  room.publish("bell", []);
  room.leave();
  room.publish("a", [], { state: true });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(unhandled, []);
});
