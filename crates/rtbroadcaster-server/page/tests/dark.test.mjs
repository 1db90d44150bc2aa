// A page whose way to the server went dark while nobody looked: within 2 s of being shown again its status is true, in both roles.
// RTBROADCASTER_RUNS says how often.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DarkWay } from "./dark.mjs";
import { Stand } from "./stand.mjs";

const RUNS = Number(process.env.RTBROADCASTER_RUNS ?? 2);

/** In which time a status has to be true, in milliseconds. */
const TRUE_MS = 2_000;

let stand;
let way;
before(async () => {
  stand = await Stand.begin([], []);
  way = await DarkWay.to(Number(new URL(stand.origin).port));
  // Pages come the same way as their frames.
  stand.origin = way.origin;
});
after(async () => {
  way.end();
  await stand.end();
  assert.deepEqual(stand.wrongs, []);
});

/** The page is hidden, or shown, as far as its scripts see. */
const hide = (page, isHidden) => page.evaluate((is) => {
  Object.defineProperty(document, "hidden", { value: is, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}, isHidden);

const text = (page) => page.locator("#status").textContent();

for (const role of ["presenter", "viewer"]) {
  test(`a ${role} says within 2 s of being shown that its way is dark, and comes back, ${RUNS} times`, async (t) => {
    const { page: presenter, path } = await stand.presenter();
    const viewer = await stand.window(path);
    const live = { presenter: "Presenting", viewer: "Following" };
    const pages = { presenter, viewer };
    const page = pages[role];
    const took = [];
    for (let run = 0; run < RUNS; run++) {
      for (const [name, one] of Object.entries(pages)) await one.locator("#status", { hasText: live[name] }).waitFor();
      await hide(page, true);
      way.darken();
      const before = way.count;
      await hide(page, false);
      const shown = performance.now();
      // It is live again only on another connection.
      for (;;) {
        const said = await text(page);
        if (said !== live[role] || way.count > before) break;
        assert.ok(performance.now() - shown < TRUE_MS, `${said} is shown on a dark way`);
        await page.evaluate(() => new Promise(requestAnimationFrame));
      }
      took.push(Math.round(performance.now() - shown));
      await page.locator("#status", { hasText: live[role] }).waitFor();
      // The other page's way is dark too: it is shown as well.
      const other = pages[role === "viewer" ? "presenter" : "viewer"];
      await hide(other, true);
      await hide(other, false);
      await presenter.getByRole("button", { name: run % 2 ? "Previous slide" : "Next slide" }).click();
      await viewer.locator("#number", { hasText: run % 2 ? "1" : "2" }).waitFor();
    }
    t.diagnostic(`told after ${took.sort((one, other) => one - other).join(", ")} ms`);
    for (const one of Object.values(pages)) await one.context().close();
  });
}
