// Viewers that are offline for 2 s in every 15 s: how soon they have the messages of that time, in virtual time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../viewer.js";
import { randomOf, ROOM, RoomServer, World } from "./world.mjs";

const VIEWERS = 200;
const PERIODS = 8;
const PERIOD_MS = 15_000;
const OFF_MS = 2_000;

test(`${VIEWERS} viewers off for 2 s in every 15 s have what was said meanwhile after 2.6 s (p99)`, (t) => {
  const waits = [];
  let missed = 0;
  for (let seed = 1; seed <= VIEWERS; seed++) {
    const random = randomOf(seed);
    const world = new World({ latencyMs: 5 + random() * 50, bytesPerMs: Infinity, throttleMs: 1_000 });
    const server = new RoomServer(world, 25_000);
    server.log.push({ type: "message", seq: 1, key: "first", params: [], state: true });
    const show = watch("ws://e/b", ROOM, { WebSocket: world.socketTo(server), reconnect: { random } });
    const said = new Map();
    const heard = [];
    show.listen("message", ({ seq }) => {
      heard.push(seq);
      if (said.get(seq)?.isOff) waits.push(world.now - said.get(seq).at);
    });
    let isOver = false;
    const speak = () => {
      if (isOver) return;
      said.set(server.say("bell", []), { at: world.now, isOff: world.isRefusing });
      world.later(1_000, speak);
    };
    world.run(500);
    world.later(random() * 1_000, speak);
    for (let period = 0; period < PERIODS; period++) {
      // Two outages never touch, which would be one of 4 s.
      const begin = 1_500 + random() * (PERIOD_MS - OFF_MS - 3_000);
      world.run(begin);
      world.isRefusing = true;
      world.connections.at(-1).reset();
      world.run(OFF_MS);
      world.isRefusing = false;
      world.run(PERIOD_MS - OFF_MS - begin);
    }
    isOver = true;
    world.run(20_000);
    if (heard.slice(1).join() !== [...said.keys()].join()) missed += 1;
    show.leave();
    world.end();
  }
  waits.sort((one, other) => one - other);
  const at = (part) => Math.round(waits[Math.min(waits.length - 1, Math.floor(waits.length * part))]);
  t.diagnostic(`${waits.length} messages: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
  assert.equal(missed, 0, "viewers that did not hear all, once and in order");
  assert.ok(at(0.99) <= 2_600, `${at(0.99)} ms`);
  assert.ok(at(1) <= 4_000, `${at(1)} ms`);
});
