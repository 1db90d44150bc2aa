// Where a viewer resumes, and what it shows and reports, whatever happens to its connection.

import assert from "node:assert/strict";
import { test } from "node:test";
import { join, watch } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

/** Returns a viewer on a clock, a scripted server, and the viewer's reports. */
function viewer(t, options = {}) {
  const clock = new Clock(t);
  const server = new Server();
  const told = [];
  const show = watch("ws://example.org/b", ROOM, { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 }, ...options });
  t.after(() => show.leave());
  show.status.subscribe(({ name, reason }) => told.push([name, reason].filter(Boolean).join(" ")));
  show.listen("message", ({ seq, key, params, cleared }) => told.push(`${seq ?? "-"} ${key} ${cleared ? "cleared" : JSON.stringify(params)}`));
  show.listen("reset", ({ reason }) => told.push(`reset ${reason}`));
  return { clock, server, show, told };
}

/** The same, after a=1, b=2 and the event 3. */
function atThree(t, options) {
  const all = viewer(t, options);
  const peer = all.server.accept(1);
  assert.equal(peer.joins({ seq: 2, replay: 2 }).cursor, undefined);
  peer.says(state(1, "a"), state(2, "b"), bell(3));
  all.told.length = 0;
  return { ...all, peer };
}

const shown = (show) => [...show.state.getSnapshot()].map(([key, params]) => key + JSON.stringify(params)).join(" ");

const reset = (replay) => ({ how: "reset", reason: "epoch", epoch: "f", seq: 7, replay });
const resumed = { how: "resumed", seq: 6, replay: 3 };
const again = { how: "resumed", seq: 3, replay: 0 };
const slow = { type: "reset", reason: "slow", epoch: "e", term: 1, seq: 9, replay: 2, owner: "live" };
const cleared = { type: "message", seq: 4, key: "a", params: [], cleared: true };
const leased = { type: "owner", status: "live", term: 2, epoch: "g" };
const old = "a[1] b[2]";

/** The frames of a server on one connection, and the cursor and state of the viewer after it was cut there. */
const TABLE = [
  { what: "without an answer", joined: null, then: [], seq: 3, shown: old },
  { what: "resumed, before the first message", joined: resumed, then: [], seq: 3, shown: old },
  { what: "resumed in another epoch, before the first message", joined: { ...resumed, epoch: "f" }, then: [], seq: 3, epoch: "f", shown: old },
  { what: "resumed in another epoch, in the middle", joined: { ...resumed, epoch: "f" }, then: [state(4, "c")], seq: 4, epoch: "f", shown: "a[1] b[2] c[4]" },
  { what: "resumed in another epoch, whole", joined: { ...again, epoch: "f" }, then: [], seq: 3, epoch: "f", shown: old },
  { what: "behind an owner frame of another epoch", joined: again, then: [bell(4), leased, bell(5)], seq: 5, epoch: "g", shown: old },
  { what: "behind an owner frame without an epoch", joined: again, then: [bell(4), { ...leased, epoch: undefined }], seq: 4, shown: old },
  { what: "an owner frame in the middle of a resume", joined: { ...resumed, epoch: "f" }, then: [bell(4), leased], seq: 4, epoch: "g", shown: old },
  { what: "an owner frame in a reset, in the middle", joined: reset(2), then: [state(5, "x"), leased], seq: 3, shown: old },
  { what: "an owner frame in a reset, whole", joined: reset(2), then: [state(5, "x"), leased, state(7, "y")], seq: 7, epoch: "g", shown: "x[5] y[7]" },
  { what: "an owner frame in a reset on the way, in the middle", joined: again, then: [slow, leased, state(8, "a")], seq: 3, shown: old },
  { what: "an owner frame in a reset on the way, whole", joined: again, then: [slow, leased, state(8, "a"), state(9, "b")], seq: 9, epoch: "g", shown: "a[8] b[9]" },
  { what: "resumed, in the middle", joined: resumed, then: [state(4, "c"), bell(5)], seq: 5, shown: "a[1] b[2] c[4]" },
  { what: "resumed, whole", joined: resumed, then: [bell(4), bell(5), state(6, "a")], seq: 6, shown: "b[2] a[6]" },
  { what: "reset, before the first value", joined: reset(2), then: [], seq: 3, shown: old },
  { what: "reset, in the middle", joined: reset(2), then: [state(5, "x")], seq: 3, shown: old },
  { what: "reset, whole", joined: reset(2), then: [state(5, "x"), state(7, "y")], seq: 7, epoch: "f", shown: "x[5] y[7]" },
  { what: "reset to nothing", joined: reset(0), then: [], seq: 7, epoch: "f", shown: "" },
  { what: "in the middle of a reset on the way", joined: again, then: [slow, state(8, "a")], seq: 3, shown: old },
  { what: "after a reset on the way", joined: again, then: [slow, state(8, "a"), state(9, "b"), bell(10)], seq: 10, shown: "a[8] b[9]" },
  { what: "before the message behind a hole", joined: again, then: [bell(4), { type: "skipped", through: 8 }], seq: 4, shown: old },
  { what: "behind a hole", joined: again, then: [{ type: "skipped", through: 8 }, state(9, "a")], seq: 9, shown: "b[2] a[9]" },
  { what: "behind a cleared key", joined: { how: "resumed", seq: 4, replay: 1 }, then: [cleared], seq: 4, shown: "b[2]" },
];

