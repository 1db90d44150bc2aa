// The React entry with React 19 in StrictMode: one connection, no tearing, no values of another room, nothing left behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ADDRESS, Boundary, hydrateRoot, React, sdk, Stage } from "./react.mjs";
import { RtbError } from "../viewer.js";
import { bell, KEY, ROOM, state } from "./script.mjs";

const { renderToString } = await import("react-dom/server");
const { act, createElement, memo } = React;
const { RoomProvider, useAudience, useHost, useRoom, useRoomEvent, useRoomKey, useStatus } = sdk;

/** Shows the room `id`: its status, and the value of `slide`. */
function Show({ id, options, renders }) {
  const { room, status } = useRoom(ADDRESS, id, options);
  const slide = useRoomKey(room, "slide");
  renders?.push([id, room?.id, status.name, slide?.[0]]);
  return `${status.name} ${slide?.[0]}`;
}

test("a component shows the room's status and its values, when all of the state has come", async (t) => {
  const stage = new Stage(t);
  await stage.render(Show, { id: ROOM, options: stage.options });
  await stage.shows("connecting undefined");
  const peer = await stage.accepts(1);
  await act(async () => peer.joins({ seq: 2, replay: 2 }));
  await stage.says(peer, state(1, "slide"));
  await stage.shows("connecting undefined");
  await stage.says(peer, state(2, "__proto__"));
  await stage.shows("live 1");
  await stage.says(peer, state(3, "slide"), { type: "owner", status: "away", term: 1 });
  await stage.shows("away 3");
  await stage.says(peer, { type: "message", seq: 4, key: "slide", params: [], cleared: true });
  await stage.shows("away undefined");
});

test("a key renders when it changes, and at no other change", async (t) => {
  const stage = new Stage(t);
  let renders = 0;
  const Slide = memo(({ room }) => {
    renders += 1;
    return String(useRoomKey(room, "slide"));
  });
  const Page = () => createElement(Slide, { room: useRoom(ADDRESS, ROOM, stage.options).room });
  await stage.render(Page);
  const peer = await stage.enters(1, state(1, "slide"));
  await stage.shows("1");
  const before = renders;
  await stage.says(peer, state(2, "__proto__"), bell(3), state(4, "other"), { type: "owner", status: "away", term: 1 });
  assert.equal(renders, before);
  await stage.says(peer, state(5, "slide"));
  await stage.shows("5");
  assert.ok(renders > before);
});

test("at no render is there anything of another room", async (t) => {
  const stage = new Stage(t);
  const renders = [];
  const props = (id) => ({ id, options: stage.options, renders });
  await stage.render(Show, props(ROOM));
  await stage.enters(1, state(1, "slide"));
  await stage.shows("live 1");
  renders.length = 0;
  await stage.render(Show, props("another"));
  assert.deepEqual(renders[0], ["another", undefined, "connecting", undefined], "the very first render");
  assert.ok(renders.every(([id, shown, , slide]) => id === "another" && (!shown || shown === id) && slide === undefined), JSON.stringify(renders));
  await stage.until(() => stage.server.peers[0].socket.closedWith);
  assert.equal(stage.server.peers[0].socket.closedWith, 1000);
  await stage.enters(2, state(7, "slide"));
  await stage.shows("live 7");
  await stage.render(Show, props(undefined));
  await stage.shows("connecting undefined");
  await stage.turn();
  assert.equal(stage.open, 0);
});

test("20 components share one connection, and the last one that goes closes it", async (t) => {
  const stage = new Stage(t);
  const Page = ({ count }) => Array.from({ length: count }, (_, key) => createElement(Show, { key, id: ROOM, options: stage.options }));
  await stage.render(Page, { count: 20 });
  await stage.enters(1, state(1, "slide"));
  await stage.shows("live 1".repeat(20));
  await stage.render(Page, { count: 1 });
  await stage.shows("live 1");
  assert.deepEqual([stage.server.peers.length, stage.open], [1, 1]);
  await stage.render(Page, { count: 0 });
  await stage.turn();
  assert.deepEqual([stage.server.peers.length, stage.open], [1, 0]);
});

