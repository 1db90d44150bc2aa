// The element for pages without a framework, in a page of happy-dom.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { page, timersSince, turn } from "./scenes.mjs";
import { ROOM, Server, state } from "./script.mjs";

const CYCLES = 1_000;

const count = page();
let RtbValue;
before(async () => void ({ RtbValue } = await import("../element.js")));

/** Returns a page with this text, and the server of its elements. */
async function stage(t, html) {
  const server = new Server();
  RtbValue.options = { WebSocket: server.WebSocket };
  const place = document.createElement("div");
  document.body.append(place);
  place.innerHTML = html;
  t.after(async () => {
    place.remove();
    await turn();
  });
  await turn();
  return { server, place, element: place.querySelector("rtb-value") };
}

/** Returns the visible text. */
const read = ({ shadowRoot, textContent }) => (shadowRoot.querySelector("slot") ? textContent : shadowRoot.textContent);

const MINE = `<rtb-value server="ws://example.org/b" room="${ROOM}" key="slide">none <b>yet</b></rtb-value>`;

test("it shows the value of a key, and what stands in it while nothing holds", async (t) => {
  const { server, element } = await stage(t, MINE);
  assert.equal(read(element), "none yet");
  const peer = server.accept(1);
  peer.joins({ seq: 1, replay: 1 });
  peer.says(state(1, "slide", 3));
  assert.equal(read(element), "3");
  peer.says(state(2, "slide", 4), state(3, "other", 5));
  assert.equal(read(element), "4");
  peer.says({ type: "message", seq: 4, key: "slide", params: [], cleared: true });
  assert.equal(read(element), "none yet");
  assert.equal(element.innerHTML, "none <b>yet</b>");
});

test("it shows any value as text, and never as HTML", async (t) => {
  const { server, element } = await stage(t, MINE);
  const peer = server.accept(1);
  peer.joins();
  const cases = [[0, "0"], ["", ""], [false, "false"], ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"], [{ a: [1] }, '{"a":[1]}'], [null, "none yet"]];
  for (const [at, [value, text]] of cases.entries()) {
    peer.says(state(at + 1, "slide", value));
    assert.equal(read(element), text);
    assert.deepEqual([...element.shadowRoot.children].map(({ localName }) => localName), value === null ? ["slot"] : []);
  }
});

test("it tells its status as an attribute, and has none without a room", async (t) => {
  const { server, element } = await stage(t, MINE);
  assert.equal(element.getAttribute("status"), "connecting");
  const peer = server.accept(1);
  peer.joins({ seq: 1, replay: 1 });
  peer.says(state(1, "slide", 3));
  assert.equal(element.getAttribute("status"), "live");
  peer.cuts();
  assert.deepEqual([element.getAttribute("status"), read(element)], ["resuming", "3"]);
  element.removeAttribute("room");
  await turn();
  assert.deepEqual([element.getAttribute("status"), read(element)], [null, "none yet"]);
});

test("its key and parameter may change", async (t) => {
  const { server, element } = await stage(t, MINE);
  const peer = server.accept(1);
  peer.joins({ seq: 2, replay: 2 });
  peer.says(state(1, "slide", 3, "three"), state(2, "title", "T"));
  element.setAttribute("param", "1");
  await turn();
  assert.equal(read(element), "three");
  element.setAttribute("param", "2");
  await turn();
  assert.equal(read(element), "none yet");
  element.removeAttribute("param");
  element.setAttribute("key", "title");
  await turn();
  assert.equal(read(element), "T");
  peer.says(state(3, "slide", 9), state(4, "title", "U"));
  assert.equal(read(element), "U");
  assert.equal(server.peers.length, 1);
});

test("another room is another connection, and never shows what the one before said", async (t) => {
  const { server, element } = await stage(t, MINE);
  const peer = server.accept(1);
  peer.joins({ seq: 1, replay: 1 });
  peer.says(state(1, "slide", "first"));
  element.setAttribute("room", "another");
  assert.equal(read(element), "none yet");
  peer.says(state(2, "slide", "more of the first"));
  assert.equal(read(element), "none yet");
  await turn();
  assert.equal(peer.socket.closedWith, 1000);
  const other = server.accept(2);
  assert.equal(other.joins({ room: "another", seq: 1, replay: 1 }).room, "another");
  other.says(state(1, "slide", "second"));
  assert.equal(read(element), "second");
  // Both at once are one change.
  element.setAttribute("server", "ws://example.org/c");
  element.setAttribute("room", ROOM);
  await turn();
  assert.deepEqual(server.peers.map(({ socket }) => socket.url.at(-1)), ["b", "b", "c"]);
});

test("elements of one room share a connection, which is there until the last one is gone", async (t) => {
  const { server, place } = await stage(t, MINE + MINE.replace("slide", "title"));
  const peer = server.accept(1);
  peer.joins({ seq: 2, replay: 2 });
  peer.says(state(1, "slide", 3), state(2, "title", "T"));
  const [one, other] = place.children;
  assert.deepEqual([read(one), read(other)], ["3", "T"]);
  one.remove();
  await turn();
  assert.equal(peer.socket.closedWith, undefined);
  // Moving an element does not leave the room.
  document.body.append(other);
  place.append(other);
  await turn();
  assert.deepEqual([peer.socket.closedWith, read(other)], [undefined, "T"]);
  other.remove();
  await turn();
  assert.equal(peer.socket.closedWith, 1000);
  assert.equal(server.peers.length, 1);
});

test(`${CYCLES} elements that came and went leave no listener, timer or connection`, async (t) => {
  const { server, place } = await stage(t, "");
  const timers = timersSince();
  const before = count.listeners;
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    place.innerHTML = MINE;
    await Promise.resolve();
    if (cycle % 3 > 0) server.accept(cycle + 1).joins();
    if (cycle % 3 > 1) server.peer.cuts();
    if (cycle === 2) assert.ok(count.listeners > before && timers() > 0, "it listens");
    place.replaceChildren();
    await Promise.resolve();
  }
  await turn();
  assert.equal(server.peers.length, CYCLES);
  assert.deepEqual(server.peers.filter(({ socket }) => socket.readyState !== 3), []);
  assert.deepEqual([timers(), count.listeners], [0, before]);
});

test("a page may load it twice", async () => {
  const again = await import("../element.js?again");
  assert.notEqual(again.RtbValue, RtbValue);
  assert.equal(customElements.get("rtb-value"), RtbValue);
});
