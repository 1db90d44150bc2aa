// The entry for Solid, with Solid's build for pages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bundled, page, scenes } from "./scenes.mjs";
import { ROOM, Server, state } from "./script.mjs";

let made;

/** Solid and the entry, in one bundle: Node.js would load the build for servers. */
function entry() {
  page();
  return (made ??= bundled('export * from "solid-js"; export { render } from "solid-js/web"; export * as room from "../solid.js";'));
}

/** Mounts components, whose `id` and `key` are signals. */
async function load() {
  const { createEffect, createSignal, render, room: { createHost, createRoom, createRoomKey } } = await entry();
  /** A function in a page stands for compiled JSX. */
  const mount = (component) => (container, given) => {
    const [id, setId] = createSignal(given.id);
    const [key, setKey] = createSignal(given.key);
    const unmount = render(() => component({ ...given, id, key }), container);
    return {
      set: (changes) => ("id" in changes ? setId(changes.id) : setKey(changes.key)),
      unmount,
    };
  };
  return {
    viewer: mount(({ url, id, key, options, show }) => {
      const { room, status, audience } = createRoom(url, id, options);
      const slide = createRoomKey(room, key);
      return () => show(id(), status(), audience(), slide());
    }),
    owner: mount(({ url, options, show, got }) => {
      const { room, id, status, audience } = createHost(() => url, () => options);
      createEffect(() => room() && got(room()));
      return () => show(id(), status(), audience());
    }),
    value: mount(({ room, key, show }) => {
      const slide = createRoomKey(room, key());
      return () => show(undefined, { name: "none" }, undefined, slide());
    }),
  };
}

scenes("Solid", load);

test("Solid: an effect that reads a room and its id sees those of one another", async () => {
  const { createEffect, createRoot, createSignal, room: { createRoom, createRoomKey } } = await entry();
  const server = new Server();
  const [id, setId] = createSignal(ROOM);
  const seen = [];
  const dispose = createRoot((dispose) => {
    const { room } = createRoom("ws://example.org/b", id, { WebSocket: server.WebSocket });
    const slide = createRoomKey(room, "slide");
    createEffect(() => seen.push([id(), room()?.id, slide()?.[0]]));
    return dispose;
  });
  const peer = server.accept(1);
  peer.joins({ seq: 1, replay: 1 });
  peer.says(state(1, "slide"));
  setId("another");
  dispose();
  assert.deepEqual(seen.slice(-2), [[ROOM, ROOM, 1], ["another", "another", undefined]]);
  assert.ok(server.peers.every(({ socket }) => socket.closedWith === 1000));
});
