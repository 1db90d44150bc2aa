// The poll in a real browser: one window asks, others vote, and all see the same totals.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DEADLINE_MS, nameless, Stand } from "./stand.mjs";

let stand;
before(async () => (stand = await Stand.begin()));
after(async () => {
  await stand.end();
  assert.deepEqual(stand.wrongs, [], "no window errs, and none asks another host");
});

/** Writes a question and asks it. */
async function ask(page, text, answers) {
  await page.getByLabel("Question", { exact: true }).fill(text);
  for (const [at, answer] of answers.entries()) {
    if (at >= 2) await page.getByRole("button", { name: "Add an answer" }).click();
    await page.getByLabel(`Answer ${at + 1}`, { exact: true }).fill(answer);
  }
  await page.getByRole("button", { name: "Ask the class" }).click();
  await page.getByRole("heading", { name: text }).waitFor();
}

/** One window that asks, and pupils who have its question. */
async function lesson(pupils = 2) {
  const { page, path } = await stand.asker();
  await ask(page, "Tea or coffee?", ["Tea", "Coffee", "Water"]);
  const voters = await Promise.all(Array.from({ length: pupils }, () => voter(path, "Tea or coffee?")));
  return { page, path, voters };
}

async function voter(path, text, options) {
  const page = await stand.window(path, options);
  await page.getByRole("heading", { name: text }).waitFor();
  return page;
}

const choose = (page, answer) => page.getByRole("button", { name: new RegExp(`^${answer}`) }).click();

/** The same, also where no answer may be chosen any more. */
const tryToChoose = (page, answer) => page.getByRole("button", { name: new RegExp(`^${answer}`) }).dispatchEvent("click");

/** Waits until a window shows these totals, in the order of the answers. */
async function totals(page, expected) {
  const holds = (wanted) => {
    const shares = [...document.querySelectorAll(".answer .share")].map((one) => Number.parseInt(one.textContent, 10));
    return JSON.stringify(shares) === JSON.stringify(wanted);
  };
  await page.waitForFunction(holds, expected, { timeout: DEADLINE_MS });
}

/** Waits for what is said of one's vote. */
const outcome = (page, words) => page.locator("#outcome", { hasText: words }).waitFor();

