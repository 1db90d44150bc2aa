// Tabs that share one connection: each of them shows and reports the same as with a connection of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser, settle, stateOf, until } from "./tabs-stand.mjs";

const kept = { state: true };

/** Drops the worker's connection by `take`, and waits until all tabs have reconnected. */
async function away(tabs, take) {
  const before = tabs.map(({ statuses }) => statuses.length);
  take();
  const isBack = ({ name, statuses }, at) => name === "live" && statuses.slice(before[at]).some((status) => status.startsWith("resuming"));
  await until(() => tabs.every(isBack), () => `tabs are back: ${tabs.map(({ statuses }) => statuses.join(", ")).join("; ")}`);
}

test("tabs share one connection, and one that joins late gets the state", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  room.say("a", [1], kept);
  room.say("bell", [2]);
  const first = await browser.join();
  room.say("b", [3], kept);
  room.say("a", [4], kept);
  const second = await browser.join();
  room.say("bell", [5]);
  room.ephemeral("pointer", [6]);
  await settle();
  assert.deepEqual(first.told, ["1 a [1]", "3 b [3]", "4 a [4]", "5 bell [5]", "- pointer [6]"]);
  assert.deepEqual(second.told, ["3 b [3]", "4 a [4]", "5 bell [5]", "- pointer [6]"]);
  assert.deepEqual([first.state, second.state], ["b[3] a[4]", "b[3] a[4]"]);
  assert.deepEqual([room.count, room.members.size, first.own, second.own], [1, 1, 0, 0]);
  assert.equal(first.show.number, second.show.number);
});

test("a tab that lost the worker for a moment gets what it missed, once", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const tab = await browser.join();
  room.say("bell", [1]);
  await settle();
  tab.lose();
  assert.equal(tab.name, "resuming");
  room.say("bell", [2]);
  room.say("bell", [3]);
  await until(() => tab.name === "live");
  await settle();
  room.say("bell", [4]);
  await settle();
  assert.deepEqual(tab.told, ["1 bell [1]", "2 bell [2]", "3 bell [3]", "4 bell [4]"]);
  assert.equal(room.count, 1);
});

test("a tab that missed more than the worker keeps is told so, and has the state", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [hidden, seen] = [await browser.join(), await browser.join()];
  hidden.hide();
  await settle();
  for (let n = 1; n <= 1_500; n++) room.say(n % 2 ? "bell" : "n", [n], n % 2 ? {} : kept);
  await settle();
  assert.deepEqual(hidden.told, []);
  hidden.hide(false);
  await until(() => hidden.name === "live");
  assert.deepEqual(hidden.told, ["reset retention", "1500 n [1500]"]);
  assert.equal(seen.told.length, 1_500);
  assert.deepEqual([hidden.state, room.count, room.members.size], [stateOf(room), 1, 1]);
});

test("while the worker's connection is lost no tab says live, and each tells why; then all are back and lack nothing", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const tabs = [await browser.join(), await browser.join(), await browser.join()];
  room.say("a", [1], kept);
  await settle();
  room.isRefusing = true;
  room.cut(1011, "fault");
  await until(() => tabs.every(({ statuses }) => statuses.includes("resuming 1011 fault")));
  room.say("bell", [2]);
  // The attempts of the worker fail, too.
  await until(() => tabs.every(({ statuses }) => statuses.includes("resuming 1006 lost")));
  assert.ok(tabs.every(({ name }) => name === "resuming"));
  room.isRefusing = false;
  await until(() => tabs.every(({ name }) => name === "live"));
  for (const { told, own } of tabs) assert.deepEqual([told, own], [["1 a [1]", "2 bell [2]"], 0]);
  assert.equal(room.members.size, 1);
});

test("a tab that waits for its next attempt is told when the worker is back", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const quick = await browser.join();
  const slow = await browser.join({ reconnect: { firstMs: 1e9, maxMs: 1e9, random: () => 1 } });
  await away([quick, slow], () => room.cut());
  assert.deepEqual([slow.back, room.members.size], [1, 1]);
  const never = await browser.join({ reconnect: false });
  await away([quick, slow], () => room.cut());
  assert.deepEqual([never.name, never.back], ["resuming", 0]);
  never.show.reconnect();
  await until(() => never.name === "live");
});

