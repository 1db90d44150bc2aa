// The page in a real browser: one window presents, others follow and learn what becomes of the room.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { DEADLINE_MS, nameless, Stand } from "./stand.mjs";

let stand;
before(async () => (stand = await Stand.begin()));
after(async () => {
  await stand.end();
  assert.deepEqual(stand.wrongs, [], "no window errs, and none asks another host");
});

/** What a window shows of the presentation. */
const shown = (page) =>
  page.evaluate(() => ({
    slide: document.querySelector("#slides .shown h2")?.textContent,
    number: document.getElementById("number").textContent,
    hue: document.getElementById("hue").value,
    accent: getComputedStyle(document.documentElement).getPropertyValue("--hue"),
    pointer: document.getElementById("pointer").hidden ? "none" : document.getElementById("pointer").style.cssText,
  }));

/** Waits until a window shows what another one does. */
async function inStep(page, expected) {
  const holds = (wanted) => {
    const pointer = document.getElementById("pointer");
    const at = pointer.hidden ? "none" : pointer.style.cssText;
    return document.getElementById("number").textContent === wanted.number && document.getElementById("hue").value === wanted.hue && at === wanted.pointer;
  };
  await page.waitForFunction(holds, expected, { timeout: DEADLINE_MS });
  assert.deepEqual(await shown(page), expected);
}

/** Waits for the title of a notice. */
const notice = (page, title) => page.getByRole("heading", { name: title }).waitFor();

/** A presenter and two viewers of its room. */
async function audience() {
  const presenter = await stand.presenter();
  const viewers = await Promise.all([stand.window(presenter.path), stand.window(presenter.path)]);
  await Promise.all(viewers.map((viewer) => viewer.locator("#room").waitFor()));
  return { ...presenter, viewers };
}

/** Points to a place of the stage, in parts of it. */
async function point(page, x, y) {
  const box = await page.locator("#stage").boundingBox();
  await page.mouse.move(box.x + box.width * x, box.y + box.height * y, { steps: 5 });
}

/** What the server logged, told once, when something failed: it knows why a connection ended. */
function tellTheLog(context) {
  if (context.passed === false) console.error(stand.server.said.splice(0).join("\n"));
}

