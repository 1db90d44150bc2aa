// Against the real server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { start, stop } from "../../../protocol/server.mjs";
import { RTBroadcaster } from "../rtbroadcaster.js";
import { Witness } from "./witness.mjs";

let server;
before(async () => (server = await start()));
after(() => stop(server));

/** Returns a client and its reports; `cut` drops its connection. */
function client(t, uuid, keys = []) {
  const sockets = [];
  class Kept extends WebSocket {
    constructor(url) {
      super(url, [], { perMessageDeflate: false });
      sockets.push(this);
    }
  }
  const witness = new Witness();
  const room = new RTBroadcaster(server.address, {
    uuid,
    WebSocket: Kept,
    reconnect: { random: () => 0 },
    onStatus: ({ status, reason }) => witness.see(`${status} ${reason}`.trim()),
  });
  for (const key of keys) room.subscribe(key, (params) => witness.see(`${key} ${JSON.stringify(params)}`));
  t.after(() => room.close());
  return { room, witness, cut: () => sockets.at(-1).terminate() };
}

/** Returns an owner whose room is open. */
async function owner(t) {
  const one = client(t, "");
  await one.witness.sees("connected");
  return one;
}

test("live and late viewers hear the owner, the late one the newest state first", async (t) => {
  const { room } = await owner(t);
  const live = client(t, room.uuid, ["slide", "pointer"]);
  await live.witness.sees("connected");
  room.sendAction("slide", [1], true);
  room.sendAction("pointer", [0.25, "x", { a: null }]);
  room.sendAction("slide", [2], true);
  await live.witness.sees("slide [2]");
  const late = client(t, room.uuid, ["slide", "pointer"]);
  await late.witness.sees("slide [2]");
  room.sendAction("slide", [3], true);
  await live.witness.sees("slide [3]");
  await late.witness.sees("slide [3]");
  assert.deepEqual(live.witness.lines, ["connected", "slide [1]", 'pointer [0.25,"x",{"a":null}]', "slide [2]", "slide [3]"]);
  assert.deepEqual(late.witness.lines, ["connected", "slide [2]", "slide [3]"]);
});

test("a viewer that lost its connection comes back to the newest state", async (t) => {
  const { room } = await owner(t);
  const viewer = client(t, room.uuid, ["slide"]);
  room.sendAction("slide", [1], true);
  await viewer.witness.sees("slide [1]");
  viewer.cut();
  await viewer.witness.sees("reconnecting connection lost");
  room.sendAction("slide", [2], true);
  await viewer.witness.sees("slide [2]");
  assert.equal(viewer.room.uuid, room.uuid);
});

test("the owner's end is told to its viewers and to itself", async (t) => {
  const { room, witness } = await owner(t);
  const viewer = client(t, room.uuid, ["slide"]);
  await viewer.witness.sees("connected");
  room.sendAction("slide", [9], true);
  room.close();
  await viewer.witness.sees("closed room ended");
  assert.deepEqual(viewer.witness.lines, ["connected", "slide [9]", "closed room ended"]);
  assert.deepEqual(witness.lines, ["connected", "closed left"]);
});

test("an owner that lost its connection says so and does not come back", async (t) => {
  const { room, witness, cut } = await owner(t);
  cut();
  await witness.sees("closed connection lost");
  assert.equal(room.sendAction("slide", [1]), false);
});

test("a room that does not exist is refused with the reason", async (t) => {
  for (const uuid of ["6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a", "no room at all"]) {
    const { room, witness } = client(t, uuid);
    await witness.sees("closed room not found");
    assert.deepEqual(witness.lines, ["refused room not found", "closed room not found"]);
    assert.equal(room.uuid, "");
  }
});

test("a viewer leaves without disturbing anybody", async (t) => {
  const { room } = await owner(t);
  const [one, other] = [client(t, room.uuid, ["slide"]), client(t, room.uuid, ["slide"])];
  await one.witness.sees("connected");
  await other.witness.sees("connected");
  one.room.close();
  room.sendAction("slide", [1]);
  await other.witness.sees("slide [1]");
  assert.deepEqual(one.witness.lines, ["connected", "closed left"]);
});

test("an owner's message that the server refuses is told", async (t) => {
  const { room, witness } = await owner(t);
  room.sendAction("k".repeat(257), []);
  await witness.sees("refused bad message");
  assert.ok(room.connected);
});