test("the worker pauses when all its tabs are hidden, and brings what was missed to each that is shown", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [first, second, greedy] = [await browser.join(), await browser.join(), await browser.join({ pauseHidden: false })];
  const [member] = room.members;
  first.hide();
  second.hide();
  await settle();
  greedy.hide();
  await settle();
  assert.equal(member.state, "in", "one tab wants all");
  greedy.show.leave();
  await until(() => member.state === "paused");
  room.say("bell", [1]);
  room.say("a", [2], kept);
  await settle();
  first.hide(false);
  await until(() => first.name === "live" && first.told.length === 2);
  assert.deepEqual([first.told, second.told, member.state], [["1 bell [1]", "2 a [2]"], [], "in"]);
  room.say("bell", [3]);
  await settle();
  second.hide(false);
  await until(() => second.told.length === 3);
  for (const { told, state } of [first, second]) assert.deepEqual([told, state], [["1 bell [1]", "2 a [2]", "3 bell [3]"], "a[2]"]);
  assert.equal(room.count, 1);
});

test("a tab that is opened while the others are hidden gets the state, and they stay as they are", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const first = await browser.join();
  first.hide();
  await until(() => [...room.members][0].state === "paused");
  room.say("a", [1], kept);
  const second = await browser.join();
  assert.deepEqual([first.told, second.told], [[], ["1 a [1]"]]);
});

test("signals go to the owner, and a refusal to the tab whose signal it was", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [first, second] = [await browser.join(), await browser.join()];
  await first.signal("hand", [1]);
  await second.signal("hand", [2]);
  await until(() => room.signals.length === 2);
  assert.deepEqual(room.signals, [["hand", 1], ["hand", 2]]);
  await settle();
  room.refusal = "unavailable";
  first.signal("hand", [3]);
  await until(() => first.told.length === 1);
  second.signal("hand", [4]);
  await until(() => second.told.length === 1);
  assert.deepEqual([first.told, second.told], [["refused unavailable"], ["refused unavailable"]]);
  // All tabs are one viewer, which may send five in a second.
  room.refusal = undefined;
  first.signal("hand", [5]);
  second.signal("hand", [6]);
  await until(() => second.told.length === 2);
  assert.deepEqual([first.told, second.told], [["refused unavailable"], ["refused unavailable", "refused rate"]]);
  assert.deepEqual(room.signals.at(-1), ["hand", 5]);
});

test("who is away, how many watch, and that something was superseded is told to tabs as to any viewer", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const first = await browser.join();
  room.away(true);
  room.tell({ type: "audience", viewers: 7 });
  await settle();
  assert.deepEqual([first.name, first.audience], ["away", 7]);
  const late = browser.open();
  await until(() => late.name === "away");
  assert.equal(late.audience, 7);
  assert.ok(Math.abs(late.show.status.value.since - first.show.status.value.since) < 1_000);
  room.away(false);
  room.hold();
  for (let n = 1; n <= 5; n++) room.say("a", [n], kept);
  room.say("bell", [6]);
  room.release();
  await settle();
  assert.deepEqual([first.name, first.told], ["lagging", ["5 a [5]", "6 bell [6]"]]);
  // A tab that would not know what it misses connects by itself.
  const third = await browser.join();
  assert.deepEqual([third.own, third.state], [1, "a[5]"]);
  room.alive();
  await settle();
  assert.deepEqual([first.name, late.name], ["live", "live"]);
  const fourth = await browser.join();
  assert.equal(fourth.own, 0);
  // After the skipped numbers, whose newer values have come.
  first.lose();
  await until(() => first.name === "live");
  assert.equal(first.own, 0);
});

test("a reset of the worker is one of each tab, also of one that was out or paused meanwhile", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [first, second] = [await browser.join(), await browser.join()];
  room.say("a", [1], kept);
  room.say("b", [2], kept);
  await settle();
  second.hide();
  await settle();
  room.hold();
  room.say("bell", [3]);
  room.say("a", [4], kept);
  room.slow();
  await settle();
  room.say("bell", [5]);
  await settle();
  assert.deepEqual(first.told, ["1 a [1]", "2 b [2]", "reset slow", "4 a [4]", "5 bell [5]"]);
  second.hide(false);
  await until(() => second.told.length > 2 && second.name === "live");
  assert.deepEqual(second.told, ["1 a [1]", "2 b [2]", "reset slow", "4 a [4]"]);
  await away([first, second], () => room.restart(4, true));
  for (const tab of [first, second]) {
    assert.equal(tab.told.filter((line) => line === "reset epoch").length, 1);
    assert.deepEqual([tab.state, tab.own], [stateOf(room), 0]);
  }
});

test("a room that ends is over for each tab, and no room is none for each", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const tabs = [await browser.join(), await browser.join()];
  room.end("grace");
  await until(() => tabs.every(({ name }) => name === "closed"));
  for (const { show } of tabs) assert.deepEqual(show.status.value, { name: "closed", code: 4503, reason: "room_closed", comesBack: false, why: "grace" });
});

