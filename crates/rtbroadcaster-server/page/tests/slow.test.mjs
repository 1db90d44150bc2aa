// A viewer whose network is too slow for what the owner says, in a real browser: it is told that it lags, says so, and ends
// with the owner's state; so does the page at `/`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Network } from "./network.mjs";
import { DEADLINE_MS, Stand } from "./stand.mjs";

/** What the slow way lets through, in bytes a second: less than the owner says. */
const SLOW = 1_500_000;

/** How many keys the owner changes with each frame, and how long each value is. All of them fit in what may wait for a viewer. */
const KEYS = 3;
const WEIGHT = 60_000;

/** The time between two heartbeats. After one that is behind the last hole, a viewer knows that it lags no more. */
const PING_INTERVAL = "5s";

let stand;
let network;
before(async () => {
  stand = await Stand.begin([], ["--ping-interval", PING_INTERVAL]);
  network = new Network(() => Number(new URL(stand.server.address).port));
  await network.listen();
});
after(async () => {
  network.close();
  await stand.end();
});

test("a viewer on a slow way is told that it lags, says so, and ends live with the owner's state", { timeout: 2 * DEADLINE_MS }, async (t) => {
  const owner = await stand.blank(stand.origin);
  const id = await owner.evaluate(async () => {
    const room = (globalThis.room = await globalThis.sdk.host("/broadcasting"));
    globalThis.lagging = 0;
    room.audience.subscribe(({ lagging }) => (globalThis.lagging = Math.max(globalThis.lagging, lagging)));
    await room.publish("begin", [], { state: true });
    return room.id;
  });
  const slow = await stand.blank(network.origin);
  await slow.evaluate((id) => {
    Object.assign(globalThis, { statuses: [], resets: [], bytes: 0 });
    const show = (globalThis.show = globalThis.sdk.watch("/broadcasting", id));
    show.status.subscribe(({ name, reason }) => globalThis.statuses.push(reason ? `${name} ${reason}` : name));
    show.listen("reset", ({ reason }) => globalThis.resets.push(reason));
    return show.entered;
  }, id);
  const page = await stand.browser.newPage();
  await page.goto(`${network.origin}/?uuid=${id}`);
  await page.locator("#status", { hasText: "Following" }).waitFor();
  await page.evaluate(() => {
    const pill = document.getElementById("status");
    globalThis.shown = [pill.textContent];
    new MutationObserver(() => globalThis.shown.push(pill.textContent)).observe(pill, { childList: true, subtree: true, characterData: true });
  });
  network.slow(SLOW);
  await owner.evaluate(({ keys, weight }) => {
    const { room } = globalThis;
    globalThis.stop = false;
    globalThis.saying = (async () => {
      for (let n = 0; !globalThis.stop; n++) {
        await Promise.all(Array.from({ length: keys }, (_, key) => room.publish(`k${key}`, [n, "x".repeat(weight)], { state: true })));
      }
      return room.publish("end", [], { state: true });
    })();
  }, { keys: KEYS, weight: WEIGHT });
  await owner.waitForFunction(() => globalThis.lagging === 2);
  await slow.waitForFunction(() => globalThis.statuses.includes("lagging"));
  await page.locator("#status", { hasText: "Catching up…" }).waitFor();
  await owner.evaluate(() => {
    globalThis.stop = true;
    return globalThis.saying;
  });
  assert.deepEqual(await slow.evaluate(() => globalThis.show.state.get("end")), undefined, "it is behind");
  network.slow(0);
  await slow.waitForFunction(() => globalThis.show.status.value.name === "live" && globalThis.show.state.get("end"), null, { timeout: DEADLINE_MS });
  const { statuses, resets, state } = await slow.evaluate(() => {
    const { statuses, resets, show } = globalThis;
    return { statuses, resets, state: [...show.state.getSnapshot()] };
  });
  t.diagnostic(`${statuses.join(", ")}; resets: ${resets.join(", ") || "none"}`);
  assert.equal(statuses.at(-1), "live");
  assert.ok(!statuses.some((name) => name.startsWith("resuming ")), "it was not cut off");
  assert.deepEqual(state, await owner.evaluate(() => [...globalThis.room.state.getSnapshot()]));
  await page.locator("#status", { hasText: "Following" }).waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.shown), ["Following", "Catching up…", "Following"]);
});
