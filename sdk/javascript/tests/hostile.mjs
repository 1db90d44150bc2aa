// A client against a hostile server, for a simulated hour. Must not know what the server does.

import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { host, watch } from "../index.js";
import { RTBroadcaster } from "../rtbroadcaster.js";
import { Clock } from "./clock.mjs";
import { Page } from "./page.mjs";
import { ROOM, Server } from "./script.mjs";

const ADDRESS = "ws://example.org/b";
const HOUR_MS = 3_600_000;

/** The maximum number of connections of a client in an hour: with the delays of these tests, one each 7.5 s from the sixth on. */
export const CONNECTIONS_MAX = 500;

/** The interval at which the program publishes, in milliseconds. */
const TICK_MS = 10_000;

/** The maximum number of events in that hour. */
const STEPS_MAX = 100_000;

/** The maximum real time of that hour, in milliseconds. */
const REAL_MS_MAX = 10_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Returns how much memory is in use after a collection. */
export function heap() {
  collect();
  return process.memoryUsage().heapUsed;
}

/** Calls `func` each `ms` for as long as the connection is open. */
export function each(peer, ms, func) {
  setTimeout(() => {
    if (peer.socket.readyState === 3) return;
    func();
    each(peer, ms, func);
  }, ms);
}

/** Returns the text of `depth` nested arrays. */
export const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);

/** What a program does with each client while it is connected, and how it ends it. */
const PROGRAMS = {
  viewer({ options, statuses, settles }) {
    const show = watch(ADDRESS, ROOM, options);
    show.status.subscribe((status) => statuses.push(status));
    settles(show.entered);
    for (const name of ["message", "reset", "refused"]) show.listen(name, () => {});
    for (const name of ["message", "a"]) show.on(name, () => {});
    show.audience.subscribe(() => {});
    show.state.subscribe(() => {});
    return { act: () => show.signal("hand", [true]), status: () => show.status.value, end: () => show.leave(), show };
  },
  owner({ options, statuses, settles, published }) {
    let room;
    const hosting = host(ADDRESS, options);
    settles(hosting);
    hosting.then((it) => {
      room = it;
      room.status.subscribe((status) => statuses.push(status));
      for (const name of ["signal", "reset", "refused"]) room.listen(name, () => {});
      for (const name of ["signal", "a"]) room.on(name, () => {});
      room.audience.subscribe(() => {});
      room.state.subscribe(() => {});
    }, () => {});
    let count = 0;
    const act = () => {
      if (!room) return;
      count += 1;
      published(room.publish("bell", [count], { timeoutMs: 5_000 }));
      published(room.publish("a", [count], { state: true, timeoutMs: 5_000 }));
      published(room.publish("pointer", [count], { ephemeral: true, timeoutMs: 5_000 }));
    };
    return { act, status: () => room?.status.value ?? statuses.at(-1), end: () => options.stop.abort(), room: () => room };
  },
  classic({ options, statuses }) {
    const room = new RTBroadcaster(ADDRESS, { ...options, uuid: ROOM, onStatus: (status) => statuses.push({ ...status, name: status.status }), onError() {} });
    room.subscribe("a", () => {});
    return { act: () => room.sendAction("a", []), status: () => ({ name: room.status }), end: () => room.close(), room };
  },
  "classic owner"({ options, statuses }) {
    const room = new RTBroadcaster(ADDRESS, { ...options, uuid: "", onStatus: (status) => statuses.push({ ...status, name: status.status }), onError() {} });
    return { act: () => room.sendAction("a", []), status: () => ({ name: room.status }), end: () => room.close(), room };
  },
};

const NAMES = /^(connecting|live|away|lagging|checking|resuming|elsewhere|closed|connected|reconnecting|refused)$/;

