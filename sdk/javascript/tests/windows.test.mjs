// Several windows with the key of one room, in a browser without locks: one of them owns it. Other tests use real windows with locks, in
// browsers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { within } from "../../../protocol/deadline.mjs";
import { own } from "../index.js";
import { Kept } from "./owner.mjs";
import { Page } from "./page.mjs";
import { ROOM, Server } from "./script.mjs";

const ADDRESS = "ws://example.org/b";

/** Waits until a condition is true. */
const until = (is, what) => within((async () => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 5));
})(), what);

const shown = (room) => `${room.status.value.name} ${room.status.value.reason ?? ""}`.trim();

test("a copied window waits for the room, gets it when the other one leaves, and takes it when it is told to", async (t) => {
  new Page(t);
  const server = new Server();
  const storage = new Kept();
  const options = { WebSocket: server.WebSocket, reconnect: { firstMs: 5 } };
  const first = own(ADDRESS, { ...options, storage });
  t.after(() => first.leave());
  server.accept(1).creates();
  const copy = new Kept(storage);
  const second = own(ADDRESS, { ...options, storage: copy });
  t.after(() => second.leave());
  await until(() => shown(second) === "elsewhere in_use", "the second window to rest");
  assert.equal(server.peers.length, 1);
  await assert.rejects(second.entered, { code: "in_use" });
  first.leave();
  await until(() => server.peers.length === 2, "the second window to connect");
  server.accept(2).owned();
  assert.deepEqual([shown(second), second.id], ["live", ROOM]);
  // A third window opens, and its user takes the room.
  const third = own(ADDRESS, { ...options, storage: new Kept(copy) });
  t.after(() => third.leave());
  await until(() => shown(third) === "elsewhere in_use", "the third window to rest");
  third.reconnect();
  server.accept(3).owned({ term: 3 });
  await until(() => shown(second) === "elsewhere fenced", "the second window to know");
  assert.equal(shown(third), "live");
});

test("an end that is over before the file is there holds nothing", async (t) => {
  new Page(t);
  const server = new Server();
  const storage = new Kept();
  const options = { WebSocket: server.WebSocket };
  const first = own(ADDRESS, { ...options, storage });
  server.accept(1).creates();
  first.leave();
  const second = own(ADDRESS, { ...options, storage });
  t.after(() => second.leave());
  await until(() => server.peers.length === 2, "the second window to connect");
  server.accept(2).owned();
  assert.equal(shown(second), "live");
});
