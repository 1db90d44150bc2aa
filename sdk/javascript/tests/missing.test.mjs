// A client that cannot load stay.js, such as when another version was deployed meanwhile: it is in its room all the same, reconnects,
// and rejects calls that need the module.

import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";
import { within } from "../../../protocol/deadline.mjs";
import { bell, ROOM, Server, state } from "./script.mjs";

const HOOK = `export const resolve = (name, context, next) => {
  if (name.endsWith("/stay.js")) throw new Error("it is not there");
  return next(name, context);
};`;
register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
const { host, join, own, watch } = await import("../index.js");
const { load } = await import("../lazy.js");
const { backoff } = await import("../backoff.js");

const ADDRESS = "ws://example.org/b";

const options = (server) => ({ WebSocket: server.WebSocket, reconnect: { firstMs: 1, maxMs: 5 } });

const connections = (server, count) => within((async () => {
  while (server.peers.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
})(), "a connection");

test("a viewer has what holds, comes back, and goes on where it was", async (t) => {
  const server = new Server();
  const show = watch(ADDRESS, ROOM, options(server));
  t.after(() => show.leave());
  const heard = [];
  show.listen("message", ({ seq }) => heard.push(seq));
  server.accept(1).joins({ seq: 1, replay: 1 });
  server.peer.says(state(1, "slide"));
  assert.equal(await load(), undefined);
  await assert.rejects(show.signal("hand"), { code: "lost", comesBack: true, message: "The connection is lost." });
  await assert.rejects(show.messages().next(), { code: "lost" });
  // A promise that the program does not await is no unhandled rejection.
  show.messages();
  await load();
  show.reconnect();
  for (let count = 2; count < 5; count += 1) {
    server.peer.cuts();
    assert.equal(show.status.value.name, "resuming");
    await connections(server, count);
    const { cursor } = server.accept(count).joins({ how: "resumed", seq: count, replay: 1 });
    assert.deepEqual(cursor, { epoch: "e", seq: count - 1 });
    server.peer.says(bell(count));
    assert.equal(show.status.value.name, "live");
  }
  assert.deepEqual(heard, [1, 2, 3, 4]);
});

test("a server that is not heard for two heartbeats is left", async (t) => {
  const server = new Server();
  const show = watch(ADDRESS, ROOM, options(server));
  t.after(() => show.leave());
  server.accept(1).joins({ aliveMs: 20 });
  await load();
  await connections(server, 2);
  assert.deepEqual([show.status.value.name, show.status.value.reason], ["resuming", "silent"]);
});

test("before it was in its room a client comes back as quickly as behind a stay", async (t) => {
  for (const [toldMs, fails] of [
    [0, (peer) => peer.cuts()],
    [2, (peer) => {
      peer.socket.open();
      peer.says({ type: "error", id: peer.asked().id, code: "unavailable", message: "busy", retryInMs: 2 });
    }],
  ]) {
    const server = new Server();
    const reconnect = { firstMs: 4, maxMs: 100, random: () => 0.5 };
    const show = watch(ADDRESS, ROOM, { WebSocket: server.WebSocket, reconnect, share: false });
    t.after(() => show.leave());
    const waited = [];
    for (let count = 1; count < 10; count += 1) {
      await connections(server, count);
      fails(server.peer);
      waited.push(show.status.value.retryInMs);
    }
    const delays = backoff(reconnect);
    // Far apart: otherwise the limit of attempts in 10 s would apply.
    assert.deepEqual(waited, waited.map((_, at) => toldMs + delays.next(at * 100_000, toldMs > 0)));
  }
});

test("every failure has a sentence, also where nothing could be loaded", async (t) => {
  const server = new Server();
  const { WebSocket } = server;
  const refused = (code) => {
    const joining = join(ADDRESS, ROOM, { WebSocket, share: false });
    const { id } = server.accept().asked();
    server.peer.says({ type: "error", id, code, message: "" });
    return joining;
  };
  const cut = (act, more) => {
    const entering = host(ADDRESS, { WebSocket, reconnect: false, ...more });
    act(server.peer);
    return entering;
  };
  const early = watch(ADDRESS, ROOM, { WebSocket, share: false });
  const room = own(ADDRESS, { WebSocket });
  t.after(() => (early.leave(), room.leave()));
  const stopped = new AbortController();
  const calls = {
    "bad_argument address": join("http://[", ROOM, { WebSocket }),
    "bad_argument room": join(ADDRESS, "", { WebSocket }),
    "bad_argument times": host(ADDRESS, { WebSocket, reconnect: { firstMs: 0 } }),
    "bad_argument timeoutMs": room.publish("slide", [1], { timeoutMs: 0 }),
    "bad_message": room.publish("", [1]),
    "timeout": join(ADDRESS, ROOM, { WebSocket, share: false, signal: AbortSignal.timeout(1) }),
    "timeout of a value": room.publish("slide", [1], { state: true, timeoutMs: 1 }),
    "aborted": join(ADDRESS, ROOM, { WebSocket, share: false, signal: stopped.signal }),
    "offline signal": early.signal("hand"),
    "offline event": room.publish("bell", []),
    "no_room": refused("no_room"),
    "room_closed": refused("room_closed"),
    "unauthorized": refused("unauthorized"),
    "lost": cut((peer) => peer.cuts()),
    "silent": cut(() => {}, { answerTimeoutMs: 1 }),
    "token": cut(() => {}, { token: () => Promise.reject(new Error("no")) }),
    "size": cut((peer) => (peer.socket.open(), peer.socket.deliver("x".repeat(17_000_000)))),
    "protocol": cut((peer) => ((peer.socket.protocol = ""), peer.socket.open())),
  };
  stopped.abort();
  const ends = await within(Promise.allSettled(Object.values(calls)), "all of them to fail");
  for (const [at, what] of Object.keys(calls).entries()) {
    const { reason: error } = ends[at];
    assert.deepEqual([error?.name, error?.code], ["RtbError", what.split(" ")[0]], `${what}: ${error?.stack}`);
    assert.match(error.message, /^\w+ .+[.]$/, what);
    // The program's own errors are not the server's.
    if (what !== "unauthorized") assert.doesNotMatch(error.message, /^The server says/);
  }
});

test("a viewer that is refused is told why, and one that is refused for now tries again", async () => {
  const server = new Server();
  const show = watch(ADDRESS, ROOM, options(server));
  const { id } = server.accept(1).asked();
  server.peer.says({ type: "error", id, code: "unavailable", message: "busy", retryInMs: 5 });
  assert.deepEqual([show.status.value.name, show.status.value.reason], ["connecting", "unavailable"]);
  await connections(server, 2);
  const again = server.accept(2).asked();
  server.peer.says({ type: "error", id: again.id, code: "no_room", message: "there is no such room" });
  await assert.rejects(show.entered, { code: "no_room", message: "there is no such room", comesBack: false });
  assert.equal(show.status.value.name, "closed");
});

test("an owner publishes, and says again what was not acknowledged", async (t) => {
  const server = new Server();
  const room = own(ADDRESS, options(server));
  t.after(() => room.leave());
  server.accept(1).creates();
  const first = room.publish("slide", [1], { state: true });
  server.peer.acks(1);
  assert.equal(await first, 1);
  const second = room.publish("bell", [2]);
  server.peer.cuts();
  await connections(server, 2);
  server.accept(2).owned({ how: "resumed", seq: 1 });
  server.peer.acks(2);
  assert.equal(await second, 2);
  await assert.rejects(room.publish("", [1]), { code: "bad_message" });
});