for (const { what, joined, then, seq, epoch = "e", shown: expected } of TABLE) {
  test(`a cut keeps what is whole, and the next join says so: ${what}`, (t) => {
    const { clock, server, show, peer } = atThree(t);
    peer.cuts();
    clock.step();
    const second = server.accept(2);
    if (joined) assert.deepEqual(second.joins(joined).cursor, { epoch: "e", seq: 3 });
    second.says(...then);
    second.cuts();
    clock.step();
    const third = server.accept(3);
    assert.deepEqual(third.joins({ how: "resumed", epoch, seq, replay: 0 }).cursor, { epoch, seq });
    assert.equal(shown(show), expected);
    assert.equal(show.status.value.name, "live");
  });
}

/** Frames that are invalid after these frames of the connection. */
const MISFITS = [
  { what: "a message after a gap", then: [bell(5)] },
  { what: "a message that was there", then: [bell(3)] },
  { what: "a message without parameters", then: [{ type: "message", seq: 4, key: "a" }] },
  { what: "a hole that is none", then: [{ type: "skipped", through: 3 }] },
  { what: "an event in a replay of the state", then: [slow, bell(8)] },
  { what: "a value beyond the replay", then: [slow, state(10, "a")] },
  { what: "values that go back", then: [slow, state(8, "a"), state(8, "b")] },
  { what: "a message that goes on otherwise than the hole", then: [{ type: "skipped", through: 8 }, bell(10)] },
  { what: "something that is no JSON", then: [], raw: "{" },
  { what: "something that is no frame", then: [], raw: "7" },
];

for (const { what, then, raw } of MISFITS) {
  test(`what does not fit makes the viewer resume: ${what}`, (t) => {
    const { clock, server, show, told, peer } = atThree(t);
    peer.says(...then);
    if (raw) peer.socket.deliver(raw);
    assert.equal(told.at(-1), "resuming protocol");
    assert.equal(shown(show), old);
    assert.equal(peer.socket.closedWith, 1000);
    clock.step();
    assert.deepEqual(server.accept(2).joins(again).cursor, { epoch: "e", seq: 3 });
    assert.equal(show.status.value.name, "live");
  });
}

for (const members of [{ seq: 7 }, { replay: 2 }, { epoch: "f", seq: 7 }]) {
  test(`a resume that is not what was asked for is not believed: ${JSON.stringify(members)}`, (t) => {
    const { clock, server, told, peer } = atThree(t);
    peer.cuts();
    clock.step();
    server.accept(2).joins({ ...resumed, ...members });
    assert.equal(told.at(-1), "resuming protocol");
    clock.step();
    assert.deepEqual(server.accept(3).joins(again).cursor, { epoch: "e", seq: 3 });
  });
}