describe("the page", { concurrency: 2, timeout: 4 * DEADLINE_MS }, () => {
  afterEach(tellTheLog);

  // First, because it waits for the grace while the others run beside it.
  test("viewers learn that the presenter's window was killed", async () => {
    const { page, viewers } = await audience();
    const crashed = page.waitForEvent("crash");
    page.goto("chrome://crash").catch(() => {});
    await crashed;
    for (const viewer of viewers) await notice(viewer, "The presenter is gone");
  });

  test("viewers, early and late, are on the presenter's slide, colour and pointer", async () => {
    const { page, path } = await stand.presenter();
    const early = await stand.window(path);
    await page.getByRole("button", { name: "Next slide" }).click();
    await page.getByRole("button", { name: "Next slide" }).click();
    await page.getByLabel("Colour").fill("140");
    await point(page, 0.25, 0.5);
    await page.locator("#pointer").waitFor();
    const first = await shown(page);
    assert.equal(first.number, "3");
    assert.equal(first.accent, "140");
    await inStep(early, first);
    const late = await stand.window(path, { viewport: { width: 390, height: 844 } });
    await inStep(late, { ...first, pointer: "none" });
    await point(page, 0.75, 0.25);
    await page.waitForFunction((before) => document.getElementById("pointer").style.cssText !== before, first.pointer);
    await page.waitForFunction(() => /left: 7[45]/.test(document.getElementById("pointer").style.cssText));
    const second = await shown(page);
    await inStep(early, second);
    await inStep(late, second);
    const sent = Number(await page.locator("#sent").textContent());
    assert.ok(sent >= 6, `${sent} messages were counted`);
  });

  test("the keyboard steps, jumps and hides the pointer, for the presenter only", async () => {
    const { page, viewers } = await audience();
    await point(page, 0.5, 0.5);
    await viewers[0].locator("#pointer").waitFor();
    for (const [key, number] of [["ArrowRight", "2"], ["ArrowLeft", "1"], ["ArrowLeft", "1"], ["End", "6"], ["ArrowRight", "6"], ["Home", "1"], ["PageDown", "2"]]) {
      await page.keyboard.press(key);
      assert.equal((await shown(page)).number, number, key);
    }
    await page.keyboard.press("Escape");
    await inStep(viewers[0], await shown(page));
    await viewers[0].keyboard.press("ArrowRight");
    await page.keyboard.press("End");
    await inStep(viewers[0], await shown(page));
    assert.match(await viewers[0].locator("#live").textContent(), /^6 of 6\. In your own page/);
    await page.getByLabel("Colour").focus();
    await page.keyboard.press("ArrowRight");
    assert.equal((await shown(page)).number, "6", "the slider keeps its keys");
    await inStep(viewers[1], await shown(page));
    const outline = await page.getByLabel("Colour").evaluate((one) => getComputedStyle(one).outlineStyle);
    assert.equal(outline, "solid", "the focus is seen");
  });

  test("viewers learn that the presenter ended the room", async () => {
    const { page, viewers } = await audience();
    await page.getByRole("button", { name: "End the room" }).click();
    await notice(page, "You ended the room");
    for (const viewer of viewers) await notice(viewer, "The presenter has ended the room");
    assert.deepEqual(await nameless(viewers[0]), []);
    await page.getByRole("button", { name: "Start your own room" }).click();
    await page.locator("#room").waitFor();
  });

  test("a presenter that loads its window again presents on, and its viewers stay", async () => {
    const { page, viewers } = await audience();
    await page.getByRole("button", { name: "Next slide" }).click();
    await page.getByLabel("Colour").fill("140");
    await inStep(viewers[0], await shown(page));
    const link = await page.getByLabel("Link for viewers").inputValue();
    await page.reload();
    await page.locator("#status", { hasText: "Presenting" }).waitFor();
    assert.equal(await page.getByLabel("Link for viewers").inputValue(), link, "it is the same room");
    await page.locator("#viewers", { hasText: "2" }).waitFor();
    const again = await shown(page);
    assert.deepEqual([again.number, again.hue], ["2", "140"]);
    await page.getByRole("button", { name: "Next slide" }).click();
    for (const viewer of viewers) {
      await inStep(viewer, await shown(page));
      await viewer.locator("#status", { hasText: "Following" }).waitFor();
    }
  });

  test("viewers see that the presenter's window was closed, and learn that it does not come back", async () => {
    const { page, viewers } = await audience();
    await page.context().close();
    for (const viewer of viewers) await viewer.locator("#status", { hasText: "The presenter is away…" }).waitFor();
    for (const viewer of viewers) await notice(viewer, "The presenter is gone");
  });

  test("a presenter sees how many follow", async () => {
    const { page, viewers } = await audience();
    await page.locator("#viewers", { hasText: "2" }).waitFor();
    assert.equal(await page.locator("#watching").textContent(), "viewers follow");
    await viewers[0].context().close();
    await page.locator("#viewers", { hasText: "1" }).waitFor();
    await page.locator("#watching", { hasText: /^viewer follows$/ }).waitFor();
  });

  test("a room that does not exist gets a friendly page and a way on", async () => {
    const page = await stand.window("/?uuid=6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a&utm_source=x");
    await notice(page, "This room does not exist");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "notice", "it is read out");
    await page.getByRole("button", { name: "Start your own room" }).click();
    await page.locator("#room").waitFor();
    assert.equal(new URL(page.url()).search, "");
  });

  test("the link can be copied and its QR code is there", async () => {
    const { page } = await stand.presenter({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.getByRole("button", { name: "Copy" }).click();
    await page.locator("#live", { hasText: "The link is copied." }).waitFor({ state: "attached" });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.getByLabel("Link for viewers").inputValue());
    await page.waitForFunction(() => document.getElementById("qr").naturalWidth >= 180);
  });

  test("every control has a name, and a phone needs no sideways scrolling", async () => {
    for (const width of [360, 390, 768, 1280, 2560]) {
      const options = { viewport: { width, height: 800 } };
      const welcome = await stand.window("/", options);
      await welcome.getByRole("button", { name: "Start a room" }).waitFor();
      const { page, path } = await stand.presenter(options);
      const viewer = await stand.window(path, options);
      await viewer.locator("#room").waitFor();
      for (const one of [welcome, page, viewer]) {
        assert.ok(await one.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} px are enough`);
        assert.deepEqual(await nameless(one), []);
        await one.context().close();
      }
    }
  });
});
