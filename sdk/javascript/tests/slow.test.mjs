// An owner on a network of 4 KB/s, which is slow and not dead: one connection carries its messages, whether the unsent bytes are in the
// socket, where the page sees them, or in the system's own buffers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { own } from "../index.js";
import { advance, randomOf, RoomServer, World } from "./world.mjs";

/** Three messages of 60 KB: 45 s at 4 KB/s. */
const MESSAGES = [1, 2, 3];
const BODY = "x".repeat(60_000);

/** Returns an owner in a room, and the outcome of the messages that it published at once. */
async function slow(t, settings, steps) {
  const world = new World({ latencyMs: 50, bytesPerMs: 4, throttleMs: 1_000, isMonotonicStopped: false, ...settings });
  t.after(() => world.end());
  const server = new RoomServer(world, 5_000);
  const room = own("ws://example.org/b", { WebSocket: world.socketTo(server), reconnect: { random: randomOf(1) } });
  t.after(() => room.leave());
  await advance(world, 2_000);
  const settled = [];
  await steps(world, room, (promise) => promise.then((seq) => settled.push(seq), ({ code }) => settled.push(code)));
  return { world, server, room, settled };
}

for (const [where, kernelBytes] of [["the socket", 0], ["the system", 4_194_304], ["both", 65_536]]) {
  for (const bytesPerMs of [4, 2.3]) {
    test(`three messages leave on one connection at ${bytesPerMs} KB/s, while they wait in ${where}`, async (t) => {
      const { world, server, settled } = await slow(t, { kernelBytes, bytesPerMs }, async (world, room, settle) => {
        for (const number of MESSAGES) settle(room.publish("tick", [number, BODY]));
        await advance(world, 120_000);
      });
      assert.deepEqual(settled, MESSAGES);
      assert.deepEqual([world.connections.length, server.log.length], [1, 3]);
    });
  }

  test(`values leave on one connection, and the room is closed behind them, while they wait in ${where}`, async (t) => {
    const { world, server, settled } = await slow(t, { kernelBytes }, async (world, room, settle) => {
      for (const number of MESSAGES) settle(room.publish(`k${number}`, [number, BODY], { state: true }));
      const closed = room.close();
      let how;
      closed.then(() => (how = "closed"), ({ code }) => (how = code));
      await advance(world, 50_000);
      assert.equal(how, undefined, "the room waits for what was said");
    });
    assert.deepEqual(settled, MESSAGES);
    assert.deepEqual([world.connections.length, server.log.length], [1, 3]);
  });
}

test("a path that goes dark behind big messages is noticed when a heartbeat is missing, not when all of them would have left", async (t) => {
  const { world, room } = await slow(t, { kernelBytes: 4_194_304 }, async (world, room, settle) => {
    for (let number = 0; number < 20; number++) settle(room.publish("tick", [number, BODY]));
    await advance(world, 1_000);
    world.darken(true, true);
    await advance(world, 14_000);
  });
  assert.ok(world.connections.length > 1, room.status.value.name);
});

test("what was acknowledged has left: behind big messages on a fast link a dark path is noticed at once", async (t) => {
  const { world } = await slow(t, { kernelBytes: 4_194_304, bytesPerMs: 1_000 }, async (world, room, settle) => {
    for (let number = 0; number < 20; number++) settle(room.publish("tick", [number, BODY]));
    await advance(world, 3_000);
    world.darken(true, true);
    room.reconnect();
    await advance(world, 1_000);
    assert.equal(world.connections.length, 1);
    await advance(world, 1_000);
  });
  assert.equal(world.connections.length, 2);
});

test("what is published behind the probe gives a dark path no more time", async (t) => {
  const { world } = await slow(t, { kernelBytes: 4_194_304, bytesPerMs: 1_000 }, async (world, room, settle) => {
    for (let number = 0; number < 20; number++) {
      if (number === 6) world.darken(true, true);
      // 3 KB/s: more than the slowest supported network carries.
      settle(room.publish("tick", [number, "x".repeat(1_500)]));
      await advance(world, 500);
    }
  });
  assert.ok(world.connections.length > 1, "7 s behind the last answer");
});

test("a program waits exactly as long as it said, and by default as long as its bytes may take", async (t) => {
  await slow(t, { kernelBytes: 0 }, async (world, room) => {
    const settled = [];
    const told = (name, promise) => promise.then(() => {}, ({ code }) => settled.push(`${name} ${code} ${world.now - begun}`));
    const begun = world.now;
    world.darken(true, true);
    world.isRefusing = true;
    told("said", room.publish("tick", [1, BODY], { timeoutMs: 2_000 }));
    told("small", room.publish("k", [1], { state: true }));
    told("big", room.publish("tick", [2, BODY]));
    await advance(world, 200_000);
    // 1 s more for each 2 048 bytes that are unacknowledged: its own, and those of the messages before it.
    assert.deepEqual(settled, ["said timeout 2000", "small timeout 59000", "big timeout 88000"]);
  });
});
