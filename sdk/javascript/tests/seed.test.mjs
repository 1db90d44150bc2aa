// The behaviour of the old library as a table of calls and effects, replayed against the classic client.
// `instead`: what the old library did, where the client differs on purpose.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RTBroadcaster } from "../rtbroadcaster.js";
import { FakeSocket } from "./fake-socket.mjs";

const ROOM = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";

const said = (value, key = "", params = [], uuid = ROOM, text = "connected") =>
  JSON.stringify({ uuid, status: { value, text }, funcKey: key, funcParams: params, stateMessage: false });
const connected = said(3);
const create = '{"uuid":"","status":{"value":1,"text":"new connection"},"funcKey":"","funcParams":[],"stateMessage":false}';
const join = create.replace('"uuid":""', `"uuid":"${ROOM}"`).replace('"value":1', '"value":2');
const spoken = (key, params, isState) =>
  `{"uuid":"${ROOM}","status":{"value":3,"text":"connected"},"funcKey":"${key}","funcParams":${params},"stateMessage":${isState}}`;

/**
 * Each row: the page's query, then steps, then the effects they have in this order. Steps are `open`, `frame TEXT`,
 * `end CODE` of the socket and calls of a member; effects are what is sent, callbacks, functions and thrown errors.
 */
const TABLE = [
  {
    what: "a page without a room opens one, then says that the socket is open",
    steps: [["open"]],
    effects: [`sent ${create}`, "open"],
    properties: { connected: false, isOwner: true },
  },
  {
    what: "a page with a room joins it",
    query: `?uuid=${ROOM}`,
    steps: [["open"]],
    effects: [`sent ${join}`, "open"],
    properties: { connected: false, isOwner: false },
  },
  {
    what: "what follows the room's name in the address is not part of it",
    instead: "everything after `uuid=` was the name, and `?notuuid=` was taken for `?uuid=`",
    query: `?notuuid=1&uuid=${ROOM}&utm_source=x`,
    steps: [["open"]],
    effects: [`sent ${join}`, "open"],
  },
  {
    what: "the first answer names the room, once",
    steps: [["open"], ["frame", connected], ["frame", connected]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`],
    properties: { connected: true, isOwner: true, uuid: ROOM },
  },
  {
    what: "the words of an answer do not matter: the Go server says Connected",
    steps: [["open"], ["frame", said(3, "", [], ROOM, "Connected")]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`],
  },
  {
    what: "an action carries key, parameters and the room",
    steps: [["open"], ["frame", connected], ["sendAction", "slide", [3, "x"], true], ["sendAction", "slide", [4]]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, `sent ${spoken("slide", '[3,"x"]', true)}`, `sent ${spoken("slide", "[4]", false)}`],
  },
  {
    what: "an action between the opening and the answer is sent without a room's name",
    instead: "the member `uuid` was absent",
    steps: [["open"], ["sendAction", "slide", [3]]],
    effects: [`sent ${create}`, "open", `sent ${spoken("slide", "[3]", false).replace(ROOM, "")}`],
  },
  {
    what: "an action before the opening is not sent",
    instead: "it threw",
    steps: [["sendAction", "slide", [3]]],
    effects: [],
  },
  {
    what: "a viewer's action is not sent",
    instead: "it was sent, and the server dropped it",
    query: `?uuid=${ROOM}`,
    steps: [["open"], ["frame", connected], ["sendAction", "slide", [3]]],
    effects: [`sent ${join}`, "open", `connection ${ROOM}`],
  },
  {
    what: "a subscribed function gets the parameters as one array",
    steps: [["open"], ["suscribeFunc", "slide", "f"], ["frame", said(3, "slide", [3, "x"])]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, 'f [3,"x"]'],
  },
  {
    what: "the last function of a key is the one that is called",
    steps: [["open"], ["suscribeFunc", "slide", "f"], ["suscribeFunc", "slide", "g"], ["frame", said(3, "slide")]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, "g []"],
  },
  {
    what: "after the end of a subscription nothing is called",
    instead: "the next message of the key threw, and the rest of its frame was lost",
    steps: [["open"], ["suscribeFunc", "a", "f"], ["suscribeFunc", "b", "g"], ["unsuscribeFunc", "a"], ["frame", `${said(3, "a")}\n${said(3, "b")}`]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, "g []"],
  },
  {
    what: "the well spelled members do the same",
    instead: "there were none",
    steps: [["open"], ["subscribe", "a", "f"], ["subscribe", "b", "g"], ["unsubscribe", "a"], ["frame", `${said(3, "a")}\n${said(3, "b")}`]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, "g []"],
  },
  {
    what: "a message of a key without a subscription is ignored",
    instead: "it threw, and the rest of its frame was lost",
    steps: [["open"], ["suscribeFunc", "b", "g"], ["frame", `${said(3, "a")}\n${said(3, "b")}`]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, "g []"],
  },
  {
    what: "names of JavaScript's own are keys like any other",
    steps: [["open"], ["suscribeFunc", "__proto__", "f"], ["frame", [said(3, "constructor"), said(3, "__proto__", [1]), said(3, "toString")].join("\n")]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, "f [1]"],
  },
  {
    what: "a function that throws is reported once and loses nothing for the others",
    instead: "the rest of the frame was lost",
    steps: [["open"], ["suscribeFunc", "a", "throw"], ["suscribeFunc", "b", "g"], ["frame", [said(3, "a"), said(3, "b"), said(3, "a"), said(3, "b")].join("\n")]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, "error the function of a threw", "g []", "g []"],
  },
  {
    what: "a frame that cannot be read loses only itself",
    instead: "it threw",
    steps: [["open"], ["frame", `{]\n\n${connected}\nnull\n[]\n7\n`], ["frame", {}]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`],
    properties: { connected: true },
  },
  {
    what: "statuses without a meaning for clients are passed over",
    steps: [["open"], ["frame", [said(1), said(2), said(4), said(9)].join("\n")]],
    effects: [`sent ${create}`, "open"],
    properties: { connected: false },
  },
  {
    what: "a refusal is told with its reason, and ends a connection without a room",
    instead: "nothing was told",
    query: "?uuid=gone",
    steps: [["open"], ["frame", said(0, "", [], "gone", "room not found")]],
    effects: [`sent ${join.replace(ROOM, "gone")}`, "open", "error room not found", "close"],
    properties: { connected: false, status: "closed" },
  },
  {
    what: "a refused action is told and leaves the owner where it was",
    instead: "nothing was told",
    steps: [["open"], ["frame", connected], ["frame", said(0, "", [], "", "state full")]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, "error state full"],
    properties: { connected: true },
  },
  {
    what: "the end of the room is told",
    instead: "nothing was told until the socket closed, and `connected` stayed true",
    query: `?uuid=${ROOM}`,
    steps: [["open"], ["frame", connected], ["frame", said(0, "", [], ROOM, "not connected")], ["end", 1000]],
    effects: [`sent ${join}`, "open", `connection ${ROOM}`, "close"],
    properties: { connected: false, uuid: ROOM },
  },
  {
    what: "a lost connection of the owner is the end",
    instead: "`connected` stayed true",
    steps: [["open"], ["frame", connected], ["end", 1006]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, "close"],
    properties: { connected: false },
  },
  {
    what: "a connection that cannot be made is the end for an owner",
    steps: [["end", 1006]],
    effects: ["close"],
    properties: { connected: false, status: "closed" },
  },
  {
    what: "closing ends the room, and is told",
    instead: "there was no closing",
    steps: [["open"], ["frame", connected], ["close"], ["close"], ["sendAction", "a", []]],
    effects: [`sent ${create}`, "open", `connection ${ROOM}`, `sent ${spoken("", "[]", false).replace('3,"text":"connected"', '4,"text":"close"')}`, "close"],
    properties: { connected: false },
  },
];

/** Replays a row and compares its effects. */
function check({ query = "", steps, effects, properties = {} }) {
  const seen = [];
  globalThis.location = { search: query, href: `http://example.org/${query}` };
  FakeSocket.made = [];
  const functions = {
    f: (...values) => seen.push(`f ${values.map((value) => JSON.stringify(value)).join(" ")}`),
    g: (...values) => seen.push(`g ${values.map((value) => JSON.stringify(value)).join(" ")}`),
    throw: () => {
      throw new Error("the page's own mistake");
    },
  };
  try {
    const room = new RTBroadcaster(
      "ws://example.org/broadcasting",
      (uuid) => seen.push(`connection ${uuid}`),
      () => seen.push("open"),
      () => seen.push("close"),
      (text) => seen.push(`error ${text}`),
      { WebSocket: FakeSocket, reconnect: false },
    );
    const socket = FakeSocket.newest;
    const send = socket.send;
    socket.send = (text) => {
      send.call(socket, text);
      seen.push(`sent ${text}`);
    };
    for (const [name, ...values] of steps) {
      if (name === "open") socket.open();
      else if (name === "frame") socket.deliver(values[0]);
      else if (name === "end") socket.end(values[0]);
      else room[name](...values.map((value, index) => (index === 1 && functions[value]) || value));
    }
    assert.deepEqual(seen, effects);
    for (const [name, value] of Object.entries(properties)) assert.equal(room[name], value, name);
    room.close();
  } finally {
    delete globalThis.location;
  }
}

for (const row of TABLE) test(row.what, () => check(row));

test("the seed's members are there", () => {
  for (const name of ["suscribeFunc", "unsuscribeFunc", "sendAction"]) {
    assert.equal(typeof RTBroadcaster.prototype[name], "function", name);
  }
});

test("nothing is printed unless asked", (t) => {
  const printed = ["log", "debug", "info", "warn", "error"].map((name) => t.mock.method(console, name, () => {}));
  TABLE.forEach(check);
  assert.deepEqual(printed.map(({ mock }) => mock.callCount()), [0, 0, 0, 0, 0]);
});
