// After which closes a client reconnects, when, and with which request.

import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../backoff.js";
import { comesBack } from "../ending.js";
import { RTBroadcaster } from "../rtbroadcaster.js";
import { FakeSocket } from "./fake-socket.mjs";
import { Witness } from "./witness.mjs";

const connected = '{"uuid":"1","status":{"value":3,"text":"connected"}}';
const refused = (text) => `{"uuid":"1","status":{"value":0,"text":"${text}"}}`;

/** Returns a viewer whose next attempt follows at once, and its reports. */
function viewer(t, options = {}) {
  FakeSocket.made = [];
  const witness = new Witness();
  const room = new RTBroadcaster("ws://example.org/", {
    uuid: "1",
    WebSocket: FakeSocket,
    reconnect: { random: () => 0 },
    onStatus: ({ status, reason, code }) => witness.see([status, reason, code].filter(Boolean).join(" ")),
    ...options,
  });
  // An open room would reconnect for ever, and keep the process.
  t.after(() => room.close());
  return { room, witness };
}

test("a client comes back after the codes that say so, and after no other", () => {
  const back = [1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 4000, 4005, 4008, 4012, 4013, 4029, 4499];
  const gone = [1000, 1002, 1003, 1004, 1007, 1008, 1009, 1010, 1016, 3000, 4500, 4501, 4502, 4503, 4507, 4509, 4510, 4999];
  for (const code of back) assert.ok(comesBack(code), String(code));
  for (const code of gone) assert.ok(!comesBack(code), String(code));
});

/** Returns the delays of an outage that begins at `now`, until `count` attempts were made. */
function delays({ next }, count, now = 0, isTold = false) {
  return Array.from({ length: count }, () => {
    const delay = next(now, isTold);
    now += delay;
    return delay;
  });
}

test("seven attempts come quickly, others rarely, and delays start anew with a stay", () => {
  const waits = backoff({ random: () => 0.5 });
  assert.deepEqual(delays(waits, 9), [250, 425, 425, 425, 425, 425, 425, 3_400, 12_750]);
  waits.connected(100_000);
  assert.equal(waits.next(101_000), 250);
});

test("a network that is away for 2 s is tried within half a second of its return", () => {
  for (let run = 0; run < 10_000; run++) {
    const moments = [];
    let at = 0;
    for (const delay of delays(backoff(), 9)) moments.push((at += delay));
    assert.ok(moments.find((moment) => moment >= 2_000) < 2_500, moments.join());
    assert.ok(moments.filter((moment) => moment < 10_000).length <= 8, moments.join());
  }
});

test("whatever delays were asked for, 8 attempts in 10 s are the most behind the 8 short stays that begin them anew", () => {
  const waits = backoff({ firstMs: 1, random: () => 0 });
  const moments = [];
  let now = 0;
  for (let count = 0; count < 100; count++) {
    now += waits.next(now);
    moments.push(now);
    waits.connected(now);
  }
  const behind = moments.slice(9);
  for (const moment of behind) assert.ok(behind.filter((one) => one >= moment && one < moment + 10_000).length <= 8, `${moment}`);
});

test("behind a moment that was told delays double, and a short stay does not end that", () => {
  const waits = backoff({ random: () => 0.5 });
  assert.deepEqual(delays(waits, 3, 0, true), [250, 500, 1_000]);
  waits.connected(1_750);
  assert.equal(waits.next(1_750, true), 2_000);
  waits.connected(3_750);
  assert.equal(waits.next(13_749, true), 4_000);
  waits.connected(20_000);
  assert.equal(waits.next(30_000), 250);
});

test("a viewer whose connection is lost joins again and gets the state anew", async (t) => {
  const { room, witness } = viewer(t);
  room.subscribe("slide", ([number]) => witness.see(`slide ${number}`));
  const state = `{"uuid":"1","status":{"value":3},"funcKey":"slide","funcParams":[3],"stateMessage":true}`;
  for (const _ of [1, 2]) {
    FakeSocket.newest.open();
    FakeSocket.newest.deliver(connected);
    FakeSocket.newest.deliver(state);
    const count = FakeSocket.made.length;
    FakeSocket.newest.end(1006);
    await witness.until(() => FakeSocket.made.length === count + 1, "waiting for the next attempt");
  }
  const once = ["connected", "slide 3", "reconnecting connection lost 1006", "connecting"];
  assert.deepEqual(witness.lines, [...once, ...once]);
  assert.equal(FakeSocket.made[1].sent[0], FakeSocket.made[0].sent[0], "the same join");
});

test("a viewer that must not come back does not", (t) => {
  for (const code of [1000, 1008, 4503, 4510]) {
    const { room, witness } = viewer(t);
    FakeSocket.newest.open();
    FakeSocket.newest.end(code, "word");
    assert.deepEqual(witness.lines, [`closed word ${code}`]);
    assert.equal(room.status, "closed");
    assert.equal(FakeSocket.made.length, 1);
  }
});