test("what the server says to a join is the end of each tab, or the reason why it waits", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  room.refusedJoin = { code: "no_room", message: "there is no such room" };
  const tabs = [browser.open(), browser.open()];
  await until(() => tabs.every(({ name }) => name === "closed"));
  for (const { show } of tabs) assert.deepEqual(show.status.value, { name: "closed", code: 4510, reason: "no_room", comesBack: false });
  await assert.rejects(tabs[0].show.entered, { code: "no_room" });
  room.refusedJoin = { code: "room_full", message: "full", retryInMs: 1 };
  const late = browser.open();
  await until(() => late.statuses.includes("connecting 1013 room_full"));
  room.refusedJoin = undefined;
  await until(() => late.name === "live");
});

test("a server that goes away tells each tab when to come back", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const tabs = [await browser.join(), await browser.join()];
  room.say("bell", [1]);
  room.tell({ type: "draining", reconnectInMs: 50 });
  await settle();
  const begun = performance.now();
  await away(tabs, () => room.restart());
  assert.ok(performance.now() - begun >= 30, "the moment that the server chose");
  assert.ok(tabs.every(({ statuses }) => statuses.includes("resuming 1012 restart")));
  for (const { told, own } of tabs) assert.deepEqual([told, own], [["1 bell [1]"], 0]);
});

test("a tab that asks whether the connection stands is not answered by the worker, but by the server", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [first, second] = [await browser.join(), await browser.join()];
  room.isSilent = true;
  first.show.reconnect();
  await settle();
  // No tab enters a room without a complete state.
  const third = browser.open();
  await until(() => first.statuses.includes("checking"));
  assert.deepEqual(third.told, []);
  assert.notEqual(third.name, "live");
  await until(() => first.statuses.includes("resuming 1006 silent"));
  room.isSilent = false;
  await until(() => [first, second, third].every(({ name }) => name === "live"));
  assert.deepEqual([room.count, room.members.size], [2, 1]);
});

test("the last tab that leaves has the worker leave, and the next one begins anew", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [first, second] = [await browser.join(), await browser.join()];
  first.show.leave();
  await settle();
  assert.equal(room.members.size, 1);
  second.show.leave();
  await until(() => room.members.size === 0);
  room.say("a", [1], kept);
  const third = await browser.join();
  assert.deepEqual([third.state, third.own, room.count], ["a[1]", 0, 2]);
});

test("a tab that is gone without a word is forgotten by its lock", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [first, second] = [await browser.join(), await browser.join()];
  second.hide();
  await settle();
  assert.equal([...room.members][0].state, "in");
  browser.vanish(first);
  await until(() => [...room.members][0].state === "paused");
});

test("a worker that crashed is noticed at once; each tab goes on by itself and lacks nothing, and a new one shares again", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const tabs = [await browser.join(), await browser.join()];
  room.say("bell", [1]);
  await settle();
  await away(tabs, () => {
    browser.crash();
    room.say("bell", [2]);
  });
  room.say("bell", [3]);
  await settle();
  for (const { told, own } of tabs) assert.deepEqual([told, own], [["1 bell [1]", "2 bell [2]", "3 bell [3]"], 1]);
  const [third, fourth] = [await browser.join(), await browser.join()];
  assert.deepEqual([third.own, fourth.own, room.members.size], [0, 0, 3]);
  // The other tabs share it too, from their next connection on.
  await away([...tabs, third, fourth], () => room.cut());
  assert.equal(room.members.size, 1);
});

test("a tab that takes nothing is given up, and gets what it missed when it comes back", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [frozen, other] = [await browser.join(), await browser.join()];
  const thaw = browser.freeze(frozen);
  const body = "x".repeat(10_000);
  for (let n = 1; n <= 90; n++) room.say("bell", [n, body]);
  await settle();
  thaw();
  await until(() => frozen.told.length === 90 && frozen.name === "live");
  assert.ok(!frozen.statuses.includes("resuming 4008 slow"), "90 frames may be on their way");
  const again = browser.freeze(frozen);
  for (let n = 91; n <= 300; n++) {
    room.say("bell", [n, body]);
    if (n % 20 === 0) await settle();
  }
  again();
  await until(() => frozen.name === "live" && frozen.statuses.includes("resuming 4008 slow"));
  assert.ok(frozen.told.includes("reset retention"), "the worker keeps a megabyte");
  assert.equal(other.told.length, 300);
  assert.deepEqual([other.statuses, room.count], [["live"], 1]);
});

test("tabs with different tokens do not share, and no name tells a token", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [a, b, again] = [await browser.join({ token: "a" }), await browser.join({ token: "b" }), await browser.join({ token: "a" })];
  assert.equal(room.members.size, 2);
  assert.deepEqual(room.asked.map(({ token }) => token), ["a", "b"]);
  assert.deepEqual([a.own, b.own, again.own], [0, 0, 0]);
  for (const name of browser.workers.keys()) assert.doesNotMatch(name, / (a|b)( |$)/);
});

