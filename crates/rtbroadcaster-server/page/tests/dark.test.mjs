// Pages whose way to the server goes dark, in each browser: within 2 s of being shown again their status is true, no room is lost, and no
// message is lost or repeated, in both roles. RTBROADCASTER_RUNS says how often; the figures are told.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { start, stop } from "../../../../protocol/server.mjs";
import { BROWSERS } from "./browsers.mjs";
import { DarkWay } from "./dark.mjs";
import { heard, isLive, owner, statusesSince, viewer } from "./ends.mjs";
import { cover, DEADLINE_MS, SERVER_ARGUMENTS, Stand } from "./stand.mjs";

const RUNS = Number(process.env.RTBROADCASTER_RUNS ?? 1);

/** In which time a status has to be true, in milliseconds. */
const TRUE_MS = 2_000;

/** For how long a page is hidden on a dark way, one run after another, in milliseconds: shorter and longer than a probe takes. */
const HIDDEN_MS = [0, 700, 2_500, 6_000];

/** What is dark, one run after another. */
const DIRECTIONS = ["both", "there", "back"];

/** Heartbeats that notice a way which nothing else tells to be dark, and a grace that is longer than that takes. */
const SILENT = ["--ping-interval", "1s", "--owner-grace", "8s"];

const of = (all, run) => all[run % all.length];

for (const browser of BROWSERS) {
  describe(browser, () => {
    let stand;
    let silent;
    before(async () => {
      stand = await Stand.beginReal([], [], browser);
      silent = await start([...SERVER_ARGUMENTS, ...SILENT]);
    });
    after(async () => {
      await stop(silent);
      await stand.end();
      assert.deepEqual(stand.wrongs, []);
    });

    /** An owner and a viewer of its room, each on a way of its own. */
    async function pair(t, server) {
      const port = Number(new URL(server.address).port);
      const ways = { owner: await DarkWay.to(port), viewer: await DarkWay.to(port) };
      t.after(() => Object.values(ways).forEach((way) => way.end()));
      const pages = { owner: await stand.blank(ways.owner.origin), viewer: await stand.blank(ways.viewer.origin) };
      const room = await owner(pages.owner);
      await viewer(pages.viewer, room);
      return { ways, pages, room };
    }

    /**
     * Waits until an end whose way went dark has another connection and is live on it. Returns how long after `shown` its status was
     * first true, and how long after that it was live.
     */
    async function back({ pages, ways }, role, { dark, shown, count }) {
      await pages[role].waitForFunction(
        (dark) => globalThis.statuses.some(({ name, at }) => at >= dark && name === "live"),
        dark,
        { polling: 50, timeout: DEADLINE_MS },
      );
      const told = await statusesSince(pages[role], dark);
      const names = told.map(({ name }) => name);
      // It is live again on another connection only.
      const resumes = names.indexOf("resuming");
      assert.ok(ways[role].count > count && resumes >= 0 && !names.slice(1, resumes).includes("live"), `live on a dark way: ${names}`);
      const after = (found) => Math.max(0, found.at - shown);
      return { true: after(told.find(({ name }) => name !== "live")), live: after(told.find(({ name }, at) => at > resumes && name === "live")) };
    }

    /** Closes a pair, which must hold every message once, in the room that it began with. Returns what it counted. */
    async function whole({ pages, ways, room }) {
      const { lost, repeated, isOrdered, resets, said } = await heard(pages.viewer, pages.owner);
      const now = await pages.owner.evaluate(() => ({ id: globalThis.end.id, how: globalThis.end.status.value.how, resets: globalThis.resets }));
      for (const page of Object.values(pages)) await page.close();
      for (const way of Object.values(ways)) way.end();
      assert.deepEqual([lost, repeated, isOrdered, resets, now.resets], [0, 0, true, [], []]);
      assert.deepEqual([now.id, now.how === "replaced"], [room, false]);
      return { said, lost, repeated, rooms: now.id === room ? 0 : 1 };
    }

    /** Tells the figures of all runs. */
    function figures(t, took) {
      const worst = (name) => Math.max(...took.map((one) => one[name]));
      const sum = (name) => took.reduce((all, one) => all + (one[name] ?? 0), 0);
      t.diagnostic(`${browser}: ${RUNS} runs, status true after ${worst("true")} ms at most, live after ${worst("live")} ms at most; ${sum("said")} messages, ${sum("lost")} lost, ${sum("repeated")} repeated; rooms lost: ${sum("rooms")}`);
    }

    for (const role of ["owner", "viewer"]) {
      test(`the way of a hidden ${role} goes dark, ${RUNS} times: its status is true within 2 s of being shown`, async (t) => {
        const took = [];
        for (let run = 0; run < RUNS; run++) {
          const all = await pair(t, stand.server);
          const { pages, ways } = all;
          await pages.owner.evaluate(() => globalThis.say(2));
          const show = await cover(pages[role]);
          await pages.owner.evaluate(() => globalThis.say(1));
          const { count } = ways[role];
          const dark = Date.now();
          ways[role].darken(of(DIRECTIONS, run));
          const saying = pages.owner.evaluate(() => globalThis.say(3));
          await later(of(HIDDEN_MS, run));
          const shown = await show();
          const times = await back(all, role, { dark, shown, count });
          assert.ok(times.true <= TRUE_MS, `true after ${times.true} ms`);
          await saying;
          await isLive(pages.viewer);
          took.push({ ...times, ...(await whole(all)) });
        }
        figures(t, took);
      });
    }

    test(`the ways of both ends go dark while they are shown and nothing tells them, ${RUNS} times: no room is lost`, async (t) => {
      const took = [];
      for (let run = 0; run < RUNS; run++) {
        const all = await pair(t, silent);
        const { pages, ways } = all;
        await pages.owner.evaluate(() => globalThis.say(2));
        const counts = { owner: ways.owner.count, viewer: ways.viewer.count };
        const dark = Date.now();
        for (const way of Object.values(ways)) way.darken(of(DIRECTIONS, run));
        took.push(...(await Promise.all(Object.keys(ways).map((role) => back(all, role, { dark, shown: dark, count: counts[role] })))));
        await pages.owner.evaluate(() => globalThis.say(1));
        Object.assign(took.at(-1), await whole(all));
      }
      figures(t, took);
    });

    test("the page at / says that its way is dark, in both roles", async (t) => {
      const way = await DarkWay.to(Number(new URL(stand.server.address).port));
      t.after(() => way.end());
      stand.origin = way.origin;
      const { page: presenter, path } = await stand.presenter();
      const watching = await stand.window(path);
      const pages = [[presenter, "Presenting"], [watching, "Following"]];
      const shows = [];
      for (const [page, live] of pages) {
        await page.locator("#status", { hasText: live }).waitFor();
        shows.push(await cover(page));
      }
      way.darken();
      for (const [at, [page, live]] of pages.entries()) {
        await page.evaluate(() => {
          const pill = document.getElementById("status");
          globalThis.told = new Promise((tell) => {
            const look = () => tell([Date.now(), pill.textContent]);
            new MutationObserver(look).observe(pill, { childList: true, characterData: true, subtree: true });
          });
        });
        const shown = await shows[at]();
        const [told, text] = await page.evaluate(() => globalThis.told);
        assert.ok(told - shown <= TRUE_MS && text !== live, `${text} after ${told - shown} ms`);
      }
      for (const [page, live] of pages) await page.locator("#status", { hasText: live }).waitFor();
      await presenter.getByRole("button", { name: "Next slide" }).click();
      await watching.locator("#number", { hasText: "2" }).waitFor();
      for (const [page] of pages) await page.close();
    });
  });
}
