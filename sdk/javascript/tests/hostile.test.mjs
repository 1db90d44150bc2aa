// A hostile server: whatever it sends, a client throws nothing, reconnects seldom, holds little, and ends when its program leaves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { each, hour, nested } from "./hostile.mjs";
import { outcome } from "./owner.mjs";
import { KEY, ROOM, state } from "./script.mjs";

const MIB = 1024 * 1024;

/** Values that cannot be converted to a text or a number. */
const ODD = { toString: 1, valueOf: 1 };

/** Values of wrong types for a number or a text. */
const WRONG = [null, true, ODD, [ODD], [[]], -1, 0.5, 1e300, "9007199254740993", "", {}];

/** Sends a text that `JSON.stringify` would not write. */
const raw = (peer, text) => peer.socket.deliver(text);

/** Answers with the error, and these members. */
const refuses = (members) => (peer) => peer.says({ type: "error", id: peer.asked().id, code: "rate", message: "no", ...members });

/** Answers an owner, whatever it requests. */
function owns(peer, members = {}) {
  const { id, type } = peer.asked();
  const both = { id, room: ROOM, epoch: "e", term: 1, seq: 0, aliveMs: 0, ...members };
  peer.says(type === "create" ? { type: "created", ownerKey: KEY, ...both } : { type: "owned", replay: 0, ...both });
}

/** Accepts a viewer and then does something. */
const after = (does, members) => (peer, count) => {
  peer.joins(members);
  does(peer, count);
};

const HUGE = ["1e999", "-1", "9223372036854775808", "0.001", "null", '"soon"', "{}", "[]", "true"];

