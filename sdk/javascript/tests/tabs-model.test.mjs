// Tabs that share one connection, under random events of the tabs, the worker and the server: each tab ends in the owner's state, gets no
// event twice or out of order, and misses none without a report. Each run has a seed.
// RTBROADCASTER_SEED runs one of them, RTBROADCASTER_RUNS sets how many.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser, settle, stateOf, until } from "./tabs-stand.mjs";
import { randomOf } from "./world.mjs";

const RUNS = Number(process.env.RTBROADCASTER_RUNS ?? 3);
const SEEDS = process.env.RTBROADCASTER_SEED ? [Number(process.env.RTBROADCASTER_SEED)] : Array.from({ length: RUNS }, (_, n) => n + 1);

const STEPS = 1_000;
const TABS_MAX = 6;

/** Returns whether a tab got events in order, and misses some only where it was reported. `said`: all of them, in order. */
function check(told, said, seed) {
  let last;
  let isLossy = false;
  const newest = new Map();
  for (const [at, line] of told.entries()) {
    const context = `seed ${seed}: ${told.slice(Math.max(0, at - 5), at + 1).join(", ")}`;
    if (line.startsWith("reset")) {
      isLossy = true;
      newest.clear();
      continue;
    }
    const [, key, params] = line.split(" ");
    const n = params === "cleared" ? 0 : JSON.parse(params)[0];
    if (key === "bell") {
      const place = said.indexOf(n);
      assert.ok(place > (last ?? -1), context);
      if (last !== undefined && !isLossy) assert.equal(place, last + 1, context);
      last = place;
      isLossy = false;
    } else if (n) {
      assert.ok(n > (newest.get(key) ?? 0), context);
      newest.set(key, n);
    }
  }
  return { last, isLossy };
}

for (const seed of SEEDS) {
  test(`each of many tabs ends in the owner's state, seed ${seed}`, async (t) => {
    const random = randomOf(seed);
    const pick = (all) => all[Math.floor(random() * all.length)];
    const browser = new Browser(t, random() < 0.7);
    const { room } = browser;
    let n = 0;
    const said = [];
    const keys = ["a", "b", "c"];
    const open = () => browser.tabs.length < TABS_MAX && browser.open({ pauseHidden: random() < 0.8 });
    const tab = (func) => browser.tabs.length && func(pick(browser.tabs));
    const gone = [];
    // Delays are for networks, and this run has none: the user presses the button.
    const accept = () => {
      if (!room.isRefusing) return;
      room.isRefusing = false;
      for (const { viewer } of browser.workers.values()) viewer?.reconnect();
    };
    const happenings = [
      [30, () => room.say(pick(keys), [++n], { state: true })],
      [30, () => (room.say("bell", [++n]), said.push(n))],
      [5, () => room.say(pick(keys), [], { cleared: true })],
      [5, () => room.ephemeral("pointer", [++n])],
      [8, () => tab((one) => one.hide(!one.page.hidden))],
      [4, open],
      [2, () => tab((one) => (one.show.leave(), gone.push(one), browser.tabs.splice(browser.tabs.indexOf(one), 1)))],
      [3, () => tab((one) => one.socket?.readyState === 1 && one.lose())],
      [3, () => tab((one) => one.show.reconnect())],
      [2, () => room.cut()],
      [1, () => (room.isRefusing = true)],
      [5, accept],
      [2, () => room.restart()],
      [0.5, () => room.restart(Math.max(0, room.seq - 2), true)],
      [1, () => (room.floor = room.seq)],
      [3, () => room.hold()],
      [3, () => room.release()],
      [1, () => room.slow()],
      [4, () => room.alive()],
      [2, () => room.away(room.owner === "live")],
      [1, () => (room.isSilent = !room.isSilent)],
      [0.3, () => browser.locks && browser.crash()],
    ];
    const sum = happenings.reduce((all, [weight]) => all + weight, 0);
    open();
    for (let step = 0; step < STEPS; step++) {
      let at = random() * sum;
      happenings.find(([weight]) => (at -= weight) < 0)[1]();
      if (random() < 0.5) await settle();
    }
    Object.assign(room, { isRefusing: false, isSilent: false });
    room.release();
    if (room.owner === "away") room.away(false);
    // An unanswered ping may take half a minute to end its connection.
    room.cut();
    room.say("bell", [++n]);
    said.push(n);
    room.say("end", [++n], { state: true });
    for (const one of browser.tabs) one.hide(false);
    const isWhole = (one) => one.name === "live" && one.state === stateOf(room);
    await until(() => {
      room.alive();
      for (const { viewer } of [...browser.workers.values(), ...browser.tabs.map(({ show }) => ({ viewer: show }))]) {
        if (viewer?.status.value.retryInMs > 100) viewer.reconnect();
      }
      return browser.tabs.every(isWhole);
    }, () => `seed ${seed}: ${stateOf(room)}; ${browser.tabs.map((one) => `${one.statuses.slice(-3)} ${one.state}`).join("; ")}`);
    for (const { told } of gone) check(told, said, seed);
    for (const { told } of browser.tabs) {
      const { last, isLossy } = check(told, said, seed);
      // The last event came, unless the tab was disconnected for too long.
      if (!isLossy && last !== undefined) assert.equal(last, said.length - 1, `seed ${seed}: ${told.slice(-5)}`);
    }
    const lines = browser.tabs.concat(gone).flatMap(({ told }) => told);
    t.diagnostic(`${lines.length} lines, ${lines.filter((line) => line.startsWith("reset")).length} resets, ${room.count} connections`);
    assert.ok(browser.tabs.reduce((all, { own }) => all + own, 0) < room.count, "some was shared");
  });
}
