// Owners and viewers of version 2 against the real server: cuts, restarts, takeovers, pauses, signals.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { start, stop } from "../../../protocol/server.mjs";
import { host, join, watch } from "../index.js";
import { Kept } from "./owner.mjs";
import { Page } from "./page.mjs";
import { Witness } from "./witness.mjs";

let server;
before(async () => (server = await start()));
after(() => stop(server));

/** Returns a socket class for one client, which connects to `at()`; `cut` drops the present connection. */
function sockets(at = () => server.address) {
  let newest;
  class Kept extends WebSocket {
    constructor(_, protocol) {
      super(at(), protocol, { perMessageDeflate: false });
      newest = this;
    }
  }
  return { options: { WebSocket: Kept, reconnect: { firstMs: 20, maxMs: 100 } }, cut: () => newest.terminate() };
}

/** Returns an owner of a new room. */
async function owner(t, more = {}, at) {
  const { options, cut } = sockets(at);
  const room = await host(server.address, { ...options, ...more });
  t.after(() => room.leave());
  return { room, cut };
}

/** Returns a viewer that records its messages. */
function viewer(t, id, more = {}, at) {
  const { options, cut } = sockets(at);
  const show = watch(server.address, id, { ...options, ...more });
  t.after(() => show.leave());
  const witness = new Witness();
  show.status.subscribe(({ name }) => witness.see(name));
  show.listen("message", ({ key, params }) => witness.see(`${key} ${params}`));
  show.listen("reset", ({ reason }) => witness.see(`reset ${reason}`));
  return { show, cut, witness };
}

const holds = (show) => [...show.state.getSnapshot()].map(([key, params]) => `${key}=${params}`).join(" ");

test("live and late viewers hold what the owner said", async (t) => {
  const { room } = await owner(t);
  const live = viewer(t, room.id);
  await live.show.entered;
  for (const n of [1, 2]) {
    await room.publish("slide", [n], { state: true });
    await room.publish("bell", [n]);
  }
  await room.publish("gone", [1], { state: true });
  await room.clear("gone");
  room.publish("pointer", [0.5, 0.25], { ephemeral: true });
  const late = await join(server.address, room.id, sockets().options);
  t.after(() => late.leave());
  await live.witness.sees("pointer 0.5,0.25");
  assert.deepEqual(live.witness.lines.slice(1), ["slide 1", "bell 1", "slide 2", "bell 2", "gone 1", "gone ", "pointer 0.5,0.25"]);
  assert.deepEqual([holds(late), holds(live.show), holds(room)], ["slide=2", "slide=2", "slide=2"]);
});

test("viewers and an owner that are cut again and again lose and repeat nothing", async (t) => {
  const { room, cut } = await owner(t);
  const viewers = Array.from({ length: 5 }, () => viewer(t, room.id));
  await Promise.all(viewers.map(({ show }) => show.entered));
  const MESSAGES = 300;
  for (let n = 1; n <= MESSAGES; n++) {
    const said = [room.publish("n", [n], { state: true })];
    // Without a connection an event is refused; it is sent again when there is one.
    const event = () => room.publish("bell", [n]).catch(async (error) => {
      assert.equal(error.code, "offline");
      await room.publish("n", [n], { state: true });
      return event();
    });
    said.push(event());
    if (n % 17 === 0) viewers[n % viewers.length].cut();
    if (n % 50 === 0) cut();
    await Promise.all(said);
  }
  await room.publish("end", [], { state: true });
  for (const { show, witness } of viewers) {
    await witness.sees("end ");
    const bells = witness.lines.filter((line) => line.startsWith("bell"));
    assert.deepEqual(bells, Array.from({ length: MESSAGES }, (_, n) => `bell ${n + 1}`));
    assert.equal(holds(show), `n=${MESSAGES} end=`);
    assert.deepEqual(witness.lines.filter((line) => line.startsWith("reset")), []);
  }
  assert.ok(room.term > 1);
});

test("the room outlives a server that is replaced, and a killed one", async (t) => {
  const folder = mkdtempSync(path(tmpdir(), "rtbroadcaster-"));
  let kept = await start(["--data-dir", folder]);
  t.after(async () => {
    await stop(kept);
    // After the last frame that the server writes there.
    rmSync(folder, { recursive: true });
  });
  const at = () => kept.address;
  const page = new Page(t);
  const now = performance.now.bind(performance);
  let passed = 0;
  t.mock.method(performance, "now", () => now() + passed);
  const { room } = await owner(t, {}, at);
  const resets = [];
  room.listen("reset", ({ reason }) => resets.push(reason));
  const { show, witness } = viewer(t, room.id, {}, at);
  await show.entered;
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    await room.publish("slide", [signal], { state: true });
    const offline = new Witness();
    room.status.subscribe(({ name }) => offline.see(name));
    kept.child.kill(signal);
    await kept.ended;
    await offline.sees("resuming");
    const waiting = room.publish("said", [signal], { state: true });
    kept = await start(["--data-dir", folder]);
    // A server that shuts down sets a time up to 23 s later, before which no client reconnects: the page's clock is advanced.
    passed += 24_000;
    page.network("online");
    await waiting;
    await witness.sees(`said ${signal}`);
  }
  assert.equal(holds(show), "slide=SIGKILL said=SIGKILL");
  assert.deepEqual(resets, []);
  assert.deepEqual(witness.lines.filter((line) => line.startsWith("reset")), []);
});

