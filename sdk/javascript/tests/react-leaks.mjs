// A program of its own, started with --expose-gc: mounts and unmounts components a thousand times, and prints what stays as JSON. Must
// not judge it.

import { getEventListeners } from "node:events";
import { BrowserTarget } from "./browser-target.mjs";
import { FakeSocket } from "./fake-socket.mjs";
import { ADDRESS, React, sdk, Stage } from "./react.mjs";
import { bell, ROOM, state } from "./script.mjs";

const { act, createElement } = React;
const { RoomProvider, useAudience, useHost, useRoom, useRoomEvent, useRoomKey, useStatus } = sdk;

const CYCLES = Number(process.argv[2] ?? 1_000);

/** Objects that outlive a component: the page, its window, and a signal. Targets whose listeners Node.js counts. */
const lasting = { document: new BrowserTarget(), window: new BrowserTarget(), lifetime: new AbortController().signal };
const types = new Set(["abort"]);
for (const [target, real] of [[globalThis.document, lasting.document], [globalThis, lasting.window]]) {
  target.addEventListener = (type, ...more) => (types.add(type), real.addEventListener(type, ...more));
  target.removeEventListener = real.removeEventListener.bind(real);
}
const listeners = () => Object.values(lasting).flatMap((target) => [...types].flatMap((type) => getEventListeners(target, type))).length;

const stage = new Stage();
const { lifetime } = lasting;
const options = { ...stage.options, lifetime, signal: lifetime };
/** @type {WeakRef<object>[]} */
const rooms = [];
const known = new WeakSet();

/** Remembers a room without holding it. */
function met(room) {
  if (room && !known.has(room)) rooms.push(new WeakRef(room));
  if (room) known.add(room);
  return room;
}

function Inside() {
  const room = met(useRoom().room);
  useRoomEvent(room, "bell", () => {});
  return `${useRoomKey(room, "slide")} ${useAudience(room)?.viewers} ${useStatus(room).name}`;
}

function Presenter() {
  const room = met(useHost(ADDRESS, options).room);
  useRoomEvent(room, "hand", () => {});
  return `${useRoomKey(room, "slide")} ${useAudience(room)?.viewers}`;
}

const Page = () => [
  createElement(RoomProvider, { key: "viewer", url: ADDRESS, id: ROOM, options }, createElement(Inside)),
  createElement(Presenter, { key: "owner" }),
];

async function cycle() {
  const { peers } = stage.server;
  peers.length = FakeSocket.made.length = 0;
  await stage.render(Page);
  await stage.until(() => peers.length === 2);
  await act(async () => {
    for (const peer of peers) {
      peer.socket.open();
      if (JSON.parse(peer.socket.sent[0]).type === "create") peer.creates();
      else {
        peer.joins({ seq: 1, replay: 1 });
        peer.says(state(1, "slide"), bell(2));
      }
    }
  });
  await stage.unmount();
  return stage.open;
}

const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

async function measured() {
  await new Promise((resolve) => setTimeout(resolve));
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve));
  globalThis.gc();
  return { listeners: listeners(), timers: timers(), heap: process.memoryUsage().heapUsed };
}

// Code that is loaded and compiled the first time is no leak.
for (let count = 0; count < 50; count++) await cycle();
rooms.length = 0;
const before = await measured();
let connections = 0;
for (let count = 0; count < CYCLES; count++) connections += await cycle();
const after = await measured();
console.log(JSON.stringify({ cycles: CYCLES, before, after, connections, rooms: rooms.length, staying: rooms.filter((room) => room.deref()).length }));
// A remaining timer would keep the program running.
process.exit();
