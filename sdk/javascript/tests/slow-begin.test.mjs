// The first connection of a page, before the file is loaded that watches connections: what an owner has sent by then counts, too.
// The only test of its file, since what another test has loaded stays loaded.

import assert from "node:assert/strict";
import { test } from "node:test";
import { own } from "../index.js";
import { load } from "../lazy.js";
import { Clock } from "./bare-clock.mjs";
import { NodeServer } from "./node-server.mjs";

test("messages that are published at once have their time on a slow network", async (t) => {
  const clock = new Clock(t);
  const server = new NodeServer();
  const room = own("ws://example.org/b", { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 } });
  t.after(() => room.leave());
  server.accept(1).creates({ nextMs: 5_000, limits: { messageBytes: 65_536 } });
  for (const number of [1, 2, 3]) void room.publish("tick", [number, "x".repeat(60_000)]).catch(() => {});
  await load();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  // 180 KB take longer than the server's next frame, after which they are no excuse.
  clock.advance(9_900);
  assert.deepEqual([server.peers.length, room.status.value.reason], [1, undefined]);
  clock.advance(5_000);
  assert.equal(room.status.value.reason, "silent");
});
