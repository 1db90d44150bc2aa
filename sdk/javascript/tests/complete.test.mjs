// The entry for places without dynamic import, such as a service worker: all modules are included. Dynamic imports fail here.

import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";
import { within } from "../../../protocol/deadline.mjs";
import "../complete.js";
import { own, watch } from "../index.js";
import { loaded } from "../lazy.js";
import { Page } from "./page.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

const HOOK = `export const resolve = (name, context, next) => {
  if (name.startsWith("./")) throw new Error("nothing is loaded here");
  return next(name, context);
};`;
register(`data:text/javascript,${encodeURIComponent(HOOK)}`);

const ADDRESS = "ws://example.org/b";

class Kept extends Map {
  getItem = (name) => this.get(name) ?? null;
  setItem = (name, value) => this.set(name, value);
  removeItem = (name) => this.delete(name);
}

/** Waits until a condition is true. */
const until = (is, what) => within((async () => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 1));
})(), what);

test("nothing is loaded later, for all entries", async (t) => {
  await assert.rejects(import("./owner.mjs"), /nothing is loaded here/);
  const server = new Server();
  const lines = [];
  const show = watch(ADDRESS, ROOM, { WebSocket: server.WebSocket, debug: (line) => lines.push(line) });
  t.after(() => show.leave());
  await assert.rejects(show.signal("", []), { code: "bad_message" });
  server.accept(1).joins({ seq: 1, replay: 1 });
  server.peer.says(state(1, "slide", 7));
  await show.signal("hand", [1]);
  assert.deepEqual(server.peer.rest(), [{ type: "signal", key: "hand", params: [1] }]);
  const loop = show.messages();
  server.peer.says(bell(2));
  assert.deepEqual([(await loop.next()).value.key, (await loop.next()).value.key], ["slide", "bell"]);
  assert.match(lines.join(), /^rtbroadcaster: .*live/);
});

test("an owner with a storage is guarded, and debug shows frames", async (t) => {
  new Page(t);
  const server = new Server();
  const storage = new Kept();
  const options = { WebSocket: class extends server.WebSocket { addEventListener() {} } };
  const lines = [];
  const first = own(ADDRESS, { ...options, storage, debug: { level: "frames", log: (line) => lines.push(line) } });
  t.after(() => first.leave());
  await until(() => server.peers.length === 1, "a connection");
  server.accept(1).creates();
  const second = own(ADDRESS, { ...options, storage: new Kept(storage) });
  t.after(() => second.leave());
  await until(() => second.status.value.reason === "in_use", "the second window to rest");
  assert.match(lines.join(), /> create, \d+ characters/);
  assert.equal(typeof loaded?.windows, "object");
});
