// When a viewer reconnects and when it does not: close codes, delays, advice, heartbeats, the page and its network.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { Page } from "./page.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

/** Returns a viewer that is in its room, on a clock. */
function live(t, { joined = {}, random = () => 0.5, ...options } = {}) {
  const clock = new Clock(t);
  const server = new Server();
  const show = watch("ws://example.org/b", ROOM, { WebSocket: server.WebSocket, reconnect: { random }, ...options });
  t.after(() => show.leave());
  const told = [];
  show.status.subscribe(({ name, reason }) => told.push([name, reason].filter(Boolean).join(" ")));
  const peer = server.accept(1);
  peer.joins(joined);
  return { clock, server, show, told, peer };
}

const resumed = { how: "resumed" };

for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 4000, 4005, 4008, 4012, 4013, 4029, 4499]) {
  test(`a viewer comes back after ${code}`, (t) => {
    const { clock, server, show, peer } = live(t);
    peer.cuts(code, "word");
    assert.deepEqual({ ...show.status.value }, { name: "resuming", code, reason: "word", retryInMs: 250 });
    clock.step();
    server.accept(2).joins(resumed);
    assert.deepEqual({ ...show.status.value }, { name: "live" });
  });
}

for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 1010, 1016, 3000, 4500, 4501, 4502, 4503, 4507, 4510, 4999]) {
  test(`a viewer does not come back after ${code}`, (t) => {
    const { clock, show, peer } = live(t);
    peer.cuts(code, "word");
    assert.deepEqual({ ...show.status.value }, { name: "closed", code, reason: "word", comesBack: false });
    assert.equal(clock.waiting, 0);
  });
}

test("a viewer comes back after a bare 1000, with which proxies close, and not after a server's", (t) => {
  const { clock, server, show, peer } = live(t);
  peer.cuts(1000);
  assert.deepEqual({ ...show.status.value }, { name: "resuming", code: 1000, reason: "lost", retryInMs: 250 });
  clock.step();
  const next = server.accept(2);
  next.joins(resumed);
  next.says({ type: "closed", reason: "left" });
  next.cuts(1000);
  assert.deepEqual([show.status.value.name, show.status.value.comesBack], ["closed", false]);
});

test("the nth delay is spread evenly: the first from zero on, six as often as a network of 2 s needs, others rarely", (t) => {
  const CLIENTS = 2_000;
  const clock = new Clock(t);
  const tenths = Array.from({ length: 9 }, () => new Array(10).fill(0));
  for (let client = 0; client < CLIENTS; client++) {
    const server = new Server();
    const show = watch("ws://example.org/b", ROOM, { WebSocket: server.WebSocket });
    for (const counts of tenths) {
      const [least, bound] = [[0, 500], ...new Array(6).fill([350, 500]), [2_800, 4_000], [10_500, 15_000]][tenths.indexOf(counts)];
      server.peer.cuts();
      const { retryInMs } = show.status.value;
      assert.ok(least <= retryInMs && retryInMs < bound, `${retryInMs} of ${least} to ${bound}`);
      counts[Math.floor(((retryInMs - least) * 10) / (bound - least))] += 1;
      clock.step();
    }
    show.leave();
  }
  // Pearson's test with 9 degrees of freedom: by chance it is above 39.3 once in 100 000 times.
  const mean = CLIENTS / 10;
  for (const counts of tenths) {
    const square = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / mean;
    assert.ok(square < 39.3, counts.join(" "));
  }
});

test("a stay makes the next delay a first one again; of those of less than a second, eight in a row do", (t) => {
  const { clock, server, show, peer } = live(t, { joined: { aliveMs: 0 } });
  const delays = [];
  const lives = (peer, ms) => {
    clock.advance(ms);
    peer.cuts();
    delays.push(show.status.value.retryInMs);
    clock.step();
    const next = server.accept();
    next.joins({ ...resumed, aliveMs: 0 });
    return next;
  };
  let next = lives(peer, 0);
  for (const ms of [999, 0, 0, 0, 0, 0, 0, 0, 999, 1_000, 0]) next = lives(next, ms);
  assert.deepEqual(delays, [...new Array(8).fill(250), 425, 425, 250, 250]);
});