test("a component that comes while another one goes has its connection", async (t) => {
  const stage = new Stage(t);
  const Page = ({ key }) => createElement(Show, { key, id: ROOM, options: stage.options });
  const Pages = ({ page }) => Page({ key: page });
  await stage.render(Pages, { page: 1 });
  await stage.enters(1, state(1, "slide"));
  await stage.render(Pages, { page: 2 });
  await stage.shows("live 1");
  await stage.turn();
  assert.deepEqual([stage.server.peers.length, stage.open], [1, 1]);
});

test("an owner creates one room, is heard of, and leaves it when its component goes", async (t) => {
  const stage = new Stage(t);
  const signals = [];
  function Presenter() {
    const { room, status } = useHost(ADDRESS, stage.options);
    const audience = useAudience(room);
    useRoomEvent(room, "hand", ({ from }) => signals.push(from));
    return `${status.name} ${room?.id} ${audience?.viewers} ${useRoomKey(room, "slide")}`;
  }
  await stage.render(Presenter);
  const peer = await stage.accepts(1);
  await act(async () => peer.creates());
  await stage.shows(`live ${ROOM} undefined undefined`);
  await stage.says(peer, { type: "signal", key: "hand", params: [], from: 7 }, { type: "audience", viewers: 3, lagging: 0, behindP95Ms: 0 });
  await stage.shows(`live ${ROOM} 3 undefined`);
  assert.deepEqual(signals, [7]);
  await stage.unmount();
  assert.deepEqual([stage.server.peers.length, stage.open, peer.socket.closedWith], [1, 0, 1000]);
});

test("an owner with a storage is itself again when its component comes back", async (t) => {
  const stage = new Stage(t);
  const kept = new Map([[`rtbroadcaster ${ADDRESS}`, JSON.stringify({ room: ROOM, ownerKey: KEY })]]);
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text), removeItem: (key) => kept.delete(key) };
  const Presenter = () => useHost(ADDRESS, { ...stage.options, storage: () => storage, takeOver: true }).room?.id;
  await stage.render(Presenter);
  const peer = await stage.accepts(1);
  await act(async () => assert.equal(peer.owned({}, state(1, "slide")).room, ROOM));
  await stage.shows(ROOM);
  await stage.unmount();
  await stage.render(Presenter);
  assert.equal((await stage.accepts(2)).asked().room, ROOM);
});

test("an event calls the newest function, which needs no new subscription", async (t) => {
  const stage = new Stage(t);
  const heard = [];
  let subscriptions = 0;
  function Page({ name }) {
    const { room } = useRoom(ADDRESS, ROOM, stage.options);
    if (room && !room.isCounted) {
      const { on } = room;
      Object.assign(room, { isCounted: true, on: (...values) => (subscriptions++, on(...values)) });
    }
    useRoomEvent(room, "bell", (number) => heard.push(name + number));
    return name;
  }
  await stage.render(Page, { name: "a" });
  const peer = await stage.enters(1);
  await stage.says(peer, bell(1));
  const before = subscriptions;
  await stage.render(Page, { name: "b" });
  await stage.says(peer, bell(2));
  assert.deepEqual(heard, ["a1", "b2"]);
  assert.ok(before > 0);
  assert.equal(subscriptions, before);
  await stage.unmount();
  peer.says(bell(3));
  assert.equal(heard.length, 2);
});

test("a provider tells the address, options and one room", async (t) => {
  const stage = new Stage(t);
  function Inside() {
    const { room, status } = useRoom();
    return `${useStatus(room).name} ${status.name} ${useRoomKey(room, "slide")} ${useRoom("other").room?.id} ${useRoom("far", { share: false }).room?.id}`;
  }
  const Page = () => createElement(RoomProvider, { url: ADDRESS, id: ROOM, options: stage.options }, createElement(Inside));
  await stage.render(Page);
  await stage.until(() => stage.server.peers.length === 3);
  const rooms = stage.server.peers.map((peer) => (peer.socket.open(), peer.asked().room));
  assert.deepEqual(rooms.toSorted(), [ROOM, "other", "far"].toSorted());
  await stage.shows("connecting connecting undefined other far");
  assert.ok(stage.server.peers.every(({ socket }) => socket.url === ADDRESS));
});

test("without a provider there is no room, and without an address there is none", async (t) => {
  const stage = new Stage(t);
  await stage.render(() => useRoom().status.name);
  await stage.shows("connecting");
});

/** Ends a room for good. */
const ends = (stage, peer) => act(async () => peer.cuts(4503, "room_closed"));

