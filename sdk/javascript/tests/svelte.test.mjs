// The entry for Svelte, with the compilers and runtimes of Svelte 5 and 4.

import assert from "node:assert/strict";
import { test } from "node:test";
import { get, writable } from "svelte/store";
import { createRoom, createRoomKey } from "../svelte.js";
import { bundled, page, scenes } from "./scenes.mjs";
import { ROOM, Server, state } from "./script.mjs";
import { COMPONENTS, RUNES, svelte } from "./svelte-components.mjs";

/** Mounts components, whose `id` and `key` are stores. */
async function mounting(from, components, how) {
  page();
  const kinds = ["viewer", "owner", "value"];
  const imports = kinds.map((kind) => `export { default as ${kind} } from "${kind}.svelte";`);
  const made = await bundled([...imports, 'export * as store from "svelte/store"; export * as svelte from "svelte";'].join("\n"), [svelte(from, components)]);
  return Object.fromEntries(kinds.map((kind) => [kind, (target, given) => {
    const stores = { id: made.store.writable(given.id), key: made.store.writable(given.key) };
    return how(made, made[kind], target, given, stores);
  }]));
}

const setStores = (stores) => (changes) => Object.entries(changes).forEach(([name, value]) => stores[name].set(value));

const five = once(() => mounting("svelte", COMPONENTS, ({ svelte }, Component, target, given, stores) => {
  const mounted = svelte.mount(Component, { target, props: { ...given, ...stores } });
  return { set: setStores(stores), unmount: () => void svelte.unmount(mounted) };
}));

const runes = once(() => mounting("svelte", RUNES, ({ svelte }, Component, target, props) => {
  const mounted = svelte.mount(Component, { target, props });
  return { set: mounted.set, unmount: () => void svelte.unmount(mounted) };
}));

const four = once(() => mounting("svelte4", COMPONENTS, (_, Component, target, given, stores) => {
  const mounted = new Component({ target, props: { ...given, ...stores } });
  return { set: setStores(stores), unmount: () => mounted.$destroy() };
}));

/** Makes something on demand. */
function once(make) {
  let made;
  return () => (made ??= make());
}

scenes("Svelte 5", five);
scenes("Svelte 5 with runes", runes);
scenes("Svelte 4", four);

test("Svelte: a store connects with its first subscriber, once for all, and leaves with its last one", async () => {
  page();
  const server = new Server();
  const id = writable();
  const { room, status } = createRoom("ws://example.org/b", id, { WebSocket: server.WebSocket });
  const slide = createRoomKey(room, "slide");
  assert.equal(server.peers.length, 0);
  const offs = [room.subscribe(() => {}), status.subscribe(() => {}), slide.subscribe(() => {})];
  assert.equal(server.peers.length, 0);
  id.set(ROOM);
  const peer = server.accept(1);
  peer.joins({ seq: 1, replay: 1 });
  peer.says(state(1, "slide"));
  assert.deepEqual([get(status).name, get(slide)], ["live", [1]]);
  offs[0]();
  offs[1]();
  assert.equal(peer.socket.closedWith, undefined);
  offs[2]();
  assert.equal(peer.socket.closedWith, 1000);
  // Again, and never the values of the earlier connection.
  const seen = [];
  const off = slide.subscribe((params) => seen.push(params));
  const next = server.accept(2);
  next.joins({ seq: 2, replay: 1 });
  next.says(state(2, "slide"));
  off();
  assert.deepEqual(seen, [undefined, [2]]);
  assert.equal(next.socket.closedWith, 1000);
});
