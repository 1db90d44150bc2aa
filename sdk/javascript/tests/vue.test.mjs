// The entry for Vue, with Vue.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Server, state, ROOM } from "./script.mjs";
import { scenes, until } from "./scenes.mjs";

/** Mounts a component whose properties a test changes. */
async function load() {
  const { createApp, h, shallowReactive } = await import("vue");
  const { useHost, useRoom, useRoomKey } = await import("../vue.js");
  /** Shows the result of `setup`. */
  function mount(setup) {
    return (container, given) => {
      const props = shallowReactive(given);
      const app = createApp({ setup: () => setup(props), render: undefined });
      app.mount(container);
      return {
        set: (changes) => Object.assign(props, changes),
        unmount: () => app.unmount(),
      };
    };
  }
  return {
    viewer: mount((props) => {
      const { room, status, audience } = useRoom(() => props.url, () => props.id, () => props.options);
      const params = useRoomKey(room, () => props.key);
      return () => h("p", props.show(props.id, status.value, audience.value, params.value));
    }),
    owner: mount((props) => {
      const { room, id, status, audience } = useHost(props.url, props.options);
      return () => (room.value && props.got(room.value), h("p", props.show(id.value, status.value, audience.value)));
    }),
    value: mount((props) => {
      const params = useRoomKey(props.room, props.key);
      return () => h("p", props.show(undefined, { name: "none" }, undefined, params.value));
    }),
  };
}

scenes("Vue", load);

test("Vue: a scope outside of components, such as that of a store, watches until it is stopped", async () => {
  const { effectScope, ref, nextTick } = await import("vue");
  const { useRoom, useRoomKey } = await import("../vue.js");
  const server = new Server();
  const id = ref(ROOM);
  const scope = effectScope();
  const { room, status, slide } = scope.run(() => {
    const { room, status } = useRoom("ws://example.org/b", id, { WebSocket: server.WebSocket });
    return { room, status, slide: useRoomKey(room, "slide") };
  });
  const peer = server.accept(1);
  peer.joins({ seq: 1, replay: 1 });
  peer.says(state(1, "slide"));
  assert.deepEqual([status.value.name, slide.value], ["live", [1]]);
  // Before any watcher has run.
  id.value = "another";
  assert.deepEqual([room.value, status.value.name, slide.value], [undefined, "connecting", undefined]);
  await nextTick();
  assert.equal(room.value.id, "another");
  await until(() => server.peers.length === 2, "another connection");
  scope.stop();
  assert.ok(server.peers.every(({ socket }) => socket.closedWith === 1000));
});
