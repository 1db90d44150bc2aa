// Thousands of times in and out, on and off, around and out of a loop: what stays is counted, and the heap is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { own, watch } from "../index.js";
import { Clock } from "./clock.mjs";
import { FakeSocket } from "./fake-socket.mjs";
import { heap } from "./hostile.mjs";
import { URL } from "./owner.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

const CYCLES = 5_000;

/** What a cycle may leave behind, in bytes: less than any of the objects that could stay. */
const BYTES_MAX = 200;

/** Counts the listeners that a signal has. */
function counted(signal) {
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  const known = new WeakSet();
  signal.addEventListener = (type, func) => {
    if (!known.has(func)) count += 1;
    known.add(func);
    addEventListener.call(signal, type, func);
  };
  signal.removeEventListener = (type, func) => {
    if (known.delete(func)) count -= 1;
    removeEventListener.call(signal, type, func);
  };
  return () => count;
}

/** Does something thousands of times, and tells what a cycle left in the heap. */
async function cycles(t, act) {
  // The first ones pay for what is compiled.
  for (let cycle = 0; cycle < CYCLES; cycle++) await act(cycle);
  const before = heap();
  for (let cycle = 0; cycle < CYCLES; cycle++) await act(CYCLES + cycle);
  const left = (heap() - before) / CYCLES;
  t.diagnostic(`${left.toFixed(1)} bytes of the heap a cycle`);
  assert.ok(left < BYTES_MAX, `${left} bytes a cycle`);
}

test("in and out of a room, as a viewer and as an owner", async (t) => {
  const clock = new Clock(t);
  const { signal } = new AbortController();
  const listeners = counted(signal);
  await cycles(t, async () => {
    const server = new Server();
    const options = { WebSocket: server.WebSocket, signal, lifetime: signal };
    const show = watch(URL, ROOM, options);
    server.accept(1).joins({ seq: 1, replay: 1 });
    server.peer.says(state(1, "a"));
    await show.entered;
    show.on("a", () => {}, { signal });
    show.leave();
    const room = own(URL, options);
    server.accept(2).creates();
    await room.entered;
    room.publish("a", [1], { state: true, signal }).catch(() => {});
    room.publish("bell", [], { signal }).catch(() => {});
    room.leave();
    // What the tests' sockets remember.
    FakeSocket.made.length = 0;
  });
  assert.deepEqual([listeners(), clock.waiting], [0, 0]);
});

test("on and off", async (t) => {
  new Clock(t);
  const server = new Server();
  const show = watch(URL, ROOM, { WebSocket: server.WebSocket });
  t.after(() => show.leave());
  server.accept(1).joins({ seq: 1, replay: 1 });
  server.peer.says(state(1, "a"));
  const { signal } = new AbortController();
  const listeners = counted(signal);
  let seq = 1;
  await cycles(t, async (cycle) => {
    const offs = [
      show.on("a", () => {}, { signal, cleared: () => {} }), show.on(`key ${cycle}`, () => {}, { signal }), show.listen("message", () => {}, { signal }),
      show.status.subscribe(() => {}, { signal }), show.state.key("a").subscribe(() => {}, { signal }), show.state.subscribe(() => {}, { signal }),
    ];
    await null;
    server.peer.says(bell(++seq));
    for (const off of offs) off();
  });
  assert.equal(listeners(), 0);
});

test("around and out of a loop", async (t) => {
  new Clock(t);
  const server = new Server();
  const show = watch(URL, ROOM, { WebSocket: server.WebSocket });
  t.after(() => show.leave());
  server.accept(1).joins({ seq: 1, replay: 1 });
  server.peer.says(state(1, "a"));
  const { signal } = new AbortController();
  const listeners = counted(signal);
  let seq = 1;
  await cycles(t, async () => {
    const never = show.messages({ signal });
    for await (const message of show.messages({ signal })) if (message.key === "a") break;
    const waiting = show.messages({ signal });
    await waiting.next();
    const next = waiting.next();
    server.peer.says(bell(++seq));
    await next;
    await waiting.return();
    await never.return();
  });
  assert.equal(listeners(), 0);
});
