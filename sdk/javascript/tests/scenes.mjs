// The tests of every framework's entry, with components that a test file makes with the real framework. Must not know how a
// framework makes them.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { GlobalWindow } from "happy-dom";
import { bell, KEY, ROOM, Server, state } from "./script.mjs";

const URL = "ws://example.org/b";
const CYCLES = 1_000;

/** Returns the timers of this process, without those of Node.js itself. */
const waiting = new Set();
const { clearTimeout, setTimeout } = globalThis;
globalThis.setTimeout = (func, ...more) => {
  const timer = setTimeout(() => (waiting.delete(timer), func()), ...more);
  waiting.add(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => (waiting.delete(timer), clearTimeout(timer));

// Objects that a test finds left behind must not keep the process.
after(() => waiting.forEach((timer) => clearTimeout(timer)));

/** Returns a function that counts the timers that were set since; a framework has some of its own. */
export function timersSince() {
  const before = new Set(waiting);
  return () => [...waiting].filter((timer) => !before.has(timer)).length;
}

/** Counts the listeners of a target. */
function counted(target, count) {
  const { addEventListener, removeEventListener } = target;
  const known = new Map();
  const nameOf = (type, func) => known.get(func)?.[type];
  target.addEventListener = (type, func, options) => {
    if (nameOf(type, func)) return;
    known.set(func, { ...known.get(func), [type]: true });
    count.listeners += 1;
    options?.signal?.addEventListener("abort", () => target.removeEventListener(type, func));
    addEventListener.call(target, type, func);
  };
  target.removeEventListener = (type, func) => {
    if (!nameOf(type, func)) return;
    delete known.get(func)[type];
    count.listeners -= 1;
    removeEventListener.call(target, type, func);
  };
  return target;
}

/** Returns the number of listeners of this process's page. */
let count;

/** Adds a page to this process, for good. Returns the number of its listeners. */
export function page() {
  if (count) return count;
  const window = new GlobalWindow();
  count = { listeners: 0 };
  const target = counted(new EventTarget(), count);
  const globals = { window, document: counted(window.document, count), navigator: window.navigator, addEventListener: target.addEventListener };
  for (const name of ["Node", "Element", "HTMLElement", "SVGElement", "HTMLMediaElement", "Text", "Comment", "DocumentFragment", "ShadowRoot", "customElements", "MutationObserver"]) {
    globals[name] = window[name];
  }
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  return count;
}

/** The content of a component. */
export const shown = (id, status, audience, params) => [id, status.name, audience?.viewers, params?.join()].join(" ");

/** Runs everything that is due. */
export const turn = () => new Promise((resolve) => setTimeout(resolve));

/** Waits until a condition is true, for some turns of the loop. */
export async function until(is, what) {
  for (let turns = 0; turns < 100 && !is(); turns++) await turn();
  assert.ok(is(), what);
}

/** Bundles a module as a browser would get it, and imports it. */
export async function bundled(contents, plugins, conditions = ["browser"]) {
  const folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const resolveDir = fileURLToPath(new globalThis.URL(".", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents, resolveDir }, bundle: true, format: "esm", platform: "neutral", mainFields: ["module", "main"], conditions, plugins, write: false,
    define: { "process.env.NODE_ENV": '"production"' }, logLevel: "error", tsconfigRaw: {},
  });
  const file = join(folder, "bundle.mjs");
  writeFileSync(file, outputFiles[0].contents);
  return import(pathToFileURL(file).href);
}

/**
 * Tests the entry of a framework. `load` returns `viewer` and `owner`, which show a component in a container: `viewer(container, { url,
 * id, key, options, show })` shows `show(id, status, audience, value of the key)`; `owner(container, { url, options, show })` shows
 * `show(id, status, audience)` and calls `got(room)` with its room; `value(container, { room, key, show })` shows the value of a key of a
 * room that it gets. Each returns `{ set(changes), unmount() }`.
 */
export function scenes(name, load) {
  /** Opens a server and a container, and records everything that the container shows. */
  async function stage(t) {
    page();
    const made = await load();
    const server = new Server();
    const container = document.createElement("div");
    document.body.append(container);
    t.after(() => container.remove());
    const seen = [];
    const show = (...values) => {
      const text = shown(...values);
      seen.push(text);
      return text;
    };
    const options = { WebSocket: server.WebSocket };
    let mounted;
    t.after(() => mounted?.unmount());
    const all = {
      server, container, seen,
      mount(kind = "viewer", more = {}) {
        mounted = made[kind](container, { url: URL, id: ROOM, key: "slide", options, show, ...more });
        return mounted;
      },
      shows: (text) => until(() => container.textContent === text, `shows "${container.textContent}", not "${text}"`).catch(() => assert.equal(container.textContent, text)),
      async accepts(count) {
        await until(() => server.peers.length >= count, `connection ${count}`);
        // No other connection follows.
        await turn();
        return server.accept(count);
      },
    };
    t.after(() => (mounted = undefined));
    return all;
  }

  test(`${name}: a component shows the status, the audience and a key`, async (t) => {
    const { mount, shows, accepts } = await stage(t);
    mount();
    await shows(`${ROOM} connecting  `);
    const peer = await accepts(1);
    peer.joins({ seq: 2, replay: 2 });
    peer.says(state(1, "slide"));
    await shows(`${ROOM} connecting  `);
    peer.says(state(2, "__proto__", "x"));
    await shows(`${ROOM} live  1`);
    peer.says({ type: "audience", viewers: 7 }, state(3, "slide"), { type: "owner", status: "away", term: 1 });
    await shows(`${ROOM} away 7 3`);
    peer.says({ type: "message", seq: 4, key: "slide", params: [], cleared: true });
    await shows(`${ROOM} away 7 `);
    peer.cuts();
    await shows(`${ROOM} resuming 7 `);
  });

  test(`${name}: a key is shown when it changes, and no other is`, async (t) => {
    const { mount, shows, accepts, seen } = await stage(t);
    mount();
    const peer = await accepts(1);
    peer.joins({ seq: 1, replay: 1 });
    peer.says(state(1, "slide"));
    await shows(`${ROOM} live  1`);
    const before = seen.length;
    peer.says(state(2, "other"), bell(3), state(4, "__proto__"));
    await turn();
    assert.equal(seen.length, before);
    peer.says(state(5, "slide"));
    await shows(`${ROOM} live  5`);
    assert.ok(seen.length > before);
  });

  test(`${name}: another key is shown at once`, async (t) => {
    const { mount, shows, accepts } = await stage(t);
    const { set } = mount();
    const peer = await accepts(1);
    peer.joins({ seq: 2, replay: 2 });
    peer.says(state(1, "slide"), state(2, "title", "T"));
    await shows(`${ROOM} live  1`);
    set({ key: "title" });
    await shows(`${ROOM} live  T`);
    peer.says(state(3, "slide"), state(4, "title", "U"));
    await shows(`${ROOM} live  U`);
    set({ key: "nothing" });
    await shows(`${ROOM} live  `);
    peer.says(state(5, "nothing", "N"));
    await shows(`${ROOM} live  N`);
  });

  test(`${name}: another room is another connection, no room is none, and no room shows what another one says`, async (t) => {
    const { mount, shows, accepts, seen, server } = await stage(t);
    const { set, unmount } = mount();
    const peer = await accepts(1);
    peer.joins({ seq: 1, replay: 1 });
    peer.says(state(1, "slide", "first"));
    await shows(`${ROOM} live  first`);
    set({ id: "another" });
    await shows("another connecting  ");
    assert.deepEqual(peer.rest(), [{ type: "leave" }]);
    assert.equal(peer.socket.closedWith, 1000);
    const other = await accepts(2);
    assert.equal(other.joins({ room: "another", seq: 1, replay: 1 }).room, "another");
    other.says(state(1, "slide", "second"));
    await shows("another live  second");
    set({ id: undefined });
    await shows(" connecting  ");
    assert.equal(other.socket.closedWith, 1000);
    assert.equal(server.peers.length, 2);
    set({ id: ROOM });
    await shows(`${ROOM} connecting  `);
    await accepts(3);
    unmount();
    await turn();
    assert.ok(server.peers.every(({ socket }) => socket.closedWith === 1000));
    const mixed = seen.filter((text) => (/first/.test(text) && !text.startsWith(ROOM)) || (/second/.test(text) && !text.startsWith("another")));
    assert.deepEqual(mixed, []);
  });

  test(`${name}: an owner gets its id and speaks, and leaves with its component`, async (t) => {
    const { mount, shows, accepts, server } = await stage(t);
    let room;
    const { unmount } = mount("owner", { got: (mine) => (room = mine) });
    await shows(" connecting  ");
    const peer = await accepts(1);
    peer.creates();
    await shows(`${ROOM} live  `);
    assert.equal(room.ownerKey, KEY);
    void room.publish("bell", [1]);
    assert.equal(peer.asked().key, "bell");
    peer.says({ type: "audience", viewers: 3, lagging: 0, behindP95Ms: 0 });
    await shows(`${ROOM} live 3 `);
    unmount();
    await turn();
    assert.equal(server.peer.socket.closedWith, 1000);
    assert.equal(room.status.value.name, "closed");
  });

  test(`${name}: a key of a room that stays is listened to for as long as its component is there`, async (t) => {
    const { mount, shows } = await stage(t);
    const listeners = new Set();
    let held = [1];
    const value = { get value() { return held; }, subscribe: (func) => (listeners.add(func), () => listeners.delete(func)) };
    const room = { state: { key: () => value } };
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const { unmount } = mount("value", { room });
      if (cycle === 0) {
        await shows(" none  1");
        held = [2];
        for (const func of listeners) func(held);
        await shows(" none  2");
      }
      assert.ok(listeners.size > 0);
      unmount();
      if (cycle % 100 === 0) await turn();
    }
    await turn();
    assert.equal(listeners.size, 0);
  });

  test(`${name}: ${CYCLES} components that came and went leave no listener, timer or connection`, async (t) => {
    const { mount, server, container } = await stage(t);
    const count = page();
    const timers = timersSince();
    const before = count.listeners;
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const { unmount } = mount();
      await until(() => server.peers.length > cycle, `connection ${cycle + 1}`);
      // Some unmount before they are in the room, some after it, some after a cut.
      if (cycle % 4 > 0) server.accept().joins();
      if (cycle % 4 > 1) await Promise.resolve();
      if (cycle % 4 > 2) server.peer.cuts();
      if (cycle === 3) assert.ok(count.listeners > before && timers() > 0, "it listens");
      unmount();
    }
    await turn();
    assert.equal(container.textContent, "");
    assert.equal(server.peers.length, CYCLES);
    assert.deepEqual(server.peers.filter(({ socket }) => socket.readyState !== 3), []);
    assert.deepEqual([timers(), count.listeners], [0, before]);
  });
}