test("a resume without a cursor is not believed", (t) => {
  const { server, told } = viewer(t);
  const join = server.accept(1).joins({ how: "resumed" });
  assert.deepEqual([join.cursor, told], [undefined, ["connecting protocol"]]);
});

test("each join tells the server that the viewer takes the epoch of a resume", (t) => {
  const { clock, server } = viewer(t);
  const first = server.accept(1).joins({ seq: 2 });
  server.peer.cuts();
  clock.step();
  const { id, ...second } = server.accept(2).joins({ how: "resumed", seq: 2 });
  const texts = server.peers.map(({ socket }) => socket.sent[0]);
  const cursor = '"cursor":{"epoch":"e","seq":2},';
  assert.deepEqual(texts, [first.id, id].map((id, at) => `{"type":"join","id":"${id}","room":"${ROOM}",${at ? cursor : ""}"lives":true}`));
  assert.deepEqual(first, { type: "join", id: first.id, room: ROOM, lives: true });
  assert.deepEqual(second, { type: "join", room: ROOM, cursor: { epoch: "e", seq: 2 }, lives: true });
});

test("a server that restarts three times in a row resumes a viewer each time, without another reconnect", (t) => {
  const { clock, server, told, peer } = atThree(t);
  const asked = [];
  peer.cuts(1012, "restart");
  for (const [at, epoch] of ["f", "g", "h"].entries()) {
    clock.step();
    const next = server.accept(at + 2);
    asked.push(next.joins({ how: "resumed", epoch, seq: at + 4, replay: 1 }).cursor);
    next.says(bell(at + 4));
    assert.equal(told.at(-1), "live");
    if (epoch !== "h") next.cuts(1012, "restart");
  }
  assert.deepEqual(asked, [{ epoch: "e", seq: 3 }, { epoch: "f", seq: 4 }, { epoch: "g", seq: 5 }]);
  const each = (seq) => ["resuming restart", `${seq} bell [${seq}]`, "live"];
  assert.deepEqual(told, [4, 5, 6].flatMap(each));
  clock.advance(20_000);
  assert.equal(server.peers.length, 4);
});

test("restarts that each cut the replay bring every message once", (t) => {
  const { clock, server, told, peer, show } = atThree(t);
  peer.cuts();
  const asked = ["f", "g", "h"].map((epoch, at) => {
    clock.step();
    const next = server.accept(at + 2);
    const { cursor } = next.joins({ how: "resumed", epoch, seq: 6, replay: 6 - 3 - at });
    next.says(bell(4 + at));
    if (epoch !== "h") next.cuts();
    return cursor;
  });
  assert.deepEqual(asked, [{ epoch: "e", seq: 3 }, { epoch: "f", seq: 4 }, { epoch: "g", seq: 5 }]);
  assert.deepEqual(told.filter((line) => /bell|reset/.test(line)), ["4 bell [4]", "5 bell [5]", "6 bell [6]"]);
  assert.equal(show.status.value.name, "live");
});

test("an epoch that an owner frame tells comes in order with the messages and is no event", (t) => {
  const { peer, told, clock, server } = atThree(t);
  peer.says({ ...leased, status: "away" }, bell(4), { ...leased, epoch: "h" }, bell(5));
  assert.deepEqual(told, ["away", "4 bell [4]", "live", "5 bell [5]"]);
  peer.cuts();
  clock.step();
  assert.deepEqual(server.accept(2).joins({ how: "resumed", epoch: "h", seq: 5 }).cursor, { epoch: "h", seq: 5 });
});

