// The first connection of a page, before the file is loaded that watches connections: bytes that come slowly are a sign of life.
// The only test of its file, since what another test has loaded stays loaded.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../viewer.js";
import { Clock } from "./bare-clock.mjs";
import { NodeServer } from "./node-server.mjs";
import { ROOM } from "./script.mjs";

test("a first answer that takes half a minute keeps its connection", (t) => {
  const clock = new Clock(t);
  const server = new NodeServer();
  const show = watch("ws://example.org/b", ROOM, { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 } });
  t.after(() => show.leave());
  const peer = server.accept(1);
  for (let count = 0; count < 6; count++) {
    clock.advance(5_000);
    peer.socket.comes("x");
  }
  assert.deepEqual([server.peers.length, show.status.value.reason], [1, undefined]);
  clock.advance(10_000);
  assert.equal(show.status.value.reason, "silent");
});
