// The React entry with React 19 in StrictMode: one connection, no tearing, nothing left behind.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { GlobalWindow } from "happy-dom";
import { bell, ROOM, Server, state } from "./script.mjs";

let React;
let act;
let createRoot;
let renderToString;
let useRoom;
let useRoomKey;
before(async () => {
  // What react-dom looks at when it is loaded; the rest of the page is the test's own.
  const window = new GlobalWindow();
  const globals = { window, document: window.document, navigator: window.navigator, IS_REACT_ACT_ENVIRONMENT: true };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true });
  React = await import("react");
  ({ act } = React);
  ({ createRoot } = await import("react-dom/client"));
  ({ renderToString } = await import("react-dom/server"));
  ({ useRoom, useRoomKey } = await import("../react.js"));
});

/** Components that show a room, rendered in StrictMode. */
function stage(t) {
  const server = new Server();
  const container = document.createElement("div");
  const root = createRoot(container);
  const renders = { slide: 0 };
  function Slide({ room }) {
    renders.slide += 1;
    return React.createElement("b", null, String(useRoomKey(room, "slide")));
  }
  function Other({ room }) {
    return React.createElement("i", null, String(useRoomKey(room, "__proto__")));
  }
  function Show({ id, children }) {
    const { room, status } = useRoom("ws://example.org/b", id, { WebSocket: server.WebSocket });
    const inside = [status.name, React.createElement(MemoSlide, { room, key: "s" }), React.createElement(Other, { room, key: "o" })];
    return React.createElement("p", null, ...inside, children);
  }
  const MemoSlide = React.memo(Slide);
  const render = (id) => act(async () => root.render(React.createElement(React.StrictMode, null, React.createElement(Show, { id }))));
  t.after(() => act(async () => root.unmount()));
  const turn = () => act(async () => new Promise((resolve) => setTimeout(resolve)));
  return { server, container, root, renders, render, turn, Show };
}

/** Waits until something is so; each turn of the loop lets timers and effects happen. */
async function until({ turn }, is) {
  for (let turns = 0; turns < 100 && !is(); turns++) await turn();
}

/** Waits until the page shows something. */
async function shows(all, text) {
  await until(all, () => all.container.textContent === text);
  assert.equal(all.container.textContent, text);
}

/** The next connection, the `count`-th of all. */
async function accepts(all, count) {
  await until(all, () => all.server.peers.length >= count);
  // Nobody else comes.
  await all.turn();
  return all.server.accept(count);
}

test("a component shows the room's status and its values", async (t) => {
  const all = stage(t);
  const { render } = all;
  await render(ROOM);
  await shows(all, "connectingundefinedundefined");
  const peer = await accepts(all, 1);
  await act(async () => peer.joins({ seq: 2, replay: 2 }));
  await act(async () => peer.says(state(1, "slide")));
  await shows(all, "connectingundefinedundefined");
  await act(async () => peer.says(state(2, "__proto__", "x")));
  await shows(all, "live1x");
  await act(async () => peer.says(state(3, "slide"), { type: "owner", status: "away", term: 1 }));
  await shows(all, "away3x");
});

test("a key renders when it changes, and no other does", async (t) => {
  const all = stage(t);
  const { render, renders } = all;
  await render(ROOM);
  await shows(all, "connectingundefinedundefined");
  const peer = await accepts(all, 1);
  await act(async () => peer.joins({ seq: 1, replay: 1 }));
  await act(async () => peer.says(state(1, "slide")));
  const before = renders.slide;
  await act(async () => peer.says(state(2, "__proto__"), bell(3), state(4, "other")));
  await shows(all, "live12");
  assert.equal(renders.slide, before);
});

test("another room is another connection, no room is none, and the end leaves nothing", async (t) => {
  const all = stage(t);
  const { server, render, root } = all;
  await render(ROOM);
  await shows(all, "connectingundefinedundefined");
  const peer = await accepts(all, 1);
  await act(async () => peer.joins({ seq: 1, replay: 1 }));
  await act(async () => peer.says(state(1, "slide")));
  await shows(all, "live1undefined");
  await render("another");
  await shows(all, "connectingundefinedundefined");
  assert.deepEqual(peer.rest(), [{ type: "leave" }]);
  assert.equal(peer.socket.closedWith, 1000);
  assert.equal((await accepts(all, 2)).asked().room, "another");
  await render(undefined);
  assert.equal(server.peer.socket.closedWith, 1000);
  await render(ROOM);
  await accepts(all, 3);
  await act(async () => root.unmount());
  await all.turn();
  assert.ok(server.peers.every(({ socket }) => socket.closedWith === 1000));
});

test("on a server nothing is connected", async (t) => {
  const { server, Show } = stage(t);
  const html = renderToString(React.createElement(Show, { id: ROOM }));
  assert.equal(html.replace(/<[^>]*>/g, ""), "connectingundefinedundefined");
  assert.equal(server.peers.length, 0);
});
