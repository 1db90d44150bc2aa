// A viewer whose state is torn: numbers were skipped and it lacks newer values. It lets no other life continue its cursor.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { Page } from "./page.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

const skipped = (through, until) => ({ type: "skipped", through, until });
const alive = (seq) => ({ type: "alive", seq });
const slow = { type: "reset", reason: "slow", epoch: "e", term: 1, seq: 12, replay: 2, owner: "live" };
const torn = [skipped(8), state(9, "a")];

/** Returns a viewer at 3 of epoch `e`, which received these frames. */
function atThree(t, ...then) {
  const clock = new Clock(t);
  const server = new Server();
  const show = watch("ws://example.org/b", ROOM, { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 } });
  t.after(() => show.leave());
  const peer = server.accept(1);
  assert.deepEqual(asked(peer.joins({ seq: 2, replay: 2 })), [undefined, undefined, true]);
  peer.says(state(1, "a"), state(2, "b"), bell(3), ...then);
  return { clock, server, show, peer };
}

/** Returns the members of a join about its cursor. */
const asked = ({ cursor, lives }) => [cursor?.epoch, cursor?.seq, lives];

/** Cuts the connection, answers the next join with these members, and returns that join. */
function next({ clock, server }, members) {
  server.peer.cuts();
  return comes({ clock, server }, members);
}

/** The viewer reconnects by itself. */
function comes({ clock, server }, members = { how: "resumed", seq: 0 }) {
  clock.step();
  return asked(server.accept().joins(members));
}

for (const { what, then, seq, lives } of [
  { what: "before any hole", then: [bell(4), alive(9)], seq: 4, lives: true },
  { what: "behind a hole", then: torn, seq: 9 },
  { what: "at a hole", then: [skipped(8)], seq: 3 },
  { what: "before the newer values", then: [skipped(8, 11), state(9, "a"), bell(10), alive(10)], seq: 10 },
  { what: "with the newer values", then: [skipped(8, 11), state(9, "a"), bell(10), state(11, "b")], seq: 11, lives: true },
  { what: "with the newer value at once", then: [skipped(8, 9), state(9, "a")], seq: 9, lives: true },
  { what: "without a heartbeat", then: [...torn, bell(10), bell(11)], seq: 11 },
  { what: "a heartbeat before the hole", then: [alive(9), ...torn, bell(10)], seq: 10 },
  { what: "a heartbeat that is not reached", then: [...torn, alive(11), bell(10)], seq: 10 },
  { what: "a heartbeat that is reached", then: [...torn, alive(11), bell(10), state(11, "b")], seq: 11, lives: true },
  { what: "a heartbeat that is reached already", then: [...torn, alive(9)], seq: 9, lives: true },
  { what: "the first of two heartbeats", then: [...torn, alive(10), bell(10), alive(12)], seq: 10, lives: true },
  { what: "another hole", then: [...torn, alive(9), skipped(11), state(12, "a")], seq: 12 },
  { what: "another hole before the heartbeat is reached", then: [...torn, alive(11), skipped(11), state(12, "a")], seq: 12 },
  { what: "another hole and its heartbeat", then: [...torn, alive(9), skipped(11), state(12, "a"), alive(12)], seq: 12, lives: true },
  { what: "a reset that is cut", then: [...torn, slow, state(11, "a")], seq: 9 },
  { what: "a heartbeat in a reset that is cut", then: [...torn, slow, alive(9), state(11, "a")], seq: 9 },
  { what: "a reset", then: [...torn, slow, state(11, "a"), state(12, "b")], seq: 12, lives: true },
  { what: "a hole behind a reset", then: [...torn, slow, state(11, "a"), state(12, "b"), skipped(14)], seq: 12 },
]) {
  test(`a torn viewer joins without lives until the newer values have come: ${what}`, (t) => {
    assert.deepEqual(next(atThree(t, ...then)), ["e", seq, lives]);
  });
}