test("a server that goes away is met again at the moment that it chose", (t) => {
  const { clock, server, show, told, peer } = live(t);
  peer.says({ type: "draining", reconnectInMs: 1_834 });
  clock.advance(1_000);
  assert.deepEqual(told, ["live"]);
  peer.cuts(1012, "restart");
  assert.equal(show.status.value.retryInMs, 834);
  clock.step();
  const next = server.accept(2);
  next.joins(resumed);
  next.says({ type: "draining", reconnectInMs: 500 });
  clock.advance(500);
  assert.deepEqual(told.slice(-3), ["resuming restart", "live", "resuming moment"]);
  assert.equal(show.status.value.retryInMs, 500, "a moment that has come is no reason to come more often");
  clock.step();
  server.accept(3).joins(resumed);
  server.peer.cuts();
  assert.equal(show.status.value.retryInMs, 425, "the advice was for once, and no stay behind it begins the delays anew");
});

for (const [code, comesBack] of [["no_room", 4510], ["bad_message", 4501], ["unauthorized", 4500], ["news", 1008]]) {
  test(`a refused join is final: ${code}`, (t) => {
    const { show, clock, peer, server } = live(t);
    peer.cuts();
    clock.step();
    const { id } = server.accept(2).asked();
    server.peer.says({ type: "error", id, code, message: "no" });
    assert.deepEqual({ ...show.status.value }, { name: "closed", code: comesBack, reason: code, comesBack: false });
    assert.equal(clock.waiting, 0);
  });
}

for (const code of ["room_full", "rate", "unavailable", "room_limit"]) {
  test(`a refused join is tried again after the time that was told and a delay that doubles with each refusal: ${code}`, (t) => {
    const { show, clock, peer, server } = live(t);
    peer.cuts();
    clock.step();
    const waits = [2, 3, 4, 5, 6].map((count) => {
      const { id } = server.accept(count).asked();
      server.peer.says({ type: "error", id, code, message: "no", retryInMs: 3_000 });
      const wait = show.status.value.retryInMs;
      clock.step();
      return wait;
    });
    assert.deepEqual(waits, [3_500, 4_000, 5_000, 7_000, 10_500]);
    server.accept(7).joins(resumed);
    assert.equal(show.status.value.name, "live");
    clock.advance(10_000);
    server.peer.cuts();
    clock.step();
    const { id } = server.accept(8).asked();
    server.peer.says({ type: "error", id, code, message: "no", retryInMs: 3_000 });
    assert.equal(show.status.value.retryInMs, 3_500, "a row ends in the room");
  });
}

test("a server that never answers is left, and one whose replay goes on is not", (t) => {
  const { clock, server, told, peer } = live(t);
  peer.cuts();
  clock.step();
  server.accept(2);
  clock.advance(10_000);
  assert.equal(told.at(-1), "resuming silent");
  clock.step();
  const next = server.accept(3);
  clock.advance(19_999);
  assert.equal(server.peers.length, 3, "the time for an answer doubles");
  next.joins({ how: "reset", reason: "epoch", epoch: "f", seq: 3, replay: 3 });
  for (const seq of [1, 2, 3]) {
    clock.advance(9_999);
    next.says(state(seq, "a"));
  }
  assert.equal(told.at(-1), "live");
  next.says({ type: "reset", reason: "slow", epoch: "f", term: 1, seq: 9, replay: 2, owner: "live" });
  next.cuts();
  clock.step();
  server.accept(4).joins({ how: "reset", reason: "epoch", epoch: "g", seq: 3, replay: 3 });
  clock.advance(20_000);
  assert.equal(told.at(-1), "resuming silent", "half a replay is no room");
});

