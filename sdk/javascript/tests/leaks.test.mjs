// A thousand times in and out of a room, a subscription and a loop: the objects that stay are counted, and the growth of the heap is printed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { own, watch } from "../index.js";
import { Clock } from "./clock.mjs";
import { FakeSocket } from "./fake-socket.mjs";
import { heap } from "./hostile.mjs";
import { URL } from "./owner.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

const CYCLES = 1_000;

/** Counts the listeners of a signal. */
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

/**
 * Does something a thousand times. `act` passes the objects that must not stay; running code may hold the first and the last ones.
 * @param {(cycle: number, goes: <T extends object>(one: T) => T) => Promise<void>} act
 */
async function cycles(t, act) {
  const refs = [];
  const goes = (one) => (refs.push(new WeakRef(one)), one);
  const before = heap();
  for (let cycle = 0; cycle < CYCLES; cycle++) await act(cycle, goes);
  // Objects of the present turn are held until its end.
  await new Promise((resolve) => setImmediate(resolve));
  const grown = heap() - before;
  const staying = refs.filter((ref) => ref.deref()).length;
  t.diagnostic(`${refs.length} things went, ${staying} stayed; the heap grew by ${grown} bytes`);
  assert.ok(refs.length >= CYCLES && staying < CYCLES / 100, `${staying} of ${refs.length} stay`);
}

/** Returns a viewer in its room, where `a` has a value, and a signal whose listeners are counted. */
function inRoom(t) {
  new Clock(t);
  const server = new Server();
  const show = watch(URL, ROOM, { WebSocket: server.WebSocket });
  t.after(() => show.leave());
  server.accept(1).joins({ seq: 1, replay: 1 });
  server.peer.says(state(1, "a"));
  const { signal } = new AbortController();
  const listeners = counted(signal);
  return { server, show, signal, listeners };
}

test("in and out of a room, as a viewer and as an owner", async (t) => {
  const clock = new Clock(t);
  const { signal } = new AbortController();
  const listeners = counted(signal);
  await cycles(t, async (_, goes) => {
    const server = new Server();
    const options = { WebSocket: server.WebSocket, signal, lifetime: signal };
    const show = goes(watch(URL, ROOM, options));
    server.accept(1).joins({ seq: 1, replay: 1 });
    server.peer.says(state(1, "a"));
    await show.entered;
    show.on("a", goes(() => {}), { signal });
    show.leave();
    const room = goes(own(URL, options));
    server.accept(2).creates();
    await room.entered;
    room.publish("a", [1], { state: true, signal }).catch(() => {});
    room.publish("bell", [], { signal }).catch(() => {});
    room.leave();
    // The sockets of the test store these.
    FakeSocket.made.length = 0;
  });
  assert.deepEqual([listeners(), clock.waiting], [0, 0]);
});

test("on and off", async (t) => {
  const { server, show, signal, listeners } = inRoom(t);
  let seq = 1;
  await cycles(t, async (cycle, goes) => {
    const listener = () => goes(() => {});
    const offs = [
      show.on("a", listener(), { signal, cleared: listener() }), show.on(`key ${cycle}`, listener(), { signal }), show.listen("message", listener(), { signal }),
      show.status.subscribe(listener(), { signal }), show.state.key("a").subscribe(listener(), { signal }), show.state.subscribe(listener(), { signal }),
    ];
    await null;
    server.peer.says(bell(++seq));
    for (const off of offs) off();
  });
  assert.equal(listeners(), 0);
});

test("around and out of a loop", async (t) => {
  const { server, show, signal, listeners } = inRoom(t);
  let seq = 1;
  await cycles(t, async (_, goes) => {
    const loop = () => goes(show.messages({ signal }));
    const never = loop();
    for await (const message of loop()) if (message.key === "a") break;
    const waiting = loop();
    await waiting.next();
    const next = waiting.next();
    server.peer.says(bell(++seq));
    await next;
    await waiting.return();
    await never.return();
  });
  assert.equal(listeners(), 0);
});