test("where tokens come from a function, the worker asks a tab for each of its connections", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  let count = 0;
  const token = async () => `token-${++count}`;
  const tabs = [await browser.join({ token }), await browser.join({ token })];
  assert.deepEqual([room.count, room.asked[0].token], [1, "token-2"]);
  await away(tabs, () => room.cut());
  assert.match(room.asked[1].token, /^token-[3-6]$/);
  assert.deepEqual(tabs.map(({ own }) => own), [0, 0]);
  // Without a token there is no connection, and the tab reports why.
  const lost = new Browser(t);
  const tab = lost.open({ token: () => Promise.reject(new Error("no")) });
  await until(() => tab.statuses.includes("connecting 1006 token"));
});

test("tabs are the viewer whose key they keep, and a tab with another key is another viewer", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const storage = (key) => ({ getItem: () => key ?? null, setItem: (_, newer) => (key = newer) });
  const shared = storage("key-7");
  const first = await browser.join({ identity: shared });
  const second = await browser.join({ identity: shared });
  const other = await browser.join({ identity: storage("key-8") });
  const fresh = storage();
  const third = await browser.join({ identity: fresh });
  assert.deepEqual([first, second, other, third].map(({ show, own }) => [show.number, own]), [[7, 0], [7, 0], [8, 1], [7, 0]]);
  assert.equal(fresh.getItem(), "key-7");
  // A tab without a storage is a new viewer for the server.
  const nobody = await browser.join();
  assert.notEqual(nobody.show.number, 7);
});

test("a worker that does not answer is not waited for", async (t) => {
  const browser = new Browser(t);
  browser.isMute = true;
  browser.room.say("a", [1], kept);
  const begun = performance.now();
  const tab = await browser.join();
  assert.deepEqual([tab.own, tab.state, tab.statuses], [1, "a[1]", ["live"]]);
  assert.ok(performance.now() - begun < 2_000);
});

test("where there are no locks the port alone tells", async (t) => {
  const browser = new Browser(t, false);
  const { room } = browser;
  const [first, second] = [await browser.join(), await browser.join()];
  room.say("bell", [1]);
  await settle();
  assert.deepEqual([first.told, second.told, room.count], [["1 bell [1]"], ["1 bell [1]"], 1]);
});

test("a tab that comes back over an old hole is live, and none gets a state that is torn", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [seen, hidden] = [await browser.join(), await browser.join()];
  hidden.hide();
  await settle();
  const hole = () => {
    room.hold();
    for (let n = 1; n <= 3; n++) room.say("a", [room.seq], kept);
    room.say("bell", [room.seq]);
    room.release();
  };
  hole();
  room.alive();
  await settle();
  hidden.hide(false);
  await until(() => hidden.told.length === 2);
  assert.deepEqual([hidden.name, hidden.told], ["live", seen.told]);
  // More than the worker keeps, while newer values may still be to come.
  hidden.hide();
  await settle();
  hole();
  for (let n = 1; n <= 1_100; n++) room.say("bell", [room.seq]);
  await settle();
  hidden.hide(false);
  await settle();
  assert.deepEqual([hidden.name, hidden.told.length, seen.name], ["resuming", 2, "lagging"]);
  room.alive();
  await until(() => hidden.name === "live" && seen.name === "live");
  assert.deepEqual(hidden.told.slice(2), ["reset retention", `7 a [6]`]);
});

test("a tab that is hidden while a state is on its way gets it to its end", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const [tab, other] = [await browser.join(), await browser.join()];
  for (const key of ["a", "b"]) room.say(key, [room.seq], kept);
  await settle();
  const [first, second] = room.state.values();
  const { epoch, term, seq } = room;
  room.tell({ type: "reset", reason: "slow", epoch, term, seq, replay: 2, owner: "live" }, first);
  await settle();
  tab.hide();
  await settle();
  room.tell(second);
  await settle();
  assert.deepEqual([tab.told.at(-1), tab.state], ["reset slow", "a[0] b[1]"]);
  room.say("bell", [2]);
  await settle();
  tab.hide(false);
  await until(() => tab.told.at(-1) === "3 bell [2]");
  assert.deepEqual([tab.name, other.told], ["live", tab.told]);
});

test("a tab that waits for its answer when the room ends is told why", async (t) => {
  const browser = new Browser(t);
  const { room } = browser;
  const first = await browser.join();
  room.isSilent = true;
  first.show.reconnect();
  const second = browser.open();
  await settle();
  room.end("admin");
  await until(() => second.name === "closed");
  assert.deepEqual([first, second].map(({ show }) => show.status.value.why), ["admin", "admin"]);
});