test("an owner takes its room over by its key, and the older one is fenced", async (t) => {
  const { room } = await owner(t);
  const { show, witness } = viewer(t, room.id);
  await room.publish("slide", [1], { state: true });
  const told = new Witness();
  room.status.subscribe(({ name, reason }) => told.see(`${name} ${reason}`));
  const { room: taken } = await owner(t, { room: room.id, ownerKey: room.ownerKey });
  assert.deepEqual([taken.term, holds(taken)], [2, "slide=1"]);
  await told.sees("elsewhere fenced");
  await assert.rejects(room.publish("slide", [2], { state: true }), { code: "fenced" });
  await taken.publish("slide", [3], { state: true });
  await witness.sees("slide 3");
  await taken.close();
  await witness.sees("closed");
  assert.deepEqual({ ...show.status.value }, { name: "closed", code: 4503, reason: "room_closed", comesBack: false, why: "owner" });
  await assert.rejects(join(server.address, room.id, sockets().options), { code: "no_room" });
});

test("viewers see that their owner is away, and that it is back", async (t) => {
  const { room, cut } = await owner(t);
  const { witness } = viewer(t, room.id);
  await witness.sees("live");
  cut();
  await witness.sees("away");
  await witness.until((lines) => lines.at(-1) === "live", "waiting for the owner");
});

test("a hidden page pauses and gets what was said meanwhile", async (t) => {
  const page = new Page(t);
  const { room } = await owner(t);
  const hidden = viewer(t, room.id);
  const other = viewer(t, room.id, { pauseHidden: false });
  await Promise.all([hidden.show.entered, other.show.entered]);
  page.hide();
  // The server has read the pause when it answers a later message.
  const heard = new Promise((resolve) => room.on("hand", resolve));
  hidden.show.signal("hand", []);
  await heard;
  for (const n of [1, 2, 3]) await room.publish("bell", [n]);
  await other.witness.sees("bell 3");
  assert.deepEqual(hidden.witness.lines, ["live"]);
  page.show();
  await hidden.witness.until((lines) => lines.at(-1) === "live", "waiting for the catch-up");
  assert.deepEqual(hidden.witness.lines.slice(1), ["resuming", "bell 1", "bell 2", "bell 3", "live"]);
});

test("an owner hears its viewers, their number and their votes", async (t) => {
  const { room } = await owner(t, { audience: true, signals: { vote: { count: true, everyMs: 100, oncePerViewer: true } } });
  const heard = new Witness();
  room.audience.subscribe(({ viewers }) => heard.see(`${viewers} viewers`));
  room.on("hand", ({ params }) => heard.see(`hand ${params}`));
  room.on("vote", ({ counts }) => heard.see(JSON.stringify(counts)));
  const [one, other] = [viewer(t, room.id), viewer(t, room.id)];
  one.show.audience.subscribe(({ viewers }) => one.witness.see(`${viewers} viewers`));
  await Promise.all([one.show.entered, other.show.entered]);
  await Promise.all([heard.sees("2 viewers"), one.witness.sees("2 viewers")]);
  await one.show.signal("hand", [true]);
  one.show.signal("vote", ["a"]);
  one.show.signal("vote", ["b"]);
  other.show.signal("vote", ["b"]);
  await heard.sees("hand true");
  await heard.sees('[[["b"],2]]');
  for (let n = 0; n < 10; n++) other.show.signal("hand", [n]).catch(({ code }) => other.witness.see(code));
  await other.witness.sees("rate");
});

test("a viewer is the same one over cuts and, with a storage, over reloads, and no other one is", async (t) => {
  const { room } = await owner(t);
  const identity = new Kept();
  const [one, other] = [viewer(t, room.id, { identity }), viewer(t, room.id)];
  await Promise.all([one.show.entered, other.show.entered]);
  const { number } = one.show;
  assert.ok(Number.isSafeInteger(number));
  assert.notEqual(other.show.number, number);
  one.cut();
  await one.witness.until((lines) => lines.join() === "live,resuming,live", "waiting for its return");
  assert.equal(one.show.number, number);
  one.show.leave();
  const again = viewer(t, room.id, { identity });
  await again.show.entered;
  assert.equal(again.show.number, number);
  const told = new Promise((resolve) => room.on("hand", resolve));
  again.show.signal("hand");
  assert.equal((await told).from, number);
});