test("a room that is gone ends the returning, a full one does not", async (t) => {
  const { room, witness } = viewer(t);
  FakeSocket.newest.open();
  FakeSocket.newest.deliver(refused("room full"));
  await witness.until(() => FakeSocket.made.length === 2, "waiting for the next attempt");
  FakeSocket.newest.open();
  FakeSocket.newest.deliver(refused("room not found"));
  const told = ["refused room full", "reconnecting room full", "connecting", "refused room not found", "closed room not found"];
  assert.deepEqual(witness.lines, told);
  assert.equal(room.connected, false);
});

test("an attempt without an answer is given up", async (t) => {
  const { room, witness } = viewer(t, { connectTimeoutMs: 1 });
  await witness.sees("reconnecting no answer in time 1006");
  assert.equal(FakeSocket.made[0].closedWith, 1000);
});

test("an end before or between attempts leaves nothing behind", async (t) => {
  const { room, witness } = viewer(t, { reconnect: { random: () => 1 } });
  FakeSocket.newest.end(1006);
  room.close();
  room.close();
  assert.deepEqual(witness.lines, ["reconnecting connection lost 1006", "closed left"]);
  assert.equal(FakeSocket.made.length, 1);
  // The process would not end with a remaining timer: the runner proves that there is none.
});

test("callbacks that throw stop nothing", (t) => {
  const error = t.mock.method(console, "error", () => {});
  const fail = () => {
    throw new Error("the page's own mistake");
  };
  const { room, witness } = viewer(t, { onError: fail });
  room.subscribe("a", fail);
  room.subscribe("b", () => witness.see("b"));
  FakeSocket.newest.open();
  FakeSocket.newest.deliver(`${connected}\n{"uuid":"1","status":{"value":3},"funcKey":"a"}\n{"uuid":"1","status":{"value":3},"funcKey":"b"}`);
  assert.deepEqual(witness.lines, ["connected", "b"]);
  assert.equal(error.mock.callCount(), 1);
});

test("a function that closes its connection gets nothing more", (t) => {
  const { room, witness } = viewer(t);
  room.subscribe("a", () => {
    witness.see("a");
    room.close();
  });
  FakeSocket.newest.open();
  const a = '{"uuid":"1","status":{"value":3},"funcKey":"a"}';
  FakeSocket.newest.deliver(`${a}\n${a}`);
  assert.deepEqual(witness.lines, ["connected", "a", "closed left"]);
});

test("a subscription's end does not end the one that replaced it", (t) => {
  const { room, witness } = viewer(t);
  const end = room.subscribe("a", () => witness.see("old"));
  room.subscribe("a", () => witness.see("new"));
  end();
  FakeSocket.newest.open();
  FakeSocket.newest.deliver('{"uuid":"1","status":{"value":3},"funcKey":"a"}');
  assert.deepEqual(witness.lines, ["connected", "new"]);
});

test("without a WebSocket the page is told after the constructor has returned", async () => {
  const before = globalThis.WebSocket;
  delete globalThis.WebSocket;
  try {
    const witness = new Witness();
    const room = new RTBroadcaster("ws://example.org/", null, null, () => witness.see("close"), witness.see, {
      uuid: "",
      onStatus: ({ status, reason }) => witness.see(`${status} ${reason}, ${room.status}`),
    });
    assert.deepEqual(witness.lines, []);
    await witness.sees("close");
    assert.deepEqual(witness.lines, ["there is no WebSocket here", "closed no WebSocket, closed", "close"]);
  } finally {
    if (before) globalThis.WebSocket = before;
  }
});

test("wrong calls are refused at once", (t) => {
  const { room } = viewer(t);
  assert.throws(() => room.subscribe("a", "f"), TypeError);
  assert.throws(() => room.sendAction("", []), TypeError);
  assert.throws(() => room.sendAction("a", "text"), TypeError);
  assert.throws(() => new RTBroadcaster("/broadcasting", { uuid: "1", WebSocket: FakeSocket }), TypeError, "relative to nothing");
});

test("an address may be relative to the page and begin with http", () => {
  globalThis.location = { search: "", href: "https://example.org/page?x=1" };
  try {
    for (const [url, expected] of [
      ["/broadcasting", "wss://example.org/broadcasting"],
      ["http://example.org:8080/b", "ws://example.org:8080/b"],
      [new URL("ws://example.org/b"), "ws://example.org/b"],
    ]) {
      const room = new RTBroadcaster(url, { WebSocket: FakeSocket });
      assert.equal(FakeSocket.newest.url, expected);
      room.close();
    }
  } finally {
    delete globalThis.location;
  }
});
