// Wrong arguments are refused for their call alone: each public call with each bad argument, three times, against a real server. No
// connection is closed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { host, join } from "../index.js";
import { start, stop } from "../../../protocol/server.mjs";

const TIMES = 3;

/** Returns nested arrays, `depth` of them. */
const nested = (depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth));
const cycle = [];
cycle.push(cycle);

/** Values that are no key. */
const KEYS = {
  "nothing": undefined, "null": null, "an empty one": "", "a number": 7, "an object": {}, "a symbol": Symbol("key"), "a big integer": 7n,
  "257 bytes": "a".repeat(257), "258 bytes in fewer characters": "ä".repeat(129), "half a character": "\ud800", "the other half": "a\udc00b",
  "a million characters": "a".repeat(1_000_000),
};

/** Values that are no parameters, with the code of the error. */
const PARAMS = {
  "nothing": undefined, "null": null, "a text": "text", "an object": {}, "a function": () => {}, "a big integer": [1n], "a cycle": cycle,
  "31 levels and one": nested(32), "a thousand levels": nested(1_000), "what throws": [{ toJSON() { throw new Error("no"); } }],
  "an array that is none": Object.assign([1], { toJSON: () => 7 }),
};
const BIG = { "one byte too many": ["x".repeat(65_536)], "many bytes in few characters": ["€".repeat(30_000)] };

/** Options of a message that have no effect or are wrong. */
const OPTIONS = { "null": null, "a text": "text", "state that is a text": { state: "yes" }, "ephemeral that is a number": { ephemeral: 1 }, "a signal that is none": { signal: 7 }, "a time that is none": { timeoutMs: "soon" } };

let server;
before(async () => {
  server = await start();
});
after(() => stop(server));

/** Returns the outcome of a call: a code, a name of an error, or a value. */
async function outcome(func) {
  try {
    return await func();
  } catch (error) {
    return typeof error.code === "string" ? error.code : error.name;
  }
}

/** Opens an owner and a viewer in one room, and records their statuses. */
async function room(t) {
  const owner = await host(server.address, { WebSocket });
  const viewer = await join(server.address, owner.id, { WebSocket });
  const told = [];
  for (const one of [owner, viewer]) one.status.subscribe(({ name, reason }) => told.push(`${name} ${reason}`));
  t.after(async () => {
    assert.deepEqual(told, [], "connections that ended");
    await owner.close();
  });
  return { owner, viewer };
}

/** Checks that messages and signals still arrive. */
async function works({ owner, viewer }) {
  const heard = new Promise((resolve) => viewer.on("after", resolve));
  const hand = new Promise((resolve) => owner.on("after", resolve));
  assert.ok(Number.isSafeInteger(await owner.publish("after", [1])));
  assert.equal(await heard, 1);
  assert.ok(await signals(viewer, "after", []));
  await hand;
}

/** Sends a signal as soon as the rate limit allows one. */
async function signals(viewer, key, params) {
  const deadline = performance.now() + 5_000;
  while ((await outcome(() => viewer.signal(key, params))) === "rate") {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

for (const options of [undefined, { state: true }, { ephemeral: true }]) {
  test(`an owner publishes what is none: ${JSON.stringify(options)}`, async (t) => {
    const both = await room(t);
    const { owner } = both;
    for (let time = 0; time < TIMES; time++) {
      for (const [what, key] of Object.entries(KEYS)) assert.equal(await outcome(() => owner.publish(key, [], options)), "bad_message", what);
      for (const [what, params] of Object.entries(PARAMS)) assert.equal(await outcome(() => owner.publish("a", params, options)), "bad_message", what);
      for (const [what, params] of Object.entries(BIG)) assert.equal(await outcome(() => owner.publish("a", params, options)), "too_big", what);
      assert.equal(await outcome(() => owner.publish("a", nested(31), options)), options?.ephemeral ? undefined : await owner.publish("b", []) - 1);
    }
    await works(both);
  });
}

test("an owner publishes and clears with options that are none", async (t) => {
  const both = await room(t);
  const { owner } = both;
  for (let time = 0; time < TIMES; time++) {
    for (const [what, options] of Object.entries(OPTIONS)) {
      for (const call of [() => owner.publish("a", [1], options), () => owner.clear("a", options)]) {
        assert.match(String(await outcome(call)), /^(\d+|undefined|timeout|bad_argument|bad_message)$/, what);
      }
    }
    assert.equal(await outcome(() => owner.publish("a", [], { state: true, ephemeral: true })), "bad_message");
    for (const [what, key] of Object.entries(KEYS)) assert.equal(await outcome(() => owner.clear(key)), "bad_message", what);
  }
  await works(both);
});

test("a viewer signals what is none, and too fast", async (t) => {
  const both = await room(t);
  const { viewer } = both;
  const refused = [];
  const signal = (...call) => outcome(() => viewer.signal(...call)).then((code) => code && refused.push(code));
  const bad = [...Object.values(KEYS).map((key) => [key, []]), ...Object.entries(PARAMS).filter(([what]) => what !== "nothing").map(([, params]) => ["a", params])];
  for (let time = 0; time < TIMES; time++) {
    for (const call of bad) await signal(...call);
    await signal("a", ["x".repeat(4_096)]);
  }
  assert.deepEqual(new Set(refused), new Set(["bad_message", "too_big"]));
  assert.equal(refused.length, TIMES * (bad.length + 1));
  const said = await Promise.all(Array.from({ length: 1_000 }, () => outcome(() => viewer.signal("a", [1]))));
  assert.equal(said.filter((code) => code === undefined).length, 5, "as many as a second takes");
  assert.equal(said.at(-1), "rate");
  await works(both);
});

test("a program asks all the time whether the connection stands, and leaves it alone", async (t) => {
  const both = await room(t);
  for (let time = 0; time < 1_000; time++) {
    both.owner.reconnect();
    both.viewer.reconnect();
  }
  await works(both);
});

for (const [what, text] of Object.entries({
  "a room without a key": '{"room":"x"}', "a key that is a number": '{"room":"x","ownerKey":7}', "no object": "7", "no JSON": "{", "null": "null",
  "a cursor that is none": '{"room":"6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a","ownerKey":"k","cursor":{"epoch":7}}', "half a character": '{"room":"\\ud800","ownerKey":"k"}',
})) {
  test(`a storage holds rubbish, and the owner gets a room: ${what}`, async (t) => {
    t.mock.method(console, "error", () => {});
    const storage = { getItem: () => text, setItem() {}, removeItem() {} };
    const owner = await host(server.address, { WebSocket, storage });
    assert.match(owner.status.value.how, /^(created|replaced)$/);
    await owner.close();
    const viewer = await outcome(() => join(server.address, "no-such-room", { WebSocket, identity: storage }));
    assert.equal(viewer, "no_room");
  });
}

test("a storage throws, be it when it is named, and the owner gets a room", async (t) => {
  t.mock.method(console, "error", () => {});
  const no = () => {
    throw new Error("forbidden");
  };
  for (const storage of [no, { getItem: no, setItem: no, removeItem: no }]) {
    const owner = await host(server.address, { WebSocket, storage });
    const viewer = await join(server.address, owner.id, { WebSocket, identity: storage });
    assert.equal(viewer.status.value.name, "live");
    await owner.close();
  }
});
