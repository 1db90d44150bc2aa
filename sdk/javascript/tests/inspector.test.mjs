// The inspector: what it shows of viewers and owners, as text and without secrets, and that it leaves nothing behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GlobalWindow } from "happy-dom";
import { within } from "../../../protocol/deadline.mjs";
import { own } from "../index.js";
import { inspect } from "../inspector.js";
import { watch } from "../viewer.js";
import { bell, KEY, ROOM, Server, state } from "./script.mjs";

const URL = "ws://example.org/b";
const TOKEN = "a secret token";

/** Returns a page, and a scripted server. */
function stage(t) {
  const window = new GlobalWindow();
  const server = new Server();
  const { body } = window.document;
  const options = { WebSocket: server.WebSocket, token: TOKEN, reconnect: { firstMs: 1, random: () => 0 } };
  t.after(() => window.happyDOM.close());
  return { window, server, body, options };
}

/** Returns a viewer that is in its room, and inspected. */
async function viewer(t, ...values) {
  const all = stage(t);
  const show = watch(URL, ROOM, all.options);
  t.after(() => show.leave());
  const peer = all.server.accept(1);
  peer.joins({ seq: values.length, replay: values.length, viewer: { number: 7, key: "k".repeat(32) } });
  peer.says(...values);
  await show.entered;
  return { ...all, show, peer };
}

const rootOf = (body) => body.querySelector("rtbroadcaster-inspector")?.shadowRoot;
const textOf = (body) => rootOf(body)?.querySelector("section").textContent ?? "";
const buttonOf = (body, text) => [...rootOf(body).querySelectorAll("button")].find((one) => one.textContent === text);
const fact = (body, name) => [...rootOf(body).querySelectorAll("dt")].find((one) => one.textContent === name)?.nextElementSibling.textContent;
const rows = (body, label) => [...rootOf(body).querySelectorAll(`ul[aria-label=${label}] li`)].map((li) => [...li.children].filter(({ localName }) => localName !== "time").map((one) => one.textContent).join(" "));

/** Waits until the page shows something. */
const until = (is, what) => within((async () => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 5));
})(), what);

test("a viewer's status, state, messages and connection are shown", async (t) => {
  const { body, show, peer } = await viewer(t, state(1, "slide", 3), state(2, "title", "One"));
  t.after(inspect(show, { parent: body }));
  peer.says({ type: "audience", viewers: 12 }, bell(3), { type: "message", seq: 4, key: "title", params: [], cleared: true });
  await until(() => rows(body, "Messages").length === 4, "four messages");
  assert.equal(rootOf(body).querySelector("strong").textContent, "live");
  assert.deepEqual(rows(body, "State"), ["slide 3"]);
  assert.deepEqual(rows(body, "Messages"), ["cleared title ", "event bell 3", 'state late title "One"', "state late slide 3"]);
  assert.equal(fact(body, "Room"), ROOM);
  assert.match(fact(body, "Round trip"), / ms$/);
  assert.deepEqual(["Attempts", "Connections", "Viewer number", "Audience", "Buffered"].map((name) => fact(body, name)), ["1", "1", "7", "12 viewers", "0 B"]);
});

test("an owner's state, signals, refusals and audience are shown, and neither its key nor its token", async (t) => {
  const { body, server, options } = stage(t);
  const room = own(URL, options);
  t.after(() => room.leave());
  t.after(inspect(room, { parent: body }));
  assert.equal(rootOf(body).querySelector("strong").textContent, "connecting");
  const peer = server.accept(1);
  peer.creates({ graceMs: 30_000 });
  await room.entered;
  void room.publish("slide", [3], { state: true });
  peer.acks(1);
  void room.publish("bell", [KEY]);
  peer.says({ type: "error", id: peer.asked().id, code: "unwanted", message: "No." }, { type: "signal", key: "hand", params: [true, KEY], from: 1 });
  peer.says({ type: "audience", viewers: 2, lagging: 1, behindP95Ms: 40 });
  await until(() => rows(body, "Messages").some((row) => row.startsWith("state slide")), "the value");
  assert.deepEqual(rows(body, "State"), ["slide 3"]);
  assert.deepEqual(new Set(rows(body, "Messages")), new Set(["state slide 3", 'refused bell "unwanted"', 'signal hand true,"…"', "status live "]));
  assert.equal(fact(body, "Grace"), "30 s");
  assert.equal(fact(body, "Audience"), "2 viewers, 1 lagging (p95 40 ms)");
  const all = rootOf(body).innerHTML;
  for (const secret of [KEY, TOKEN]) assert.ok(!all.includes(secret));
});