test("a server that is not heard for two heartbeats is left", (t) => {
  const { clock, server, told, peer } = live(t);
  clock.advance(49_999);
  peer.says({ type: "alive", seq: 0 });
  clock.advance(49_999);
  assert.deepEqual(told, ["live"]);
  clock.advance(1);
  assert.deepEqual(told, ["live", "resuming silent"]);
  clock.step();
  server.accept(2);
});

test("without heartbeats silence means nothing", (t) => {
  const { clock, told } = live(t, { joined: { aliveMs: 0 } });
  assert.equal(clock.waiting, 0);
  assert.deepEqual(told, ["live"]);
});

test("a number that one heartbeat promised and the next finds missing makes the viewer resume", (t) => {
  const { peer, told } = live(t);
  peer.says({ type: "alive", seq: 1 }, bell(1), { type: "alive", seq: 2 });
  assert.deepEqual(told, ["live"]);
  peer.says({ type: "alive", seq: 3 });
  assert.deepEqual(told, ["live", "resuming behind"]);
});

test("a viewer lags from a hole until it has what the next heartbeat promises", (t) => {
  const { peer, told } = live(t);
  peer.says({ type: "skipped", through: 4 });
  assert.deepEqual(told, ["live"]);
  peer.says(state(5, "a"), bell(6), { type: "alive", seq: 8 }, bell(7));
  assert.deepEqual(told, ["live", "lagging"]);
  peer.says(bell(8));
  assert.deepEqual(told, ["live", "lagging", "live"]);
});

test("without heartbeats it lags until the message after the hole", (t) => {
  const { peer, told } = live(t, { joined: { aliveMs: 0 } });
  peer.says({ type: "skipped", through: 4 }, state(5, "a"), bell(6));
  assert.deepEqual(told, ["live", "lagging", "live"]);
});

test("a server that speaks something else is no server", (t) => {
  const server = new Server();
  const show = watch("ws://example.org/b", ROOM, { WebSocket: server.WebSocket });
  server.peer.socket.protocol = "";
  server.accept();
  assert.deepEqual({ ...show.status.value }, { name: "closed", code: 1002, reason: "protocol", comesBack: false });
});

test("a hidden page pauses, and gets one replay when it is shown", (t) => {
  const page = new Page(t);
  const { peer, told, show, clock } = live(t);
  const seen = [];
  show.on("bell", (n) => seen.push(n));
  page.hide();
  page.hide();
  // Messages that were sent before still come, and a heartbeat does not announce messages that will be sent.
  peer.says(bell(1), { type: "alive", seq: 1 }, { type: "alive", seq: 5 }, { type: "alive", seq: 9 });
  page.show();
  page.show();
  const [join, pause, unpause, ...others] = [null, ...peer.rest()];
  assert.deepEqual([join, pause, others], [null, { type: "pause" }, []]);
  assert.equal(unpause.type, "unpause");
  assert.deepEqual(told, ["live", "resuming"]);
  peer.says({ type: "joined", id: unpause.id, room: ROOM, epoch: "e", term: 1, seq: 3, how: "resumed", replay: 2, owner: "live", aliveMs: 25_000 });
  peer.says(bell(2));
  assert.deepEqual(told, ["live", "resuming"]);
  peer.says(bell(3), bell(4));
  assert.deepEqual(told, ["live", "resuming", "live"]);
  assert.deepEqual(seen, [1, 2, 3, 4]);
  clock.advance(50_000);
  assert.equal(told.at(-1), "resuming silent");
});

test("a hole that was told before a pause is where the catch-up begins", (t) => {
  const page = new Page(t);
  const { peer, told, show } = live(t);
  peer.says({ type: "skipped", through: 4 });
  page.hide();
  page.show();
  const { id } = peer.rest().at(-1);
  peer.says({ type: "joined", id, room: ROOM, epoch: "e", term: 1, seq: 5, how: "resumed", replay: 1, owner: "live", aliveMs: 25_000 }, state(5, "a"));
  assert.deepEqual([told.at(-1), show.state.get("a")], ["live", [5]]);
});

