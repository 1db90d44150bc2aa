// Several windows of one browser that have the key of one room: only one owns it, and the others say so.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DEADLINE_MS, Stand } from "./stand.mjs";

let stand;
before(async () => {
  stand = await Stand.begin();
});
after(async () => {
  await stand.end();
  assert.deepEqual(stand.wrongs, []);
});

/** A copy of a presenter's window, as a browser makes one when a tab is duplicated: with its session storage. */
async function copy(page) {
  const [copied] = await Promise.all([page.waitForEvent("popup"), page.evaluate(() => void open(location.href))]);
  copied.setDefaultTimeout(DEADLINE_MS);
  return copied;
}

const status = (page, text) => page.locator("#status", { hasText: text }).waitFor();
const heading = (page, name) => page.getByRole("heading", { name }).waitFor();

for (const [what, script] of Object.entries({
  "with locks": "",
  // As in a page of plain http on an address of the network.
  "with a channel": "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })",
})) {
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
    await second.getByRole("button", { name: "Present here" }).click();
    await status(second, "Presenting");
    await heading(page, "Another window presents");
    // And back.
    await page.getByRole("button", { name: "Present here" }).click();
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

test("a window that crashed holds nothing", async () => {
  const { page } = await stand.presenter();
  // In a process of its own, as a window that was opened by another one is not.
  const kept = await page.evaluate(() => Object.entries(sessionStorage));
  const second = await page.context().newPage();
  await second.goto(`${stand.origin}/page/icon.svg`);
  await second.evaluate((all) => all.forEach(([name, value]) => sessionStorage.setItem(name, value)), kept);
  await second.goto(stand.origin);
  await heading(second, "Another window presents");
  await page.goto("chrome://crash").catch(() => {});
  await status(second, "Presenting");
  await second.context().close();
});