test("a lag, a cut and the end are told, and reconnect tries at once", async (t) => {
  const { body, server, show, peer } = await viewer(t);
  t.after(inspect(show, { parent: body }));
  const name = () => rootOf(body).querySelector("strong").className;
  peer.says({ type: "skipped", through: 4 }, bell(5));
  await until(() => name() === "lagging", "lagging");
  peer.cuts();
  await until(() => name() === "resuming", "resuming");
  buttonOf(body, "Reconnect").click();
  await until(() => server.peers.length > 1, "another attempt");
  server.peer.socket.open();
  const join = server.peer.asked();
  server.peer.says({ type: "error", id: join.id, code: "no_room", message: "There is none." });
  await until(() => name() === "closed", "closed");
  assert.match(textOf(body), /no_room \(4510\)/);
  assert.ok(buttonOf(body, "Reconnect").disabled);
  assert.deepEqual(rows(body, "Messages").filter((row) => row.startsWith("status")), ["status closed ", "status resuming ", "status lagging "]);
});

test("what comes is text, is shortened, and the newest messages are kept", async (t) => {
  const html = "<img src=x onerror=alert(1)>";
  const { body, show, peer } = await viewer(t, state(1, html, html), state(2, "long", "x".repeat(1_000)));
  t.after(inspect(show, { parent: body, messages: 3 }));
  peer.says(...[3, 4, 5, 6].map(bell));
  await until(() => rows(body, "Messages")[0] === "event bell 6", "the newest");
  assert.equal(rootOf(body).querySelector("img"), null);
  assert.deepEqual(rows(body, "State")[1], `${html} ${JSON.stringify(html)}`);
  assert.ok(rows(body, "State")[0].length < 150);
  assert.deepEqual(rows(body, "Messages"), ["event bell 6", "event bell 5", "event bell 4"]);
});

test("of a large state the newest keys are shown, and how many there are", async (t) => {
  const { body, show } = await viewer(t, ...Array.from({ length: 80 }, (_, at) => state(at + 1, `key ${at}`)));
  t.after(inspect(show, { parent: body }));
  assert.equal(rows(body, "State").length, 50);
  assert.equal(rows(body, "State")[0], "key 79 80");
  assert.match(textOf(body), /the newest 50 of 80 keys/);
});

/** Returns a room that counts its listeners. */
function counted(extra) {
  let count = 0;
  const listen = (_signal) => {
    count += 1;
    _signal.addEventListener("abort", () => (count -= 1));
    return () => {};
  };
  const room = {
    id: ROOM, bufferedAmount: 0, entered: Promise.resolve(), stats: () => ({ attempts: 1, connections: 1 }), reconnect() {},
    status: { value: { name: "live" }, subscribe: (_f, { signal }) => listen(signal) },
    audience: { value: undefined, subscribe: (_f, { signal }) => listen(signal) },
    state: { getSnapshot: () => new Map(), subscribe: (_f, { signal }) => listen(signal) },
    listen: (_name, _f, { signal }) => listen(signal),
    ...extra,
  };
  return { room, count: () => count };
}

for (const [what, extra] of [["a viewer", {}], ["an owner", { publish() {} }]]) {
  test(`removed, it leaves nothing at ${what}: no element, no listener, no timer`, (t) => {
    const { body } = stage(t);
    const timers = new Set();
    t.mock.method(globalThis, "setTimeout", (func) => (timers.add(func), func));
    t.mock.method(globalThis, "clearTimeout", (func) => timers.delete(func));
    const { room, count } = counted(extra);
    const remove = inspect(room, { parent: body });
    assert.equal(count(), 5);
    assert.equal(timers.size, 1);
    remove();
    remove();
    assert.equal(count(), 0);
    assert.equal(timers.size, 0);
    assert.equal(rootOf(body), undefined);
  });
}

test("Escape closes it where it has the focus, and only there; the focus goes back", (t) => {
  const { window, body } = stage(t);
  const input = window.document.createElement("input");
  body.append(input);
  const { room, count } = counted();
  t.after(inspect(room, { parent: body }));
  const escape = () => new window.KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true });
  input.focus();
  input.dispatchEvent(escape());
  assert.equal(count(), 5);
  const close = [...rootOf(body).querySelectorAll("button")].at(-1);
  close.dispatchEvent(escape());
  assert.equal(count(), 0);
  assert.equal(rootOf(body), undefined);
});