describe("the poll", { concurrency: 2, timeout: 4 * DEADLINE_MS }, () => {
  test("two vote, everybody sees the totals, and who changes their mind is counted once", async () => {
    const { page, path, voters } = await lesson();
    const [one, two] = voters;
    await page.locator("#viewers", { hasText: "2" }).waitFor();
    await outcome(one, "Choose an answer.");
    await choose(one, "Tea");
    await outcome(one, "Your vote for “Tea” is counted. You can change it");
    await choose(two, "Coffee");
    for (const window of [page, one, two]) await totals(window, [1, 1, 0]);
    await outcome(two, "Your vote for “Coffee” is counted.");
    await choose(two, "Tea");
    for (const window of [page, one, two]) await totals(window, [2, 0, 0]);
    const pressed = await two.locator('[aria-pressed="true"]').allTextContents();
    assert.deepEqual(pressed, ["Tea2 votes · 100 %"]);
    const late = await voter(path, "Tea or coffee?", { viewport: { width: 390, height: 844 } });
    await totals(late, [2, 0, 0]);
    assert.equal(await page.locator("#turnout").textContent(), "2 votes in all");
  });

  test("whoever asks and loads the window again asks on, with what was counted meanwhile", async () => {
    const { page, voters } = await lesson();
    await choose(voters[0], "Water");
    await totals(page, [0, 0, 1]);
    await page.goto("about:blank");
    await voters[1].locator("#status", { hasText: "The presenter is away…" }).waitFor();
    await choose(voters[1], "Tea");
    await outcome(voters[1], "is sent. The totals come when the presenter is back.");
    await page.goBack();
    await page.locator("#status", { hasText: "Asking" }).waitFor();
    await page.getByRole("heading", { name: "Tea or coffee?" }).waitFor();
    for (const window of [page, ...voters]) await totals(window, [1, 0, 1]);
    await outcome(voters[1], "Your vote for “Tea” is counted.");
    await page.getByRole("button", { name: "Close the vote" }).click();
    await page.reload();
    await page.locator("#phase", { hasText: "The vote is closed" }).waitFor();
    await totals(page, [1, 0, 1]);
  });

  test("a vote that is closed takes none, goes on when it is opened, and a new question begins at nothing", async () => {
    const { page, voters } = await lesson();
    const [one, two] = voters;
    await choose(one, "Tea");
    await totals(page, [1, 0, 0]);
    await page.getByRole("button", { name: "Close the vote" }).click();
    await outcome(one, "You voted for “Tea”.");
    await outcome(two, "You did not vote.");
    await tryToChoose(two, "Coffee");
    await outcome(two, "You did not vote.");
    await page.getByRole("button", { name: "Open the vote again" }).click();
    await outcome(two, "Choose an answer.");
    await choose(two, "Coffee");
    await totals(one, [1, 1, 0]);
    await page.getByRole("button", { name: "New question" }).click();
    await ask(page, "Again tomorrow?", ["Yes", "No"]);
    for (const window of [page, one, two]) {
      await window.getByRole("heading", { name: "Again tomorrow?" }).waitFor();
      await totals(window, [0, 0]);
    }
    await choose(one, "No");
    for (const window of [page, one, two]) await totals(window, [0, 1]);
    await outcome(one, "Your vote for “No” is counted.");
  });

  test("a pupil who loads the page again, or opens it in another tab, has one vote and may change it", async () => {
    const { page, voters } = await lesson();
    const [pupil, other] = voters;
    await choose(pupil, "Tea");
    await outcome(pupil, "is counted");
    await pupil.reload();
    await outcome(pupil, "Your vote for “Tea” is counted. You can change it until the vote is closed.");
    await choose(pupil, "Coffee");
    await choose(other, "Water");
    for (const window of [page, ...voters]) await totals(window, [0, 1, 1]);
    const tab = await pupil.context().newPage();
    await tab.goto(pupil.url());
    await outcome(tab, "Your vote for “Coffee”");
    await choose(tab, "Tea");
    for (const window of [page, tab, ...voters]) await totals(window, [1, 0, 1]);
  });

  test("what no page of ours would vote is not counted", async () => {
    const { page, path, voters } = await lesson(1);
    const stranger = await stand.window("/poll");
    await stranger.evaluate(async (room) => {
      const { join } = await import("/sdk/viewer.js");
      for (const params of [[1, "length"], [1, "0"], [1, -1], [1, 9], [2, 0], [1, 0, 0], [], [[1], [0]], [null]]) {
        const show = await join("/broadcasting", room, { share: false });
        await show.signal("vote", params).catch(() => {});
      }
    }, new URLSearchParams(path.slice(path.indexOf("?"))).get("uuid"));
    await choose(voters[0], "Coffee");
    await totals(page, [0, 1, 0]);
    assert.equal(await page.locator("#turnout").textContent(), "1 vote in all");
  });

  test("a vote that is refused is not shown as counted", async () => {
    const { page, voters } = await lesson(1);
    // Six at once: a viewer may say five in a second.
    await voters[0].evaluate(() => {
      const all = [...document.querySelectorAll(".answer")];
      for (let vote = 0; vote < 6; vote++) all[vote % 3].click();
    });
    await outcome(voters[0], "Not counted. That was too fast.");
    await totals(page, [0, 1, 0]);
    assert.deepEqual(await voters[0].locator('[aria-pressed="true"] .words').allTextContents(), ["Coffee"]);
  });

  test("everything is done by keyboard, and the form says what is missing", async () => {
    const { page, path } = await stand.asker();
    assert.equal(await page.evaluate(() => document.activeElement?.id), "question");
    await page.getByRole("button", { name: "Ask the class" }).press("Enter");
    await page.getByRole("alert").filter({ hasText: "Write a question first." }).waitFor();
    await page.keyboard.type("Tea?");
    for (const word of ["Yes", "Yes"]) {
      await page.keyboard.press("Enter");
      await page.keyboard.type(word);
    }
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").filter({ hasText: "Two answers are the same." }).waitFor();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("No");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Tea?" }).waitFor();
    const pupil = await voter(path, "Tea?");
    await pupil.locator("#live", { hasText: "Tea? Yes, No." }).waitFor({ state: "attached" });
    await pupil.keyboard.press("Tab");
    await pupil.keyboard.press("Tab");
    await pupil.keyboard.press("Tab");
    await pupil.keyboard.press("Space");
    await totals(page, [0, 1]);
    assert.equal(await pupil.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "solid", "the focus is seen");
    await page.locator("#live", { hasText: "Yes: 0 votes. No: 1 vote" }).waitFor({ state: "attached" });
  });

  test("pupils wait for the first question, come in by a code, and learn of the end", async () => {
    const { page, path } = await stand.asker();
    const pupil = await stand.window("/poll");
    await pupil.getByLabel("Paste the link or room code").fill(await page.locator("#room-code").textContent());
    await pupil.getByRole("button", { name: "Join" }).click();
    await pupil.getByRole("heading", { name: "You are in" }).waitFor();
    const other = await stand.window("/poll");
    await other.getByLabel("Paste the link or room code").fill(stand.origin + path);
    await other.keyboard.press("Enter");
    await other.getByRole("heading", { name: "You are in" }).waitFor();
    await ask(page, "Tea?", ["Yes", "No"]);
    for (const window of [pupil, other]) await window.getByRole("heading", { name: "Tea?" }).waitFor();
    await page.getByRole("button", { name: "End the poll" }).click();
    await page.getByRole("heading", { name: "You ended the room" }).waitFor();
    for (const window of [pupil, other]) await window.getByRole("heading", { name: "The presenter has ended the room" }).waitFor();
    await page.getByRole("button", { name: "Start your own poll" }).click();
    await page.getByLabel("Question", { exact: true }).waitFor();
  });

  test("the first page leads to it, every control has a name, and a phone needs no sideways scrolling", async () => {
    for (const width of [360, 1280]) {
      const options = { viewport: { width, height: 800 } };
      const welcome = await stand.window("/", options);
      await welcome.getByRole("link", { name: "Classroom poll" }).click();
      await welcome.getByRole("button", { name: "Start a poll" }).waitFor();
      const writing = await stand.asker(options);
      const { page, path } = await stand.asker(options);
      const long = "Donaudampfschifffahrtsgesellschaftskapitänsmütze".repeat(2);
      await ask(page, long, [long.slice(0, 90), "No"]);
      const pupil = await voter(path, long, options);
      for (const one of [welcome, writing.page, page, pupil]) {
        assert.ok(await one.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} px are enough`);
        assert.deepEqual(await nameless(one), []);
        await one.context().close();
      }
    }
  });
});
