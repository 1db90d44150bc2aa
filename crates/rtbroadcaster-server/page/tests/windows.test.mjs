// Several windows of one browser that have the key of one room: only one owns it, and the others say so.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BROWSERS } from "./browsers.mjs";
import { DEADLINE_MS, duplicate, Stand, WAYS } from "./stand.mjs";

/** A copy of a presenter's window, as a browser makes one when a tab is duplicated: with its session storage. */
async function copy(page) {
  const [copied] = await Promise.all([page.waitForEvent("popup"), page.evaluate(() => void open(location.href))]);
  copied.setDefaultTimeout(DEADLINE_MS);
  return copied;
}

const status = (page, text) => page.locator("#status", { hasText: text }).waitFor();
const heading = (page, name) => page.getByRole("heading", { name }).waitFor();
const take = (page) => page.getByRole("button", { name: "Present here" }).click();

for (const browser of BROWSERS) {
  describe(browser, () => {
    let stand;
    before(async () => (stand = await Stand.begin([], undefined, browser)));
    after(async () => {
      await stand.end();
      assert.deepEqual(stand.wrongs, []);
    });

    for (const [what, script] of Object.entries(WAYS)) {
      test(`a copied window does not take the room, gets it when the first one is gone, and may take it at once: ${what}`, async () => {
        const { page } = await stand.presenter();
        // The popup opens in the same context, where scripts begin anew.
        await page.context().addInitScript(script);
        await page.reload();
        await status(page, "Presenting");
        const second = await copy(page);
        await heading(second, "Another window presents");
        await status(page, "Presenting");
        // Taken on purpose.
        await take(second);
        await status(second, "Presenting");
        await heading(page, "Another window presents");
        // And back.
        await take(page);
        await status(page, "Presenting");
        await heading(second, "Another window presents");
        // A third one waits, and gets it when the one that presents is closed.
        const third = await copy(page);
        await heading(third, "Another window presents");
        await page.close();
        await status(third, "Presenting");
        await third.context().close();
      });
    }

    test("a window that is loaded again, and one that comes back in its history, own their room at once", async () => {
      const { page } = await stand.presenter();
      for (const again of [() => page.reload(), async () => (await page.goto(`${stand.origin}/poll`), page.goBack())]) {
        await again();
        await status(page, "Presenting");
      }
      await page.context().close();
    });

    // Windows of one site are one process of Firefox: there none crashes alone.
    if (browser === "firefox") return;

    test("a window that crashed holds nothing", async () => {
      const { page } = await stand.presenter();
      // In a process of its own, as a window that was opened by another one is not.
      const second = await page.context().newPage();
      await duplicate(page, second, stand.origin);
      await heading(second, "Another window presents");
      await page.goto("chrome://crash").catch(() => {});
      await status(second, "Presenting");
      await second.context().close();
    });
  });
}
