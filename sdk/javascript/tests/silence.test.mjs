// In Node.js, where the bytes of a connection are visible: timeouts of silence and of answers are counted from the newest
// bytes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { own } from "../index.js";
import { watch } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { NodeServer } from "./node-server.mjs";
import { ROOM } from "./script.mjs";
import { LIMITS } from "./world.mjs";

/** Returns when a client has given the connection up, on a clock, in a room whose server announces a heartbeat each `nextMs`. */
function dark(t, role, nextMs, steps) {
  const clock = new Clock(t);
  const server = new NodeServer();
  const options = { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 } };
  const end = role === "owner" ? own("ws://example.org/b", options) : watch("ws://example.org/b", ROOM, options);
  t.after(() => end.leave());
  const peer = server.accept(1);
  const members = { nextMs, limits: LIMITS };
  if (role === "owner") peer.creates(members);
  else peer.joins(members);
  let lostAt;
  end.status.subscribe(({ reason }) => (lostAt ??= reason === "silent" ? clock.now : undefined));
  steps(peer, clock);
  const heardAt = clock.now;
  clock.advance(120_000);
  return lostAt - heardAt;
}

for (const [role, nextMs] of [["viewer", 25_000], ["owner", 5_000]]) {
  const limitMs = 2 * nextMs + 1_700;
  test(`a silent server is noticed after ${limitMs} ms at most by a ${role}, whenever its last frame came`, (t) => {
    const ms = dark(t, role, nextMs, (peer, clock) => {
      for (let count = 0; count < 5; count++) {
        clock.advance(nextMs);
        peer.says({ type: "alive", seq: 0, nextMs });
      }
    });
    assert.ok(ms >= 2 * nextMs + 1_500 && ms <= limitMs, `${ms} ms`);
  });

  test(`bytes of a frame that is still coming are a sign of life for a ${role}, and the silence begins with the last one`, (t) => {
    const ms = dark(t, role, nextMs, (peer, clock) => {
      for (let count = 0; count < 5; count++) {
        clock.advance(1.5 * nextMs);
        peer.socket.comes("x");
      }
    });
    assert.ok(ms >= 2 * nextMs + 1_500 && ms <= limitMs, `${ms} ms`);
  });
}

test("an answer whose bytes stop coming is late 10 s after the last one", (t) => {
  const clock = new Clock(t);
  const server = new NodeServer();
  const show = watch("ws://example.org/b", ROOM, { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 } });
  t.after(() => show.leave());
  const peer = server.accept(1);
  for (let count = 0; count < 5; count++) {
    clock.advance(6_000);
    peer.socket.comes("x");
  }
  clock.advance(9_999);
  assert.equal(show.status.value.name, "connecting");
  assert.equal(show.status.value.reason, undefined);
  clock.advance(1);
  assert.equal(show.status.value.reason, "silent");
});