test("a catch-up that is cut before its first message does not count the hole as seen", (t) => {
  const page = new Page(t);
  const { peer, clock, server, show } = live(t);
  peer.says(bell(1), { type: "skipped", through: 4 });
  page.hide();
  page.show();
  const { id } = peer.rest().at(-1);
  peer.says({ type: "joined", id, room: ROOM, epoch: "e", term: 1, seq: 6, how: "resumed", replay: 2, owner: "live", aliveMs: 25_000 });
  peer.cuts();
  clock.step();
  const next = server.accept(2);
  assert.deepEqual(next.joins({ ...resumed, epoch: "e", seq: 6, replay: 5 }).cursor, { epoch: "e", seq: 1 });
  next.says(...[2, 3, 4, 5, 6].map((seq) => state(seq, "a")));
  assert.deepEqual([show.state.get("a"), show.status.value.name], [[6], "live"]);
});

test("a page that is hidden before it is in pauses when it is, and again after each return", (t) => {
  const page = new Page(t);
  page.hide();
  const { peer, clock, server } = live(t);
  assert.deepEqual(peer.rest(), [{ type: "pause" }]);
  peer.cuts();
  clock.step();
  server.accept(2).joins(resumed);
  assert.deepEqual(server.peer.rest(), [{ type: "pause" }]);
  peer.cuts();
  page.show();
  assert.equal(server.peer.rest()[0].type, "unpause");
});

test("a return that is refused for now is made by another connection", (t) => {
  const page = new Page(t);
  const { peer, clock, server, told } = live(t);
  page.hide();
  page.show();
  const [, { id }] = peer.rest();
  peer.says({ type: "error", id, code: "rate", message: "no", retryInMs: 1_000 });
  assert.equal(told.at(-1), "resuming rate");
  clock.step();
  assert.deepEqual(server.accept(2).joins(resumed).cursor, { epoch: "e", seq: 0 });
  assert.equal(told.at(-1), "live");
});

test("a page may ask for all messages even while it is hidden", (t) => {
  const page = new Page(t);
  const { peer } = live(t, { pauseHidden: false });
  page.hide();
  assert.deepEqual(peer.rest(), []);
});

test("the network's end is believed at once, and its return is the next attempt", (t) => {
  const page = new Page(t);
  const { server, told, show, clock } = live(t);
  page.network("online");
  assert.equal(server.peers.length, 1);
  page.network("offline");
  assert.equal(told.at(-1), "resuming offline");
  page.network("offline");
  clock.advance(29_999);
  assert.equal(server.peers.length, 1, "the browser is believed for a while");
  page.network("online");
  clock.advance(500);
  server.accept(2).joins(resumed);
  assert.deepEqual(told, ["live", "resuming offline", "live"]);
  show.leave();
  for (const type of ["offline", "online"]) page.network(type);
  page.hide();
  assert.equal(server.peers.length, 2);
  assert.equal(clock.waiting, 0);
});

test("a page that is kept for the way back has no connection meanwhile, and comes back when it is shown", (t) => {
  const page = new Page(t);
  const { server, peer, told, clock } = live(t);
  page.network("pagehide", { persisted: false });
  assert.equal(told.at(-1), "live", "a page that is not kept is over anyway");
  page.network("pagehide", { persisted: true });
  assert.equal(told.at(-1), "resuming hidden");
  assert.equal(peer.socket.closedWith, 1000);
  clock.advance(29_999);
  assert.equal(server.peers.length, 1);
  page.network("pageshow", { persisted: true });
  clock.advance(0);
  server.accept(2).joins(resumed);
  assert.deepEqual(told, ["live", "resuming hidden", "live"]);
});

test("an end between attempts leaves nothing behind", (t) => {
  const { peer, show, told, clock } = live(t);
  peer.cuts();
  show.leave();
  show.leave();
  assert.deepEqual(told, ["live", "resuming lost", "closed left"]);
  assert.equal(clock.waiting, 0);
});