test("values that were seen in the epoch of a resume are not told again by its reset", (t) => {
  const { clock, server, told, peer } = atThree(t);
  peer.cuts();
  clock.step();
  const next = server.accept(2);
  next.joins({ ...again, epoch: "f" });
  told.length = 0;
  next.says({ ...slow, epoch: "f" }, state(1, "a"), state(9, "b"));
  assert.deepEqual(told, ["lagging", "reset slow", "9 b [9]", "live"]);
});

test("everything is told in order, and a resume as if nothing had been", (t) => {
  const { clock, server, told, peer } = atThree(t);
  peer.cuts();
  clock.step();
  const next = server.accept(2);
  next.joins(resumed);
  next.says(cleared, bell(5), state(6, "a"));
  next.says({ type: "message", key: "pointer", params: [1, 2] }, { type: "owner", status: "away", term: 1 });
  next.says({ type: "owner", status: "live", term: 2 }, { type: "news" });
  assert.deepEqual(told, ["resuming lost", "4 a cleared", "5 bell [5]", "6 a [6]", "live", "- pointer [1,2]", "away", "live"]);
});

test("a reset tells what is different, and nothing else", (t) => {
  const { told, peer, show } = atThree(t);
  const before = show.state.getSnapshot();
  const one = show.state.get("a");
  peer.says(slow, state(1, "a"));
  assert.equal(show.state.getSnapshot(), before);
  peer.says(state(9, "c"));
  assert.deepEqual(told, ["lagging", "reset slow", "- b cleared", "9 c [9]", "live"]);
  assert.equal(shown(show), "a[1] c[9]");
  assert.deepEqual(show.state.get("a"), one);
});

test("a reset of the same numbering that changes nothing is no change, and one of another numbering tells everything", (t) => {
  const { told, peer, show } = atThree(t);
  const before = show.state.getSnapshot();
  peer.says({ ...slow, seq: 3 }, state(1, "a"), state(2, "b"));
  assert.equal(show.state.getSnapshot(), before);
  peer.says({ ...slow, reason: "gap", epoch: "f", seq: 3 }, state(1, "a"), state(2, "b"));
  assert.deepEqual(told, ["lagging", "reset slow", "live", "lagging", "reset gap", "1 a [1]", "2 b [2]", "live"]);
});

test("the snapshot is the same until something changes", (t) => {
  const { peer, show } = atThree(t);
  let count = 0;
  const off = show.state.subscribe(() => count++);
  const [all, one] = [show.state.getSnapshot(), show.state.get("a")];
  peer.says(bell(4), { type: "message", key: "a", params: [7] }, { type: "message", seq: 5, key: "none", params: [], cleared: true });
  assert.equal(show.state.getSnapshot(), all);
  assert.equal(count, 0);
  peer.says(state(6, "b"));
  assert.notEqual(show.state.getSnapshot(), all);
  assert.equal(show.state.getSnapshot(), show.state.getSnapshot());
  assert.equal(show.state.get("a"), one);
  assert.equal(count, 1);
  assert.deepEqual([...all.keys()], ["a", "b"], "what was given away stays as it was");
  off();
  peer.says(state(7, "b"));
  assert.equal(count, 1);
});

test("a listener of a key gets its value, then each message's parameters", (t) => {
  const { peer, show } = atThree(t);
  const seen = [];
  const off = show.on("a", (...params) => seen.push(params));
  show.on("bell", (n) => seen.push(n));
  peer.says(state(4, "a", "x", [2]), bell(5), { type: "message", seq: 6, key: "a", params: [], cleared: true }, state(7, "a"));
  off();
  peer.says(state(8, "a"));
  assert.deepEqual(seen, [[1], ["x", [2]], 5, [7]]);
});