const TABLE = [
  ...HUGE.map((text) => ({
    what: `a refusal that tells ${text} as the time to come back`,
    does: (peer) => raw(peer, `{"type":"error","id":"${peer.asked().id}","code":"rate","message":"","retryInMs":${text}}`),
  })),
  ...HUGE.map((text) => ({
    what: `a drain that tells ${text} as the moment`,
    does: after((peer) => raw(peer, `{"type":"draining","reconnectInMs":${text}}`)),
  })),
  { what: "a drain without a moment", does: after((peer) => peer.says({ type: "draining" })) },
  {
    what: "a drain that is told again each second and never comes",
    does: after((peer) => each(peer, 1_000, () => peer.says({ type: "draining", reconnectInMs: 3_600_000 }))),
    connections: 100,
  },
  { what: "a drain that comes at once", does: after((peer) => peer.says({ type: "draining", reconnectInMs: 0 })) },
  {
    what: "a drain of an hour and a close",
    does: after((peer) => {
      peer.says({ type: "draining", reconnectInMs: 1e300 });
      peer.cuts(1012, "restart");
      // The network's return is no reason to reconnect before the server's time.
      setTimeout(() => globalThis.dispatchEvent(new Event("online")), 1_000);
    }),
    // The second one begins in the last millisecond of the hour.
    connections: 2,
    then: ({ clock }) => assert.equal(clock.now, 3_600_000),
  },
  // A timer of 13 days or more would end at once.
  ...["1123200000", "9007199254740992", "1e999"].map((text) => ({
    what: `heartbeats each ${text} ms`,
    does: (peer) => raw(peer, `{"type":"joined","id":"${peer.asked().id}","epoch":"e","term":1,"seq":0,"how":"snapshot","replay":0,"owner":"live","aliveMs":${text}}`),
    connections: 1,
    name: "live",
  })),
  { what: "heartbeats each thousandth of a millisecond", does: after(() => {}, { aliveMs: 0.001 }) },
  ...WRONG.map((aliveMs) => ({ what: `heartbeats each ${JSON.stringify(aliveMs)}`, does: after(() => {}, { aliveMs }) })),
  ...WRONG.map((seq) => ({ what: `a state at ${JSON.stringify(seq)}`, does: after(() => {}, { seq }) })),
  ...WRONG.map((epoch) => ({ what: `the epoch ${JSON.stringify(epoch)}`, does: after(() => {}, { epoch }) })),
  ...WRONG.map((owner) => ({ what: `the owner ${JSON.stringify(owner)}`, does: after((peer) => peer.says({ type: "owner", status: owner }), { owner }) })),
  {
    what: "an owner that is closed",
    does: after((peer) => peer.says({ type: "owner", status: "closed" }, { type: "owner", status: "connecting" }), { owner: "closed" }),
    name: "live",
  },
  ...WRONG.map((value) => ({
    what: `a hole until ${JSON.stringify(value)}`,
    does: after((peer) => peer.says({ type: "skipped", through: 4, until: value }, state(5, "a"), { type: "alive", seq: value }, { type: "skipped", through: value })),
  })),
  { what: "a hole to the end of all numbers", does: after((peer) => peer.says({ type: "skipped", through: Number.MAX_SAFE_INTEGER }, state(Number.MAX_SAFE_INTEGER + 1, "a"))) },
  ...WRONG.map((value) => ({ what: `a message whose key is ${JSON.stringify(value)}`, does: after((peer) => peer.says({ ...state(1, "a"), key: value })) })),
  ...WRONG.map((value) => ({ what: `a message whose parameters are ${JSON.stringify(value)}`, does: after((peer) => peer.says({ ...state(1, "a"), params: value })) })),
  ...WRONG.map((code) => ({ what: `a refusal with the code ${JSON.stringify(code)}`, does: refuses({ code }), options: { debug: () => {} } })),
  ...WRONG.map((message) => ({ what: `a refusal in the words ${JSON.stringify(message)}`, does: refuses({ message }) })),
  ...["constructor", "__proto__", "toString"].map((code) => ({ what: `a refusal with the code ${code}`, does: refuses({ code, retryInMs: 0 }), entered: code, connections: 1 })),
  ...["", "nothing", "null", "7", "[]", "{}", '"text"', '{"type":7}', '{"type":null}', '{"type":""}', '{"type":{"toString":1}}', "[".repeat(20_000), nested(20_000), "\u0000", '{"type":"joined"}', '{"type":"message"}', '{"type":"reset"}', '{"type":"created"}'].map((text) => ({
    what: `only ${text.slice(0, 30)} (${text.length})`,
    does(peer) {
      raw(peer, text);
    },
  })),
  { what: "frames of bytes", does: after((peer) => [Buffer.from([0, 255]), new ArrayBuffer(8), new Blob(["{}"]), undefined, null].forEach((data) => peer.socket.readyState === 1 && raw(peer, data ?? "undefined"))) },
  {
    what: "a member called __proto__",
    does: after((peer) => raw(peer, '{"type":"message","seq":1,"key":"__proto__","params":[1],"state":true,"__proto__":{"seq":9}}')),
    name: "live",
    then: ({ show }) => assert.deepEqual([show.state.get("__proto__"), {}.seq], [[1], undefined]),
  },
  {
    what: "parameters a hundred thousand levels deep",
    does: after((peer) => raw(peer, `{"type":"message","seq":1,"key":"a","params":${nested(100_000)},"state":true}`), { aliveMs: 0 }),
    name: "live",
  },
  { what: "an epoch twenty thousand levels deep", does: (peer) => raw(peer, `{"type":"joined","id":"${peer.asked().id}","seq":0,"replay":0,"owner":"live","epoch":${nested(20_000)}}`) },
  { what: "types of another time", does: after((peer) => each(peer, 1_000, () => peer.says({ type: "constructor", viewer: { number: 0.5 }, limits: null })), { aliveMs: 1_000 }), name: "live", connections: 1 },
  // The order of frames.
  { what: "a message before the answer", does: (peer) => peer.says(state(1, "a")) },
  { what: "an answer without a question", does: (peer) => peer.says({ type: "joined", id: "x", epoch: "e", seq: 0, replay: 0, owner: "live" }) },
  { what: "two answers", does: after((peer) => peer.says({ type: "joined", epoch: "e", seq: 0, replay: 0, owner: "live" })) },
  { what: "an answer each second and never the state", does: after((peer) => each(peer, 1_000, () => peer.says({ type: "joined", epoch: "e", seq: 9, replay: 9, owner: "live" })), { seq: 9, replay: 9 }), least: 150 },
  { what: "heartbeats in place of an answer", does: (peer) => each(peer, 1_000, () => peer.says({ type: "alive", seq: 0 })), connections: 250, least: 20 },
  { what: "heartbeats in place of the state", does: after((peer) => each(peer, 1_000, () => peer.says({ type: "alive", seq: 0 })), { seq: 9, replay: 9 }), connections: 250, least: 20 },
  {
    what: "ephemeral messages in place of what was missed",
    does(peer, count) {
      if (count === 1) {
        peer.joins();
        return peer.cuts();
      }
      peer.joins({ how: "resumed", seq: 9, replay: 9 });
      each(peer, 1_000, () => peer.says({ type: "message", key: "a", params: [] }));
    },
    connections: 250, least: 20,
  },
  { what: "silence behind the answer", does: after(() => {}, { seq: 9, replay: 9 }), connections: 250, least: 20 },
  { what: "a state that is always cut in its middle", does: after((peer) => peer.cuts(), { seq: 9, replay: 9 }) },
  { what: "more state than was announced", does: after((peer) => peer.says(state(1, "a"), state(2, "a")), { seq: 1, replay: 1 }), name: "live" },
  { what: "a state backwards", does: after((peer) => peer.says(state(2, "a"), state(1, "b")), { seq: 2, replay: 2 }) },
  { what: "a replay of messages that were not missed", does: after(() => {}, { how: "resumed", seq: 5, replay: 5 }) },
  { what: "a reset in a reset", does: after((peer) => [1, 2].forEach(() => peer.says({ type: "reset", reason: "slow", epoch: "e", seq: 5, replay: 2, owner: "live" }))) },
  { what: "a hole behind a hole before it", does: after((peer) => peer.says({ type: "skipped", through: 0 })) },
  { what: "a promise that is never kept", does: after((peer) => each(peer, 10, () => peer.says({ type: "alive", seq: 9 }))) },
  // Closes.
  { what: "silence", does() {}, connections: 250, least: 20 },
  { what: "sockets that never open", does() {}, opens: false, connections: 250, least: 20 },
  { what: "sockets that never open and are cut", does: (peer) => peer.cuts(), opens: false },
  { what: "a cut before the answer", does: (peer) => peer.cuts() },
  { what: "a cut in the room at once", does: after((peer) => peer.cuts(4008, "slow")) },
  { what: "a cut after ten seconds in the room", does: after((peer) => each(peer, 10_000, () => peer.cuts(4013, "unavailable"))), connections: 360 },
  { what: "a close of every code that is worth another try", does: after((peer, count) => peer.cuts([1001, 1005, 1006, 1011, 1012, 1013, 4000, 4499][count % 8], "\ud800".repeat(40))) },
  ...[0, -1, 999, 1004, 1016, 4500, 4999, 5000, 65_535, NaN, "4000 and more", null].map((code) => ({
    what: `a close with ${code}`,
    does: after((peer) => peer.cuts(code, "constructor")),
    connections: 1,
    name: "closed",
  })),
  { what: "another protocol", does() {}, protocol: "mqtt", connections: 1, name: "closed" },
  // Amounts.
  {
    what: "keys without end",
    does: after((peer) => {
      const many = "x".repeat(1_000);
      for (let seq = 1; seq < 20_000; seq++) raw(peer, `{"type":"message","seq":${seq},"key":"${seq}","params":["${many}"],"state":true}`);
    }),
    name: "closed",
    reason: "size",
    connections: 1,
    then: ({ show }) => assert.ok(show.state.getSnapshot().size > 15_000, "what came before stays"),
  },
  {
    what: "keys that are cleared without end",
    does: after((peer) => {
      for (let seq = 1; seq < 40_000; seq += 2) {
        raw(peer, `{"type":"message","seq":${seq},"key":"${seq}","params":["${"x".repeat(1_000)}"],"state":true}`);
        raw(peer, `{"type":"message","seq":${seq + 1},"key":"${seq}","params":[],"cleared":true}`);
      }
    }, { aliveMs: 0 }),
    name: "live",
  },
  {
    what: "a state without end",
    does: after((peer) => {
      for (let seq = 1; seq < 60_000; seq++) raw(peer, `{"type":"message","seq":${seq},"key":"${seq}","params":[${"[],".repeat(100)}0],"state":true}`);
    }, { seq: Number.MAX_SAFE_INTEGER, replay: Number.MAX_SAFE_INTEGER }),
    entered: "size",
    name: "closed",
    connections: 1,
    heapMax: 8 * MIB,
  },
  { what: "one key that grows without end", does: after((peer) => [1, 8, 15, 17].forEach((mib, n) => raw(peer, `{"type":"message","seq":${n + 1},"key":"a","params":["${"x".repeat(mib * MIB)}"],"state":true}`))), name: "closed", reason: "size", connections: 1 },
  { what: "an answer of 17 MiB", does: (peer) => raw(peer, `{"type":"joined","id":"${peer.asked().id}","epoch":"${"x".repeat(17 * MIB)}"}`), name: "closed", reason: "size", entered: "size", connections: 1 },
  {
    what: "events without end for a loop that reads none",
    does: after((peer) => {
      for (let seq = 1; seq < 50_000; seq++) raw(peer, `{"type":"message","seq":${seq},"key":"a","params":["${"x".repeat(1_000)}"]}`);
    }, { aliveMs: 0 }),
    loops: true,
    name: "live",
    heapMax: 8 * MIB,
  },
  {
    what: "few events of many bytes for a loop that reads none",
    does: after((peer) => {
      for (let seq = 1; seq < 100; seq++) raw(peer, `{"type":"message","seq":${seq},"key":"a","params":["${`${seq} `.repeat(MIB / 4)}"]}`);
    }, { aliveMs: 0 }),
    loops: true,
    name: "live",
    heapMax: 20 * MIB,
  },
  {
    what: "a server that reads no signals",
    does: after(readsNothing, { aliveMs: 0, limits: {} }),
    async then({ show, server }) {
      const signal = () => show.signal("hand", ["x".repeat(1_000)]).catch(({ code }) => code);
      const taken = await Promise.all(Array.from({ length: 10_000 }, signal));
      assert.deepEqual([taken[0], taken.at(-1)], [undefined, "busy"]);
      assert.ok(server.peer.socket.bufferedAmount < 70_000);
    },
  },
  // Servers of owners.
  ...WRONG.map((value) => ({ end: "owner", what: `a room called ${JSON.stringify(value)}`, does: (peer) => owns(peer, { room: value }) })),
  { end: "owner", what: "a room whose key is twenty thousand levels deep", does: (peer) => raw(peer, `{"type":"created","id":"${peer.asked().id}","room":"r","epoch":"e","term":1,"seq":0,"ownerKey":${nested(20_000)}}`) },
  ...WRONG.map((value) => ({ end: "owner", what: `an owner that is told ${JSON.stringify(value)} in every place`, does: (peer) => (owns(peer), tellsEverywhere(peer, value)) })),
  { end: "owner", what: "another room for each return", does: (peer, count) => (raw(peer, `{"type":"created","id":"${peer.asked().id}","room":"${count}","ownerKey":"k","epoch":"e","term":1,"seq":0}`), peer.cuts()), then: ({ room }) => assert.equal(room().id, "1") },
  { end: "owner", what: "a room that was not asked for", does: (peer) => peer.says({ type: "owned", id: peer.asked().id, epoch: "e", term: 1, seq: 0, replay: 0 }) },
  { end: "owner", what: "no room for ever", does: (peer) => [1, 2, 3].forEach(() => peer.rest().forEach(({ id }) => peer.says({ type: "error", id, code: "no_room", message: "" }))), options: { storage: kept(), takeOver: true }, connections: 1 },
  { end: "owner", what: "no acknowledgement ever", does: (peer) => owns(peer), name: "live", connections: 1 },
  { end: "owner", what: "no acknowledgement, and a cut each minute", does: (peer) => (owns(peer), each(peer, 60_000, () => peer.cuts())) },
  { end: "owner", what: "acknowledgements of what was never said", does: (peer) => (owns(peer), each(peer, 1_000, () => peer.says({ type: "ack", id: "x", seq: 1e15 }, { type: "ack", id: "__proto__", seq: 2 }))), connections: 1 },
  { end: "owner", what: "a refusal that passes for each message", does: (peer) => (owns(peer), each(peer, 1_000, () => peer.rest().forEach(({ id }) => id && peer.says({ type: "error", id, code: "unavailable", message: "" })))), connections: 1 },
  { end: "owner", what: "a refusal in no words for each message", does: (peer) => (owns(peer), each(peer, 1_000, () => peer.rest().forEach(({ id }) => id && peer.says({ type: "error", id, code: "", message: "" })))), connections: 1 },
  { end: "owner", what: "another lease in each frame", does: (peer) => (owns(peer), each(peer, 1_000, () => peer.says({ type: "owner", status: "live", term: 1, epoch: "f" }))), connections: 1 },
  {
    end: "owner",
    what: "a server that reads nothing, for a program that waits for nothing",
    does: (peer) => (owns(peer), readsNothing(peer)),
    connections: 1,
    async then({ room, server, clock }) {
      const codes = new Set();
      // As many as the socket takes, as many as the queue takes before them, and some more.
      for (let n = 0; n < 2_400; n++) {
        outcome(room().publish("bell", ["x".repeat(60_000)])).then((code) => codes.add(code));
        room().publish("a", ["x".repeat(60_000)], { state: true, timeoutMs: 1 });
        room().publish("pointer", ["x".repeat(60_000)], { ephemeral: true });
        clock.advance(1);
      }
      clock.advance(3_600_000);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(codes, new Set(["busy", "timeout"]));
      assert.ok(server.peer.socket.bufferedAmount < 65 * MIB, `${server.peer.socket.bufferedAmount} bytes`);
    },
  },
  {
    end: "owner",
    what: "no acknowledgement, for a program that has keys without end",
    does: (peer) => owns(peer),
    connections: 1,
    async then({ room, clock }) {
      const all = Array.from({ length: 10_000 }, (_, n) => outcome(room().publish(`${n}`, [], { state: true, timeoutMs: 60_000 })));
      clock.advance(60_000);
      const busy = (await Promise.all(all)).filter((code) => code === "busy");
      assert.equal(busy.length, 10_000 - 1 - 4_096, "the first one did not wait");
    },
  },
  { end: "owner", what: "signals without end", does: (peer) => (owns(peer), each(peer, 60_000, () => [...Array(1_000).keys()].forEach((from) => peer.says({ type: "signal", key: `${from}`, params: [], from })))), connections: 1 },
  { end: "owner", what: "a return with a state without end", does: (peer, count) => {
    if (count === 1) return owns(peer), peer.cuts();
    owns(peer, { seq: 1e15, replay: 1e15 });
    for (let seq = 1; seq < 20_000; seq++) raw(peer, `{"type":"message","seq":${seq},"key":"${seq}","params":["${"x".repeat(1_000)}"],"state":true}`);
  }, name: "closed", reason: "size", connections: 2, heapMax: 8 * MIB },
  // The classic protocol.
  ...["", "{", "[]\nnull\n7", '{"status":{"value":{"valueOf":1}}}', `{"uuid":{},"status":{"value":3,"text":{}},"funcKey":${nested(10_000)}}`, "\n".repeat(10_000)].map((text) => ({ end: "classic", what: `classic: only ${JSON.stringify(text.slice(0, 30))}`, does: (peer) => raw(peer, text), connections: 250 })),
  { end: "classic", what: "classic: no place for ever", does: (peer) => raw(peer, '{"uuid":"","status":{"value":0,"text":"room full"}}') },
  { end: "classic", what: "classic: in and out", does: (peer) => (raw(peer, '{"uuid":"r","status":{"value":3}}'), peer.cuts(1013)) },
  { end: "classic", what: "classic: silence", does() {}, connections: 250, least: 20 },
  { end: "classic", what: "classic: 17 MiB", does: (peer) => raw(peer, "\n".repeat(17 * MIB)), name: "closed", connections: 1 },
  { end: "classic", what: "classic: a close with a strange code", does: (peer) => peer.cuts(77), name: "closed", connections: 1 },
  { end: "classic owner", what: "classic: a server that reads nothing", does: (peer) => (raw(peer, '{"uuid":"r","status":{"value":3}}'), (peer.socket.bufferedAmount = 64 * MIB)), connections: 1, then: ({ room }) => assert.equal(room.sendAction("a", []), false) },
];

/** Lets sent frames wait in the socket, and stores none of them. */
function readsNothing(peer) {
  peer.socket.send = (text) => (peer.socket.bufferedAmount += text.length);
}

/** Sends every frame of an owner with this value in place of each member. */
function tellsEverywhere(peer, value) {
  for (const type of ["signal", "audience", "owner", "ack", "error", "message", "alive", "owned"]) {
    for (const name of ["key", "params", "from", "viewers", "status", "epoch", "term", "id", "seq", "code", "message", "counts"]) {
      peer.says({ type, key: "a", params: [], status: "live", code: "rate", [name]: value });
    }
  }
}

/** A storage with a room that does not exist. */
function kept() {
  return { getItem: () => '{"room":"old","ownerKey":"k"}', setItem() {}, removeItem() {} };
}

for (const row of TABLE) test(`${row.end ?? "viewer"}: ${row.what}`, (t) => hour(t, row));
