// The entries for frameworks in a server that renders: there is no page, and no connection is opened.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { WebSocket } from "ws";
import { bundled, shown, timersSince, turn } from "./scenes.mjs";
import { ROOM } from "./script.mjs";
import { COMPONENTS, svelte } from "./svelte-components.mjs";

const BEGIN = `${ROOM} connecting  `;
const OWNER = " connecting  ";

/** The class with which entries would connect. */
let connections = 0;
const timers = timersSince();
globalThis.WebSocket = class extends WebSocket {
  constructor() {
    connections += 1;
    super("ws://127.0.0.1:9");
  }
};
after(async () => {
  await turn();
  assert.deepEqual([connections, timers()], [0, 0]);
});

const props = { url: "ws://example.org/b", id: ROOM, key: "slide", show: shown, got: () => assert.fail("a room") };

/** Returns the text of a page. */
const textOf = (html) => html.replace(/<!--.*?-->|<[^>]*>/g, "");

test("Vue", async () => {
  const { createSSRApp, h } = await import("vue");
  const { renderToString } = await import("vue/server-renderer");
  const { useHost, useRoom, useRoomKey } = await import("../vue.js");
  const Viewer = () => {
    const { room, status, audience } = useRoom(props.url, props.id);
    const slide = useRoomKey(room, "slide");
    return () => h("p", shown(props.id, status.value, audience.value, slide.value));
  };
  const Owner = () => {
    const { id, status } = useHost(props.url, () => assert.fail("options are for a browser"));
    return () => h("p", shown(id.value, status.value));
  };
  assert.equal(textOf(await renderToString(createSSRApp({ setup: Viewer }))), BEGIN);
  assert.equal(textOf(await renderToString(createSSRApp({ setup: Owner }))), OWNER);
});

for (const [from, generate] of [["svelte", "server"], ["svelte4", "ssr"]]) {
  test(`Svelte ${from === "svelte" ? 5 : 4}`, async () => {
    const text = `export { default as Viewer } from "viewer.svelte"; export { default as Owner } from "owner.svelte"; export { readable } from "svelte/store";`
      + (from === "svelte" ? 'export { render } from "svelte/server";' : "");
    const { Viewer, Owner, readable, render } = await bundled(text, [svelte(from, COMPONENTS, { generate })], ["node"]);
    const given = { ...props, id: readable(ROOM), key: readable("slide") };
    const html = (Component) => (render ? render(Component, { props: given }).body : Component.render(given).html);
    assert.equal(textOf(html(Viewer)).trim(), BEGIN.trim());
    assert.equal(textOf(html(Owner)).trim(), OWNER.trim());
  });
}

test("Solid", async () => {
  const { renderToString } = await import("solid-js/web");
  const { createHost, createRoom, createRoomKey } = await import("../solid.js");
  const viewer = () => {
    const { room, status, audience } = createRoom(props.url, props.id);
    const slide = createRoomKey(room, "slide");
    return shown(props.id, status(), audience(), slide());
  };
  const owner = () => {
    const { id, status } = createHost(props.url, () => assert.fail("options are for a browser"));
    return shown(id(), status());
  };
  assert.equal(renderToString(viewer), BEGIN);
  assert.equal(renderToString(owner), OWNER);
});

test("the element can be imported", async () => {
  const { RtbValue } = await import("../element.js");
  assert.equal(typeof RtbValue, "function");
});
