// The module that a client loads once it is in its room: calls before it is loaded work. No test here advances a clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import { within } from "../../../protocol/deadline.mjs";
import { own } from "../index.js";
import { load, loaded } from "../lazy.js";
import { watch } from "../viewer.js";
import { bell, ROOM, Server, state } from "./script.mjs";

const ADDRESS = "ws://example.org/b";
const LIMITS = { messageBytes: 65_536, keyBytes: 256, depth: 32, signalBytes: 10, signalsPerSecond: 5 };

/** Waits until the peer receives this, and returns it. */
const asked = (peer, type) => within((async () => {
  for (;;) {
    const found = peer.rest().find((frame) => frame.type === type);
    if (found) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
})(), type);

// The first test of this process: the module is not loaded yet.
test("what comes and what is called before it is loaded is not lost", async (t) => {
  const server = new Server();
  let count = 0;
  const show = watch(ADDRESS, ROOM, { WebSocket: server.WebSocket, token: () => `token ${++count}`, share: false });
  t.after(() => show.leave());
  await within((async () => {
    while (!server.peers.length) await new Promise((resolve) => setImmediate(resolve));
  })(), "a connection");
  await assert.rejects(show.signal("hand", [0]), { code: "offline" });
  assert.equal(loaded, undefined, "nothing is loaded where nothing answers");
  const peer = server.accept(1);
  peer.joins({ seq: 1, replay: 1, limits: LIMITS });
  peer.says(state(1, "slide", 7));
  assert.deepEqual([show.status.value.name, show.state.get("slide"), loaded], ["live", [7], undefined]);
  const loop = show.messages();
  const params = [1];
  const said = show.signal("hand", params);
  const tooBig = show.signal("hand", ["more than that"]);
  params[0] = 2;
  peer.says({ type: "expiring" }, bell(2));
  assert.deepEqual(peer.rest(), []);
  assert.deepEqual([(await loop.next()).value.key, (await loop.next()).value.key], ["slide", "bell"]);
  await said;
  assert.ok(loaded);
  await assert.rejects(tooBig, { code: "too_big" });
  const rest = peer.rest();
  assert.deepEqual(rest.find(({ type }) => type === "signal"), { type: "signal", key: "hand", params: [1] });
  const auth = rest.find(({ type }) => type === "auth") ?? (await asked(peer, "auth"));
  assert.equal(auth.token, "token 2");
  assert.equal((await loop.return("done")).value, "done");
});

test("a server that tells a moment before it is loaded is left at that moment", async (t) => {
  const server = new Server();
  const room = own(ADDRESS, { WebSocket: server.WebSocket });
  t.after(() => room.leave());
  const peer = server.accept(1);
  peer.creates();
  peer.says({ type: "closing", reconnectInMs: 20 });
  await load();
  await within(new Promise((/** @type {(value?: any) => void} */ resolve) => room.status.subscribe(({ reason }) => reason === "moment" && resolve())), "the moment");
  assert.equal(room.status.value.name, "resuming");
});
