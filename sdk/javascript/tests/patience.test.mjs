// Timeouts of a program: they apply in whatever state the server leaves it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { outcome, owner, URL } from "./owner.mjs";
import { ROOM, Server } from "./script.mjs";

/** A time that is too long for a timer. */
const FOREVER_MS = 2 ** 31;

/** Takes an owner out of its room and to its next connection. */
function back({ peer, clock, server }) {
  peer.cuts();
  clock.step();
  return server.peer;
}

/** The states in which a server leaves an owner that is in its room. */
const OWNER_STATES = {
  "in the room, where nothing is acknowledged": () => {},
  "in the room, whose socket takes nothing": ({ peer }) => (peer.socket.bufferedAmount = 2 ** 27),
  "between two attempts": ({ peer }) => peer.cuts(),
  "until the moment of a drain": ({ peer }) => {
    peer.says({ type: "draining", reconnectInMs: 3_600_000 });
    peer.cuts(1012, "restart");
  },
  "refused for an hour": (all) => {
    const next = back(all);
    next.socket.open();
    next.says({ type: "error", id: next.asked().id, code: "rate", message: "", retryInMs: 3_600_000 });
  },
  "on a socket that does not open": back,
  "on a connection that is not answered": (all) => back(all).socket.open(),
  "in the middle of a state": (all) => {
    const next = back(all);
    next.socket.open();
    next.owned({ seq: 9, replay: 9 });
  },
};

for (const [state, brings] of Object.entries(OWNER_STATES)) {
  test(`an owner waits no longer than it said: ${state}`, async (t) => {
    const all = await owner(t);
    const { room, clock } = all;
    brings(all);
    const value = outcome(room.publish("a", [1], { state: true, timeoutMs: 1_000 }));
    const event = outcome(room.publish("bell", [], { timeoutMs: 1_000 }));
    const closed = outcome(room.close({ timeoutMs: 1_000 }));
    clock.advance(1_000);
    assert.deepEqual([await value, await closed], ["timeout", "timeout"]);
    assert.match(await event, /^(timeout|offline|busy)$/);
  });

  test(`an owner that waits for ever waits: ${state}`, async (t) => {
    const all = await owner(t);
    const { room, clock } = all;
    brings(all);
    const codes = [];
    for (const timeoutMs of [FOREVER_MS, Infinity]) {
      room.publish(`${timeoutMs}`, [1], { state: true, timeoutMs }).catch(({ code }) => codes.push(code));
      room.close({ timeoutMs }).catch(({ code }) => codes.push(code));
    }
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(codes, []);
  });
}

/** The states in which a server leaves a viewer that is not in its room yet. */
const VIEWER_STATES = {
  "on a socket that does not open": () => {},
  "on a connection that is not answered": ({ server }) => server.accept(1),
  "in the middle of a state": ({ server }) => server.accept(1).joins({ seq: 9, replay: 9 }),
  "between two attempts": ({ server }) => server.accept(1).cuts(),
  "until the moment of a drain": ({ server }) => {
    server.accept(1).says({ type: "draining", reconnectInMs: 3_600_000 });
    server.peer.cuts(1012, "restart");
  },
  "refused for an hour": ({ server }) => {
    const { id } = server.accept(1).asked();
    server.peer.says({ type: "error", id, code: "room_full", message: "", retryInMs: 3_600_000 });
  },
};

for (const [state, brings] of Object.entries(VIEWER_STATES)) {
  test(`a viewer that gives up has given up: ${state}`, async (t) => {
    const clock = new Clock(t);
    const server = new Server();
    const stop = new AbortController();
    const joined = outcome(join(URL, ROOM, { WebSocket: server.WebSocket, signal: stop.signal }));
    brings({ server });
    stop.abort();
    assert.equal(await joined, "aborted");
    assert.equal(clock.waiting, 0);
    clock.advance(FOREVER_MS);
    assert.equal(server.peers.length, 1);
  });
}

test("a server that may take for ever to answer may", (t) => {
  for (const answerTimeoutMs of [FOREVER_MS, Infinity]) {
    const clock = new Clock(t);
    const server = new Server();
    const stop = new AbortController();
    join(URL, ROOM, { WebSocket: server.WebSocket, signal: stop.signal, answerTimeoutMs }).catch(() => {});
    clock.advance(3_600_000);
    assert.equal(server.peers.length, 1);
    stop.abort();
  }
});