test("a failure is told, and retry begins anew", async (t) => {
  const stage = new Stage(t);
  const errors = new Set();
  let again;
  function Page() {
    const { room, status, error, retry } = useRoom(ADDRESS, ROOM, stage.options);
    again = retry;
    React.useEffect(() => void errors.add(error));
    return `${status.name} ${error?.code} ${useRoomKey(room, "slide")}`;
  }
  await stage.render(Page);
  await ends(stage, await stage.enters(1, state(1, "slide")));
  await stage.shows("closed room_closed 1");
  const [, error, ...more] = errors;
  assert.ok(error instanceof RtbError && !error.comesBack && more.length === 0);
  await act(async () => again());
  await stage.shows("connecting undefined undefined");
  await stage.enters(2, state(2, "slide"));
  await stage.shows("live undefined 2");
});

test("what is not over is tried again at once, and is no failure", async (t) => {
  const stage = new Stage(t);
  let again;
  function Page() {
    const { status, error, retry } = useRoom(ADDRESS, ROOM, { ...stage.options, reconnect: false, throwOnError: true });
    again = retry;
    return `${status.name} ${error?.code}`;
  }
  await stage.render(Page);
  const peer = await stage.enters(1);
  await act(async () => peer.cuts());
  await stage.shows("resuming undefined");
  await act(async () => again());
  await stage.enters(2);
  await stage.shows("live undefined");
});

test("a failure is thrown for the error boundary on request, and a boundary that is reset begins anew", async (t) => {
  const stage = new Stage(t);
  let reset;
  const Page = ({ throwOnError }) => createElement(Boundary, { caught: (_, again) => (reset = again) }, createElement(Show, { id: ROOM, options: { ...stage.options, throwOnError } }));
  await stage.render(Page, { throwOnError: (error) => error.code === "room_closed" });
  await ends(stage, await stage.enters(1));
  await stage.shows("failed room_closed");
  await act(async () => reset());
  await stage.enters(2, state(2, "slide"));
  await stage.shows("live 2");
  await stage.render(Page, { throwOnError: () => false });
  await ends(stage, stage.server.peer);
  await stage.shows("closed 2");
  await stage.render(Page, { throwOnError: true });
  await stage.shows("failed room_closed");
});

test("a room that the program left is no failure", async (t) => {
  const stage = new Stage(t);
  let shown;
  function Page() {
    const { room, status, error } = useRoom(ADDRESS, ROOM, { ...stage.options, throwOnError: true });
    shown = room;
    return `${status.name} ${error?.code}`;
  }
  await stage.render(Page);
  await stage.enters(1);
  await act(async () => shown.leave());
  await stage.shows("closed undefined");
});

test("on a server nothing is connected, and the page takes over what came from there", async (t) => {
  const stage = new Stage(t);
  const seen = [];
  const page = stage.element(Show, { id: ROOM, options: stage.options });
  stage.container.innerHTML = renderToString(page);
  await stage.turn();
  assert.equal(stage.text, "connecting undefined");
  assert.equal(stage.server.peers.length, 0);
  const node = stage.container.firstChild;
  await act(async () => (stage.root = hydrateRoot(stage.container, page, { onRecoverableError: (error) => seen.push(error) })));
  await stage.enters(1, state(1, "slide"));
  await stage.shows("live 1");
  assert.deepEqual(seen, []);
  assert.equal(stage.container.firstChild, node, "the same node");
});

test("components that show one value never differ in a frame, also in a transition", async (t) => {
  const stage = new Stage(t);
  const frames = [];
  const Half = ({ room }) => useRoomKey(room, "slide")?.[0];
  function Page({ step }) {
    const { room } = useRoom(ADDRESS, ROOM, stage.options);
    React.useLayoutEffect(() => void frames.push([...stage.container.querySelectorAll("b")].map((half) => half.textContent)));
    return [..."abcdefgh"].map((key) => createElement("b", { key: key + step }, createElement(Half, { room })));
  }
  await stage.render(Page, { step: 0 });
  const peer = await stage.enters(1, state(1, "slide"));
  for (let seq = 2; seq < 20; seq++) {
    await act(async () => {
      React.startTransition(() => stage.root.render(stage.element(Page, { step: seq })));
      await null;
      peer.says(state(seq, "slide"));
    });
  }
  assert.ok(frames.length > 18);
  assert.ok(frames.every((shown) => new Set(shown).size === 1), JSON.stringify(frames));
});