test("a torn viewer's join has no member for lives", (t) => {
  const all = atThree(t, ...torn);
  all.peer.cuts();
  all.clock.step();
  const { id, ...join } = all.server.accept(2).asked();
  assert.deepEqual(join, { type: "join", room: ROOM, cursor: { epoch: "e", seq: 9 } });
});

test("a tear lasts over connections until what a heartbeat promised has come", (t) => {
  const all = atThree(t, ...torn);
  const { show, server } = all;
  assert.equal(show.status.value.name, "lagging");
  assert.deepEqual(next(all, { how: "resumed", seq: 9, replay: 0 }), ["e", 9, undefined]);
  assert.equal(show.status.value.name, "live", "on this connection nothing was superseded");
  assert.deepEqual(next(all, { how: "resumed", seq: 11, replay: 2 }), ["e", 9, undefined], "nothing has come");
  server.peer.says(alive(11), bell(10));
  assert.deepEqual(next(all, { how: "resumed", seq: 11, replay: 1 }), ["e", 10, undefined], "one more was promised");
  server.peer.says(bell(11));
  assert.deepEqual(next(all, { how: "resumed", epoch: "f", seq: 12, replay: 1 }), ["e", 11, true]);
  server.peer.says(bell(12));
  assert.equal(show.status.value.name, "live");
});

test("a torn viewer goes on in another life by a whole state only", (t) => {
  const all = atThree(t, ...torn);
  const { show, server } = all;
  // Such a server does not understand the request.
  next(all, { how: "resumed", epoch: "f", seq: 9, replay: 0 });
  assert.deepEqual([show.status.value.name, show.status.value.reason], ["resuming", "protocol"]);
  const reset = { how: "reset", reason: "epoch", epoch: "f", seq: 7, replay: 2 };
  assert.deepEqual(comes(all, reset), ["e", 9, undefined]);
  // A number of another numbering.
  server.peer.says(state(6, "a"), alive(7));
  assert.deepEqual(next(all, reset), ["e", 9, undefined]);
  server.peer.says(state(6, "a"), alive(7), state(7, "b"));
  assert.deepEqual(next(all), ["f", 7, true]);
  assert.deepEqual([...show.state.getSnapshot()], [["a", [6]], ["b", [7]]]);
});

for (const [how, members, lives] of [
  ["is resumed", { how: "resumed", seq: 9, replay: 0 }, undefined],
  ["is reset", { how: "reset", reason: "retention", seq: 9, replay: 0 }, true],
]) {
  test(`a torn viewer that pauses and ${how} ${lives ? "is whole" : "stays torn"}`, (t) => {
    const page = new Page(t);
    const all = atThree(t, ...torn);
    page.hide();
    all.peer.says(alive(9));
    page.show();
    all.peer.says(alive(9));
    const { id } = all.peer.rest().at(-1);
    all.peer.says({ type: "joined", id, room: ROOM, epoch: "e", term: 1, owner: "live", aliveMs: 25_000, ...members });
    assert.equal(all.show.status.value.name, lives ? "live" : "lagging");
    assert.deepEqual(next(all), ["e", 9, lives]);
  });
}

test("a torn viewer that pauses is not resumed in another life", (t) => {
  const page = new Page(t);
  const all = atThree(t, skipped(8));
  page.hide();
  page.show();
  const { id } = all.peer.rest().at(-1);
  all.peer.says({ type: "joined", id, room: ROOM, epoch: "f", term: 1, seq: 8, how: "resumed", replay: 0, owner: "live", aliveMs: 25_000 });
  assert.equal(all.show.status.value.reason, "protocol");
  assert.deepEqual(comes(all), ["e", 3, undefined]);
});

test("a viewer lags from its first hole to a heartbeat behind the last one, however many there are", (t) => {
  const { show, peer } = atThree(t);
  /** @type {string[]} */
  const told = [];
  show.status.subscribe(({ name }) => told.push(name));
  for (const seq of [9, 11, 13]) peer.says(skipped(seq - 1, seq), state(seq, "a"));
  assert.deepEqual(told, ["lagging"]);
  peer.says(alive(14), state(14, "b"));
  assert.deepEqual(told, ["lagging", "live"]);
});
