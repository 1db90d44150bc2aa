// What a page shows is true within 2 s of being seen, whatever happened meanwhile: runs in virtual time, each with a seed.
// RTBROADCASTER_SEED runs one of them, RTBROADCASTER_RUNS sets how many.

import assert from "node:assert/strict";
import { test } from "node:test";
import { own } from "../index.js";
import { watch } from "../viewer.js";
import { advance, randomOf, ROOM, RoomServer, World } from "./world.mjs";

const RUNS = Number(process.env.RTBROADCASTER_RUNS ?? 200);
const SEEDS = process.env.RTBROADCASTER_SEED ? [Number(process.env.RTBROADCASTER_SEED)] : Array.from({ length: RUNS }, (_, seed) => seed + 1);

/** The virtual time of one run, in milliseconds. */
const RUN_MS = 600_000;

/** The time in which the shown values have to be true, in milliseconds. */
const TRUE_MS = 2_000;

/** Runs once. Returns what went wrong. */
async function run(seed) {
  const random = randomOf(seed);
  const pick = (...all) => all[Math.floor(random() * all.length)];
  const between = (least, most) => least + random() * (most - least);
  const isOwner = random() < 0.5;
  const isSlow = random() < 0.2;
  const settings = {
    latencyMs: between(5, 200),
    bytesPerMs: isSlow ? 4 : Infinity,
    kernelBytes: pick(0, 65_536, 4_194_304),
    throttleMs: pick(1_000, 60_000),
    isMonotonicStopped: random() < 0.5,
  };
  const world = new World(settings);
  const nextMs = isOwner && random() < 0.5 ? 5_000 : pick(5_000, 10_000, 25_000, 60_000);
  const server = new RoomServer(world, nextMs);
  const wrongs = [];
  const wrong = (what) => wrongs.push(`seed ${seed}, ${Math.round(world.now)} ms: ${what}`);
  const options = { WebSocket: world.socketTo(server), reconnect: { random } };
  const room = isOwner ? own("ws://e/b", options) : watch("ws://e/b", ROOM, { ...options, pauseHidden: random() < 0.5 });
  const body = isSlow ? "x".repeat(60_000) : "";
  // The state is as big as the messages.
  server.log.push({ type: "message", seq: 1, key: "slide", params: [0, body], state: true });

  // A connection that the client gave up although it was intact.
  let isLeaving = false;
  let before = "";
  room.status.subscribe(({ name, reason }) => {
    // An unanswered attempt is no connection yet.
    if (reason === "silent" && /^(live|away|lagging|checking)$/.test(before) && world.connections.at(-1).isHealthy) wrong("a healthy connection was given up");
    before = name;
  });

  // Messages: of the owner from the page, to a viewer from the server.
  const heard = [];
  const settled = [];
  let said = 0;
  if (!isOwner) room.listen("message", ({ seq }) => heard.push(seq));
  const speak = () => {
    if (isLeaving) return;
    if (isOwner) world.reach(() => void room.publish("event", [++said, body], { timeoutMs: 1e9 }).then((seq) => settled.push(seq), () => {}));
    else server.say("event", [++said, body]);
    world.later(isSlow ? between(20_000, 60_000) : between(500, 5_000), speak);
  };
  speak();

  // The shown values.
  let events = 0;
  const look = () => {
    const { name } = room.status.value;
    const [connection] = world.connections.slice(-1);
    if (/^(live|away|lagging)$/.test(name) && (connection.isDark || !world.isOnline)) wrong(`${name} is shown, and the path is dark`);
    if (name === "checking" && !connection.probe) wrong("checking is shown, and nothing is asked");
  };
  const seen = () => {
    const count = events;
    world.later(TRUE_MS, () => count === events && !world.isHidden && !world.isAsleep && look());
  };

  const happenings = {
    hide: () => !world.isAsleep && world.hide(true),
    show: () => (world.isAsleep || world.hide(false), seen()),
    sleep: () => world.sleep(),
    wake: () => world.isAsleep && (world.wake(), seen()),
    dark: () => world.darken(...pick([true, false], [false, true], [true, true])),
    darkAndHide: () => (world.darken(true, true), !world.isAsleep && world.hide(true)),
    off: () => world.network(false, !world.isAsleep && random() < 0.5),
    on: () => {
      const isNoticed = !world.isAsleep && random() < 0.8;
      world.network(true, isNoticed);
      // Changes without an event are noticed when heartbeats are missing.
      if (isNoticed) seen();
    },
  };
  while (world.now < RUN_MS) {
    await advance(world, between(3_000, 40_000));
    events += 1;
    happenings[pick(...Object.keys(happenings))]();
  }
  // Everything works again, and all frames arrive.
  world.wake();
  world.hide(false);
  world.network(true, true);
  await advance(world, 120_000);
  isLeaving = true;
  await advance(world, isSlow ? 400_000 : 60_000);
  if (room.status.value.name !== "live") wrong(`in the end it is ${JSON.stringify(room.status.value)}`);
  if (!isOwner) {
    // The first one is that of the state, from which the later numbers count.
    heard.shift();
    const wanted = Array.from({ length: server.log.length - (heard[0] ?? 1) + 1 }, (_, index) => (heard[0] ?? 1) + index);
    if (heard.join() !== wanted.join()) wrong(`heard ${heard.length} messages of ${wanted.length}`);
  } else {
    const numbers = server.log.map(({ params }) => params[0]);
    if (new Set(numbers).size !== numbers.length) wrong("a message is there twice");
    if (new Set(settled).size !== settled.length || settled.some((seq) => !server.log[seq - 1])) wrong("what was acknowledged is not there");
    if (settled.length !== numbers.length - 1) wrong(`${numbers.length} messages, ${settled.length} of which are acknowledged`);
  }
  room.leave();
  world.end();
  return wrongs;
}

test(`what is shown is true within 2 s in ${SEEDS.length} runs, nothing healthy is given up, nothing is lost or said twice`, async (t) => {
  const wrongs = [];
  let failed = 0;
  for (const seed of SEEDS) {
    const found = await run(seed);
    if (found.length) failed += 1;
    wrongs.push(...found);
  }
  t.diagnostic(`${SEEDS.length - failed} of ${SEEDS.length} runs are right`);
  assert.deepEqual(wrongs.slice(0, 20), []);
});
