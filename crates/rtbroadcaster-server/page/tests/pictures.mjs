// Takes pictures of the page: `node pictures.mjs FOLDER`, narrow and wide, light and dark, and presenter beside viewer.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Stand } from "./stand.mjs";

const folder = process.argv[2] ?? "pictures";
const SIZES = { narrow: { width: 390, height: 844 }, wide: { width: 1280, height: 800 }, small: { width: 360, height: 640 } };

/** Steps to a slide, chooses a colour and points. */
async function present(page, slide, hue) {
  await page.locator("#stage").focus();
  for (let number = 1; number < slide; number += 1) await page.keyboard.press("ArrowRight");
  await page.getByLabel("Colour").fill(String(hue));
  const box = await page.locator("#stage").boundingBox();
  await page.mouse.move(box.x + box.width * 0.86, box.y + box.height * 0.66, { steps: 12 });
  await page.evaluate(() => document.activeElement?.blur());
}

mkdirSync(folder, { recursive: true });
const stand = await Stand.begin();
try {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      const options = { viewport, colorScheme, reducedMotion: "reduce" };
      const shot = (page, name) => page.screenshot({ path: join(folder, `${size}-${colorScheme}-${name}.png`) });
      await shot(await stand.window("/", options), "welcome");
      const { page, path } = await stand.presenter(options);
      const viewer = await stand.window(path, options);
      await viewer.locator("#room").waitFor();
      for (const slide of [1, 2, 3, 4, 5, 6]) {
        await present(page, slide === 1 ? 1 : 2, 262 + slide * 31);
        await viewer.locator("#number", { hasText: String(slide) }).waitFor();
        await viewer.locator("#pointer").waitFor();
        if (slide === 1 || slide === 3) await shot(page, `presenter-${slide}`);
        await shot(viewer, `viewer-${slide}`);
      }
      await page.getByRole("button", { name: "End the room" }).click();
      await viewer.locator("#notice").waitFor();
      await shot(viewer, "ended");
      await page.context().close();
      await viewer.context().close();
    }
  }
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) await poll(size, { viewport, colorScheme, reducedMotion: "reduce" });
  }
  await together();
} finally {
  await stand.end();
}
for (const wrong of stand.wrongs) console.log(wrong);

/** The poll, from its start to its end. */
async function poll(size, options) {
  const shot = (page, name) => page.screenshot({ path: join(folder, `${size}-${options.colorScheme}-poll-${name}.png`), fullPage: true });
  await shot(await stand.window("/poll", options), "welcome");
  const { page, path } = await stand.asker(options);
  const pupils = await Promise.all([1, 2, 3].map(() => stand.window(path, options)));
  await pupils[0].getByRole("heading", { name: "You are in" }).waitFor();
  await shot(pupils[0], "pupil-waits");
  await page.getByRole("button", { name: "Ask the class" }).click();
  await page.getByLabel("Question", { exact: true }).fill("Which planet has the shortest day?");
  await page.getByRole("button", { name: "Add an answer" }).click();
  for (const [at, answer] of ["Mercury, since it is the closest to the sun", "Jupiter", "Mars"].entries()) {
    await page.getByLabel(`Answer ${at + 1}`, { exact: true }).fill(answer);
  }
  await shot(page, "owner-writes");
  await page.getByRole("button", { name: "Ask the class" }).click();
  for (const [at, answer] of ["Jupiter", "Jupiter", "Mars"].entries()) {
    await pupils[at].getByRole("button", { name: new RegExp(`^${answer}`) }).click();
  }
  for (const pupil of pupils) await pupil.locator("#outcome", { hasText: "is counted" }).waitFor();
  await page.locator("#turnout", { hasText: "3 votes" }).waitFor();
  await shot(page, "owner");
  await shot(pupils[0], "pupil");
  await page.getByRole("button", { name: "Close the vote" }).click();
  await pupils[0].locator("#phase.closed").waitFor();
  await shot(page, "owner-closed");
  await shot(pupils[0], "pupil-closed");
  await page.getByRole("button", { name: "End the poll" }).click();
  await pupils[0].locator("#notice").waitFor();
  await shot(pupils[0], "ended");
  for (const one of [page, ...pupils]) await one.context().close();
}

/** The presenter's window beside a viewer's, as one picture. */
async function together() {
  const look = { reducedMotion: "reduce", colorScheme: "light" };
  const { page, path } = await stand.presenter({ ...look, viewport: { width: 1120, height: 760 } });
  const viewer = await stand.window(path, { ...look, viewport: { width: 390, height: 560 } });
  await viewer.locator("#room").waitFor();
  await present(page, 3, 262);
  await viewer.locator("#pointer").waitFor();
  const shots = [await page.screenshot(), await viewer.screenshot()].map((png) => `data:image/png;base64,${png.toString("base64")}`);
  const context = await stand.browser.newContext({ viewport: { width: 1640, height: 840 } });
  const board = await context.newPage();
  await board.setContent(`<style>
      body { margin: 0; height: 100vh; display: flex; gap: 40px; align-items: center; justify-content: center; background: #e4e5ee; }
      img { border-radius: 14px; box-shadow: 0 12px 40px #20223a2e; }
    </style><img src="${shots[0]}"><img src="${shots[1]}">`);
  await board.locator("img").last().waitFor();
  await board.screenshot({ path: join(folder, "page.png") });
  console.log(`page.png: ${readFileSync(join(folder, "page.png")).length} bytes`);
}
