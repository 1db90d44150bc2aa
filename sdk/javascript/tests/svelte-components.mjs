// Components in Svelte for tests, and their compiler. Must not know the tests.

import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

/** Components as in an application. Values that change come in stores. */
export const COMPONENTS = {
  "viewer.svelte": `<script>
    import { createRoom, createRoomKey } from "../svelte.js";
    export let url, id, key, options, show;
    const { room, status, audience } = createRoom(url, id, options);
    const slide = createRoomKey(room, key);
  </script>
  <p>{show($id, $status, $audience, $slide)}</p>`,
  "owner.svelte": `<script>
    import { createHost } from "../svelte.js";
    export let url, options, show, got;
    const { room, id, status, audience } = createHost(url, () => options);
    $: if ($room) got($room);
  </script>
  <p>{show($id, $status, $audience)}</p>`,
  "value.svelte": `<script>
    import { createRoomKey } from "../svelte.js";
    export let room, key, show;
    const slide = createRoomKey(room, key);
  </script>
  <p>{show(undefined, { name: "none" }, undefined, $slide)}</p>`,
};

/** The same with runes, where properties change. */
export const RUNES = {
  ...COMPONENTS,
  "viewer.svelte": `<script>
    import Changing from "changing.svelte";
    let given = $props();
    let props = $state.raw(undefined);
    export const set = (changes) => (props = { ...given, ...props, ...changes });
  </script>
  <Changing {...(props ?? given)} />`,
  "changing.svelte": `<script>
    import { toStore } from "svelte/store";
    import { createRoom, createRoomKey } from "../svelte.js";
    let { url, id, key, options, show } = $props();
    const { room, status, audience } = createRoom(url, toStore(() => id), options);
    const slide = createRoomKey(room, toStore(() => key));
  </script>
  <p>{show(id, $status, $audience, $slide)}</p>`,
};

/** Compiles components as a bundler's plugin does, for the package `from` that is Svelte. */
export const svelte = (from, components, options) => ({
  name: "svelte",
  async setup({ onResolve, onLoad, resolve }) {
    const { compile } = await import(`${from}/compiler`);
    onResolve({ filter: /\.svelte$/ }, ({ path }) => ({ path, namespace: "component" }));
    onLoad({ filter: /./, namespace: "component" }, ({ path }) => ({ contents: compile(components[path], { filename: path, ...options }).js.code, resolveDir: FOLDER }));
    if (from !== "svelte") onResolve({ filter: /^svelte(\/|$)/ }, ({ path, ...rest }) => resolve(path.replace(/^svelte/, from), rest));
  },
});