test("names of JavaScript's own are keys like any other", (t) => {
  const { server, show } = viewer(t);
  const seen = [];
  show.on("__proto__", (n) => seen.push(n));
  show.on("constructor", (n) => seen.push(n));
  const peer = server.accept();
  peer.joins({ seq: 1, replay: 1 });
  peer.says(state(1, "__proto__", { polluted: true }));
  peer.socket.deliver('{"type":"message","seq":2,"key":"constructor","params":[{"__proto__":{"polluted":true}}],"state":true,"__proto__":{"polluted":true}}');
  peer.says(state(3, "toString"), { type: "message", seq: 4, key: "hasOwnProperty", params: [], cleared: true });
  assert.equal(seen.length, 2);
  assert.equal({}.polluted, undefined);
  assert.deepEqual(show.state.get("__proto__"), [{ polluted: true }]);
  assert.equal(show.state.get("valueOf"), undefined);
  assert.deepEqual([...show.state.getSnapshot().keys()], ["__proto__", "constructor", "toString"]);
});

test("a key that is called as an event is heard by `message` and disturbs no event", (t) => {
  const { peer, told, show } = atThree(t);
  const seen = [];
  show.status.subscribe((status) => seen.push(status));
  peer.says(state(4, "status"), state(5, "audience"));
  assert.deepEqual(told, ["4 status [4]", "5 audience [5]"]);
  assert.deepEqual(seen, []);
});

test("a listener that throws is reported once and loses nothing", (t) => {
  const reported = t.mock.method(console, "error", () => {});
  const { peer, show, told } = atThree(t);
  const fail = () => {
    throw new Error("the page's own mistake");
  };
  show.on("bell", fail);
  show.listen("message", fail);
  show.state.subscribe(fail);
  const seen = [];
  show.on("bell", (n) => seen.push(n));
  peer.says(bell(4), bell(5), state(6, "a"), state(7, "a"));
  assert.deepEqual(seen, [4, 5]);
  assert.deepEqual(told, ["4 bell [4]", "5 bell [5]", "6 a [6]", "7 a [7]"]);
  assert.equal(reported.mock.callCount(), 3);
  assert.equal(show.status.value.name, "live");
});

test("a listener may end itself, another one, and everything", (t) => {
  const { peer, show, told } = atThree(t);
  const seen = [];
  const off = show.on("bell", (n) => (seen.push(`one ${n}`), off(), offOther()));
  const offOther = show.on("bell", (n) => seen.push(`other ${n}`));
  const controller = new AbortController();
  show.on("bell", (n) => (seen.push(`third ${n}`), controller.abort()), { signal: controller.signal });
  show.on("bell", () => seen.push("never"), { signal: AbortSignal.abort() });
  peer.says(bell(4), bell(5));
  assert.deepEqual(seen, ["one 4", "third 4"]);
  show.on("bell", () => show.leave());
  show.on("bell", () => seen.push("after the end"));
  peer.says(bell(6), bell(7));
  assert.deepEqual(seen, ["one 4", "third 4"]);
  assert.deepEqual(told.slice(-1), ["closed left"]);
  assert.equal(show.status.value.name, "closed");
});

test("who begins to listen while a message is told gets what holds, once", (t) => {
  const { peer, show } = atThree(t);
  const seen = [];
  const off = show.on("a", (n) => {
    if (n !== 4) return;
    off();
    show.on("a", (n) => seen.push(n));
  });
  peer.says(state(4, "a"), state(5, "a"));
  assert.deepEqual(seen, [4, 5]);
});

test("a viewer speaks to the owner while it is in the room", async (t) => {
  const { server, show } = viewer(t);
  await assert.rejects(show.signal("hand"), { code: "offline", comesBack: true, message: "There is no connection." });
  const peer = server.accept();
  peer.joins();
  const refused = [];
  show.listen("refused", ({ code }) => refused.push(code));
  const audience = [];
  show.audience.subscribe(({ viewers }) => audience.push(viewers));
  await Promise.all([show.signal("hand", [true]), show.signal("hand")]);
  assert.deepEqual(peer.rest(), [{ type: "signal", key: "hand", params: [true] }, { type: "signal", key: "hand", params: [] }]);
  peer.says({ type: "error", code: "rate", message: "no", retryInMs: 1_000 }, { type: "audience", viewers: 812 });
  assert.deepEqual([refused, audience], [["rate"], [812]]);
  assert.equal(show.status.value.name, "live");
});

