// Pages that are left and come back, in each browser: from the browser's memory where it keeps them, else loaded again. Their status is true
// within 2 s, the owner owns its room, and what was said right before the way out arrives once.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BROWSERS } from "./browsers.mjs";
import { heard, owner, viewer } from "./ends.mjs";
import { load, Stand } from "./stand.mjs";

const RUNS = Number(process.env.RTBROADCASTER_RUNS ?? 1);

/** In which time a status has to be true, in milliseconds. */
const TRUE_MS = 2_000;

/** How often an owner's page is left right behind what it says. */
const LEAVES = 5;

/** Notes each status of a page with its time, and each time that the page is shown, from its first script on. */
function note() {
  globalThis.noted = [];
  addEventListener("pageshow", ({ persisted }) => {
    globalThis.noted.push({ is: "shown", persisted, text: document.getElementById("status")?.textContent, at: performance.now() });
  }, { capture: true });
  addEventListener("DOMContentLoaded", () => {
    const pill = document.getElementById("status");
    if (!pill) return;
    new MutationObserver(() => globalThis.noted.push({ is: pill.textContent, at: performance.now() }))
      .observe(pill, { childList: true, characterData: true, subtree: true });
  });
}

for (const browser of BROWSERS) {
  describe(browser, () => {
    let stand;
    before(async () => (stand = await Stand.beginReal([], [], browser)));
    after(async () => {
      await stand.end();
      assert.deepEqual(stand.wrongs, []);
    });

    for (const [path, role, live] of [["/", "presenter", "Presenting"], ["/", "viewer", "Following"], ["/poll", "asker", "Asking"]]) {
      test(`a ${role}'s page at ${path} that comes back in its history says the truth within 2 s, ${RUNS} times`, async (t) => {
        const began = path === "/" ? await stand.presenter() : await stand.asker();
        const watching = await stand.window(began.path);
        const page = role === "viewer" ? watching : began.page;
        const status = (one, text) => one.locator("#status", { hasText: text }).waitFor();
        await page.addInitScript(note);
        await page.reload();
        await status(page, live);
        const took = [];
        let kept = 0;
        for (let run = 0; run < RUNS; run++) {
          await page.goto(stand.origin + (path === "/" ? "/poll" : "/"));
          if (role !== "viewer") await status(watching, "The presenter is away…");
          await page.evaluate(() => void setTimeout(() => history.back()));
          // One from memory is not loaded.
          await page.waitForURL((url) => url.pathname === path, { waitUntil: "commit" });
          await status(page, live);
          // One that is loaded may be in its room before it is shown.
          await page.waitForFunction(() => globalThis.noted.some(({ is }) => is === "shown"), null, { polling: 50 });
          const noted = await page.evaluate(() => globalThis.noted);
          const at = noted.findLastIndex(({ is }) => is === "shown");
          if (noted[at].persisted) kept += 1;
          // One that was kept shows what it did when it was left, where nothing has changed that.
          const isOld = noted[at].persisted && noted[at].text === live;
          const first = isOld ? noted.slice(at + 1).find(({ is }) => is !== live) : noted[at];
          const last = noted.findLast(({ is }) => is === live);
          took.push([first.at - noted[at].at, last.at - noted[at].at].map((ms) => Math.max(0, Math.round(ms))));
          assert.ok(took.at(-1)[0] <= TRUE_MS, `true after ${took.at(-1)[0]} ms`);
          await status(watching, "Following");
        }
        const worst = (which) => Math.max(...took.map((one) => one[which]));
        t.diagnostic(`${browser}: ${took.length} runs, ${kept} of them from memory; status true after ${worst(0)} ms at most, ${live} after ${worst(1)} ms at most`);
        for (const one of [began.page, watching]) await one.close();
      });
    }

    test(`what an owner says right before it navigates arrives once, ${LEAVES} of ${LEAVES} times`, async (t) => {
      const speaking = await stand.blank(stand.origin);
      const room = await owner(speaking);
      const watching = await stand.blank(stand.origin);
      await viewer(watching, room);
      let said = 0;
      for (let leave = 0; leave < LEAVES; leave++) {
        // Two values of one key: the second one waits for the next frame, which does not come any more.
        await speaking.evaluate(([first, to]) => void setTimeout(() => {
          const { end } = globalThis;
          end.publish("n", [first], { state: true });
          end.publish("bell", [first]);
          end.publish("n", [first + 1], { state: true });
          end.publish("bell", [first + 1]);
          end.publish("late", [first + 1], { state: true });
          end.publish("n", [first + 2], { state: true });
          location.href = to;
        }), [said + 1, `${stand.origin}/page/icons.svg?${leave}`]);
        said += 2;
        await speaking.waitForURL((url) => url.search === `?${leave}`);
        await watching.waitForFunction(
          (said) => globalThis.bells.at(-1) === said && globalThis.end.state.get("late")?.[0] === said && globalThis.end.state.get("n")?.[0] === said + 1,
          said,
          { polling: 50 },
        );
        await load(speaking);
        assert.equal(await owner(speaking), room, "it is the owner again");
      }
      await speaking.evaluate((said) => {
        globalThis.said = said;
        return globalThis.say(1);
      }, said);
      const { lost, repeated, isOrdered } = await heard(watching, speaking);
      t.diagnostic(`${browser}: ${said} events and as many values right before ${LEAVES} ways out, ${lost} lost, ${repeated} repeated`);
      assert.deepEqual([lost, repeated, isOrdered], [0, 0, true]);
      for (const one of [speaking, watching]) await one.close();
    });
  });
}
