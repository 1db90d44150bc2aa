// Pages that are frozen while their way to the server goes dark, in each browser: within 2 s of going on their status is true, and no message
// is lost or repeated, in both roles.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { BROWSERS } from "./browsers.mjs";
import { DarkWay } from "./dark.mjs";
import { heard, isLive, owner, statusesSince, viewer } from "./ends.mjs";
import { freeze } from "./freeze.mjs";
import { cover, duplicate, Stand, WAYS } from "./stand.mjs";

const RUNS = Number(process.env.RTBROADCASTER_RUNS ?? 1);

/** In which time a status has to be true, in milliseconds. */
const TRUE_MS = 2_000;

/** For how long a page is frozen, in milliseconds: long enough to be noticed where nothing else tells it. */
const FROZEN_MS = 4_000;

for (const browser of BROWSERS) {
  describe(browser, () => {
    let stand;
    before(async () => (stand = await Stand.beginReal([], [], browser)));
    after(() => stand.end());

    /** One run. Returns how long after the page was shown its status was true, and live, and what it counted. */
    async function thaw(t, role) {
      const way = await DarkWay.to(Number(new URL(stand.origin).port));
      t.after(() => way.end());
      const pages = {
        owner: await stand.blank(role === "owner" ? way.origin : stand.origin),
        viewer: await stand.blank(role === "viewer" ? way.origin : stand.origin),
      };
      const room = await owner(pages.owner);
      await viewer(pages.viewer, room);
      await pages.owner.evaluate(() => globalThis.say(2));
      // The answer waits in the page.
      await pages.owner.evaluate(() => void (globalThis.saying = globalThis.say(3)));
      const show = await cover(pages[role]);
      const resume = await freeze(stand, pages[role]);
      const { count } = way;
      const dark = Date.now();
      way.darken();
      await later(FROZEN_MS);
      await resume();
      const shown = await show();
      await pages[role].waitForFunction((at) => globalThis.statuses.some((one) => one.at >= at && one.name === "live"), dark, { polling: 50 });
      const told = await statusesSince(pages[role], dark);
      const names = told.map(({ name }) => name);
      assert.ok(way.count > count && names.includes("resuming"), `live on a dark way: ${names}`);
      const after = (found) => Math.max(0, found.at - shown);
      const times = { true: after(told.find(({ name }) => name !== "live")), live: after(told.findLast(({ name }) => name === "live")) };
      assert.ok(times.true <= TRUE_MS, `true after ${times.true} ms`);
      await pages.owner.evaluate(() => globalThis.saying);
      for (const page of Object.values(pages)) await isLive(page);
      const { said, lost, repeated, isOrdered, resets } = await heard(pages.viewer, pages.owner);
      assert.deepEqual([lost, repeated, isOrdered, resets], [0, 0, true, []]);
      assert.equal(await pages.owner.evaluate(() => globalThis.end.id), room);
      for (const page of Object.values(pages)) await page.close();
      return { ...times, said, lost, repeated };
    }

    for (const role of ["owner", "viewer"]) {
      test(`the way of a frozen ${role} goes dark, ${RUNS} times: its status is true within 2 s of going on`, async (t) => {
        const took = [];
        for (let run = 0; run < RUNS; run++) took.push(await thaw(t, role));
        const worst = (name) => Math.max(...took.map((one) => one[name]));
        const sum = (name) => took.reduce((all, one) => all + one[name], 0);
        t.diagnostic(`${browser}: ${RUNS} runs, status true after ${worst("true")} ms at most, live after ${worst("live")} ms at most; ${sum("said")} messages, ${sum("lost")} lost, ${sum("repeated")} repeated`);
      });
    }

    // Windows of one site are one process of Firefox: there none freezes alone.
    if (browser === "firefox") return;

    for (const [what, script] of Object.entries(WAYS)) {
      test(`a frozen window holds no room: another one gets it, and the frozen one says so when it goes on: ${what}`, async () => {
        const status = (page, text) => page.locator("#status", { hasText: text }).waitFor();
        const taken = (page) => page.getByRole("heading", { name: "Another window presents" }).waitFor();
        const { page } = await stand.presenter();
        const second = await stand.window("/");
        for (const one of [page, second]) await one.addInitScript(script);
        await page.reload();
        await status(page, "Presenting");
        await duplicate(page, second, stand.origin);
        await taken(second);
        const show = await cover(page);
        const resume = await freeze(stand, page);
        await status(second, "Presenting");
        await resume();
        await show();
        await taken(page);
        await status(second, "Presenting");
        for (const one of [page, second]) await one.close();
      });
    }
  });
}