test("joining resolves with the whole state, and rejects when it will never be in", async (t) => {
  const server = new Server();
  const options = { WebSocket: server.WebSocket };
  const joining = join("ws://example.org/b", ROOM, options);
  server.accept(1).joins({ seq: 1, replay: 1 });
  server.peer.says(state(1, "a"));
  const show = await joining;
  assert.equal(shown(show), "a[1]");
  assert.equal(show.id, ROOM);
  show.leave();
  assert.deepEqual(server.peer.rest(), [{ type: "leave" }]);
  assert.deepEqual({ ...show.status.value }, { name: "closed", code: 1000, reason: "left", comesBack: false });

  const refused = join("ws://example.org/b", ROOM, options);
  const { id } = server.accept(2).asked();
  server.peer.says({ type: "error", id, code: "no_room", message: "there is no such room" });
  await assert.rejects(refused, { code: "no_room" });

  const controller = new AbortController();
  const given = join("ws://example.org/b", ROOM, { ...options, signal: controller.signal });
  server.accept(3);
  controller.abort();
  await assert.rejects(given, { name: "RtbError", code: "aborted" });
  assert.equal(server.peer.socket.closedWith, 1000);
  await assert.rejects(join("ws://example.org/b", ROOM, { ...options, signal: AbortSignal.abort() }), { name: "RtbError", code: "aborted" });
  assert.equal(server.peers.length, 3);
  await assert.rejects(join("/relative", ROOM, options), { name: "RtbError", code: "bad_argument" });
});

test("a loop gets what holds, then each message, and ends with the viewer", async (t) => {
  const { peer, show } = atThree(t);
  const seen = [];
  const messages = show.messages();
  peer.says(bell(4));
  for await (const { key, params } of messages) {
    seen.push(key + params);
    if (key === "bell") break;
  }
  assert.deepEqual(seen, ["a1", "b2", "bell4"]);
  const loop = (async () => {
    for await (const { seq } of show) seen.push(seq);
  })();
  peer.says(bell(5));
  show.leave();
  await loop;
  assert.deepEqual(seen.slice(3), [1, 2, 5]);
});

test("a loop ends with its signal", async (t) => {
  const { peer, show } = atThree(t);
  const controller = new AbortController();
  const seen = [];
  const loop = (async () => {
    for await (const { seq } of show.messages(controller)) seen.push(seq);
  })();
  peer.says(bell(4));
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await loop;
  assert.deepEqual(seen, [1, 2, 4]);
  assert.equal(show.status.value.name, "live");
});

test("a loop that does not keep up is told", async (t) => {
  const { peer, show } = atThree(t);
  const messages = show.messages();
  for (let seq = 4; seq < 1_030; seq++) peer.says(bell(seq));
  // Two of the state, which do not count, and one too many.
  for (let times = 0; times < 2 + 1_025; times++) assert.equal((await messages.next()).done, false);
  await assert.rejects(messages.next(), { code: "busy" });
  assert.deepEqual(await messages.next(), { value: undefined, done: true });
});

test("nothing is printed unless asked", (t) => {
  const printed = ["log", "debug", "info", "warn", "error"].map((name) => t.mock.method(console, name, () => {}));
  const { peer, clock, server } = atThree(t);
  peer.cuts();
  clock.step();
  server.accept(2).joins(again);
  assert.deepEqual(printed.map(({ mock }) => mock.callCount()), [0, 0, 0, 0, 0]);
});

test("the option debug logs what happens", async (t) => {
  const lines = [];
  // The log is loaded.
  await new Promise((/** @type {(value?: any) => void} */ resolve) => {
    const { peer } = atThree(t, { debug: (line) => lines.push(line) === 2 && resolve() });
    peer.cuts(1012, "restart");
  });
  assert.equal(lines.length, 2);
  assert.match(lines[1], /resuming.*1012.*restart/);
});