/**
 * Runs an hour with a server of which each connection does `does(peer, count)`. Checks the rules of every hour, and those of the row:
 *
 * - `end`: an owner or a viewer
 * - `opens`, `protocol`: whether its sockets open, and their protocol
 * - `options`: the client's; `loops`: whether the program has a loop that does not continue
 * - `connections`, `least`: the maximum and minimum number of connections
 * - `heapMax`: how many more bytes are held afterwards
 * - `name`, `reason`: of the last status; `entered`: the outcome of entering
 * - `then`: checks the client before it ends
 */
export async function hour(t, row) {
  const { end = "viewer", does, opens = true, protocol, options = {}, loops, connections = CONNECTIONS_MAX, least = 1, heapMax, then = () => {} } = row;
  const began = Date.now();
  const heapBefore = heapMax && heap();
  const unhandled = [];
  const hear = (error) => unhandled.push(error);
  for (const type of ["unhandledRejection", "uncaughtException"]) {
    process.on(type, hear);
    t.after(() => process.off(type, hear));
  }
  const reported = t.mock.method(console, "error", () => {});
  const clock = new Clock(t);
  new Page(t);
  const server = new Server();
  const stop = new AbortController();
  const statuses = [];
  let pending = 0;
  const settled = { entered: undefined };
  const all = { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 }, lifetime: stop.signal, stop, ...options };
  const program = PROGRAMS[end]({
    options: all,
    statuses,
    settles: (promise) => promise.then(() => (settled.entered = "yes"), (error) => (settled.entered = error.code ?? error.name)),
    published(promise) {
      pending += 1;
      promise.then(() => (pending -= 1), () => (pending -= 1));
    },
  });
  const tick = () => {
    program.act();
    setTimeout(tick, TICK_MS);
  };
  setTimeout(tick, TICK_MS);
  const loop = loops && program.show.messages();
  let met = 0;
  let steps = 0;
  while (clock.now + clock.next <= HOUR_MS) {
    while (met < server.peers.length) {
      const peer = server.peers[met++];
      if (protocol) peer.socket.protocol = protocol;
      if (opens) peer.socket.open();
      does(peer, met);
    }
    assert.ok(server.peers.length <= connections, `${server.peers.length} connections in ${clock.now} ms`);
    assert.ok(++steps < STEPS_MAX, `${steps} steps in ${clock.now} ms`);
    clock.step();
    await null;
    await null;
  }
  await new Promise((resolve) => setImmediate(resolve));
  // The newest messages may wait.
  assert.ok(pending <= 3, `${pending} publishes wait longer than they said`);
  // Sent messages belong to the server.
  for (const peer of server.peers) peer.socket.sent.length = 0;
  if (heapMax) {
    const held = heap() - heapBefore;
    assert.ok(held <= heapMax, `${held} bytes held`);
  }
  for (const { name, reason } of statuses) {
    assert.match(name, NAMES);
    assert.ok(reason === undefined || typeof reason === "string");
  }
  assert.ok(server.peers.length >= least, `${server.peers.length} connections: it waits longer than it was told to`);
  const status = program.status();
  if (row.name) assert.equal(status.name, row.name);
  if (row.reason) assert.equal(status.reason, row.reason);
  if (row.entered) assert.equal(settled.entered, row.entered);
  // The messages before the limit was exceeded arrive.
  const drain = async () => { for await (const _ of loop); };
  if (loop) await assert.rejects(drain(), { code: "busy" });
  await then({ ...program, server, status, clock });
  const made = server.peers.length;
  program.end();
  stop.abort();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(program.status()?.name ?? "closed", "closed");
  const timers = clock.waiting;
  clock.advance(61_000);
  // Only the program's own timer is left.
  assert.ok(clock.waiting <= 1, `${timers} timers wait behind the end`);
  assert.equal(server.peers.length, made, "nothing begins behind the end");
  assert.deepEqual(unhandled, []);
  assert.deepEqual(reported.mock.calls.map(({ arguments: [error] }) => error), []);
  assert.ok(Date.now() - began < REAL_MS_MAX, `${Date.now() - began} ms`);
}
