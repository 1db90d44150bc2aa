// The SDK's inspector in a real browser, on pages that forbid inline styles: wide and narrow, light and dark, by keyboard. Must not know
// how it is made.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nameless, Stand } from "./stand.mjs";

/** A folder for pictures of it, for people. */
const PICTURES = process.env.PICTURES;

const SIZES = [{ width: 390, height: 844 }, { width: 1280, height: 800 }];

let stand;
before(async () => (stand = await Stand.begin()));
after(() => stand.end());

/** Opens a page that has an owner's room and a viewer of it, and inspects one of them. */
async function inspected(role, options) {
  const page = await stand.window("/", options);
  await page.evaluate(async ({ address, role }) => {
    const [{ host, join }, { inspect }] = await Promise.all([import("/sdk/index.js"), import("/sdk/inspector.js")]);
    const room = await host(address, { audience: true });
    await room.publish("slide", [3], { state: true });
    await room.publish("title", ["<b>What a long title</b> ".repeat(20)], { state: true });
    const show = await join(address, room.id, { share: false });
    const remove = inspect(role === "owner" ? room : show);
    for (let n = 1; n <= 5; n++) await room.publish("bell", [n]);
    await show.signal("hand", [true]);
    Object.assign(globalThis, { room, show, inspect, remove });
  }, { address: stand.server.address, role });
  const panel = page.getByRole("region", { name: `Inspector of a room: ${role}` });
  await panel.getByText("live", { exact: true }).first().waitFor();
  return { page, panel };
}

for (const viewport of SIZES) {
  for (const colorScheme of ["light", "dark"]) {
    for (const role of ["viewer", "owner"]) {
      test(`the ${role}'s inspector at ${viewport.width} px in ${colorScheme}: within the page, with names, and text only`, async () => {
        const { page, panel } = await inspected(role, { viewport, colorScheme });
        await panel.getByText(role === "owner" ? "hand" : "bell").first().waitFor();
        await panel.getByText("1 viewer").waitFor();
        if (PICTURES) await page.screenshot({ path: join(PICTURES, `inspector-${role}-${viewport.width}-${colorScheme}.png`) });
        const box = await panel.boundingBox();
        assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= viewport.width && box.y + box.height <= viewport.height, JSON.stringify(box));
        assert.equal(await panel.locator("b").count(), 0);
        const key = await page.evaluate(() => room.ownerKey);
        assert.ok(!(await panel.innerHTML()).includes(key));
        assert.deepEqual(await nameless(page), []);
        const overflow = await panel.evaluate((section) => section.scrollWidth - section.clientWidth);
        assert.equal(overflow, 0);
        const [ink, ground] = await panel.evaluate((section) => [getComputedStyle(section).color, getComputedStyle(section).backgroundColor].map((text) => Number(/\d+/.exec(text)[0])));
        assert.ok(colorScheme === "dark" ? ink > 200 && ground < 50 : ink < 50 && ground > 200, `${ink} on ${ground}`);
        await page.context().close();
      });
    }
  }
}

test("keys reach its controls, fold it, and close it; the focus goes back", async () => {
  const { page, panel } = await inspected("viewer");
  await page.evaluate(() => remove());
  assert.equal(await panel.count(), 0);
  const start = page.getByRole("button", { name: "Start a room" });
  await start.focus();
  await page.evaluate(() => void inspect(show, { focus: true }));
  const focused = () => page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.textContent);
  assert.equal(await focused(), "×");
  await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Less");
  await page.keyboard.press("Enter");
  await panel.getByRole("button", { name: "More" }).waitFor();
  assert.equal(await panel.getByText("Round trip").isVisible(), false);
  await page.keyboard.press("Escape");
  assert.equal(await panel.count(), 0);
  assert.equal(await start.evaluate((button) => button === document.activeElement), true);
});

test("its button brings a viewer back that gave up", async () => {
  const { page, panel } = await inspected("viewer");
  await page.evaluate(async (address) => {
    const { watch } = await import("/sdk/viewer.js");
    let isRefused = true;
    class Flaky extends WebSocket {
      constructor(url, protocol) {
        super(isRefused ? `${url}/nothing-is-here` : url, protocol);
      }
    }
    globalThis.remove();
    globalThis.other = watch(address, room.id, { reconnect: false, WebSocket: Flaky });
    globalThis.allow = () => (isRefused = false);
    inspect(other);
  }, stand.server.address);
  await panel.getByText("lost (1006)").waitFor();
  await page.evaluate(() => allow());
  await panel.getByRole("button", { name: "Reconnect" }).click();
  await panel.getByText("live", { exact: true }).first().waitFor();
  stand.wrongs = stand.wrongs.filter((wrong) => !wrong.includes("nothing-is-here"));
});

test("no page did what none should", () => assert.deepEqual(stand.wrongs, []));
