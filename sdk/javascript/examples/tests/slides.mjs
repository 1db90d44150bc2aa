// The tests of all examples that show slides: a presenter and its viewers in a browser. Must not know the framework.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage, until } from "./stage.mjs";

/** Records, in a window, its visible content at each change. */
function watches() {
  const { body } = document;
  globalThis.seen = [];
  const look = () => {
    const [status, heading, main] = ["[role=status]", "h1", "main"].map((name) => body.querySelector(name));
    globalThis.seen.push([status.textContent, heading.textContent, getComputedStyle(main).opacity].join());
  };
  new MutationObserver(look).observe(body, { subtree: true, childList: true, characterData: true, attributes: true });
}

/** Tests `sdk/javascript/examples/NAME`. */
export function slides(name) {
  /** @type {Stage} */
  let stage;
  before(async () => (stage = await Stage.begin(name)));
  after(() => stage?.end());

  /** Opens a window that presents and one that watches. */
  async function both() {
    const presenter = await stage.window();
    const link = await presenter.getByRole("link", { name: "Link for viewers" }).getAttribute("href");
    const viewer = await stage.window(link);
    await says(viewer, "live");
    return { presenter, viewer, link };
  }

  const heading = (page, text) => page.getByRole("heading", { name: text, exact: true }).waitFor();
  const says = (page, text) => page.getByRole("status").filter({ hasText: new RegExp(`^${text}`) }).waitFor();
  const press = (page, button) => page.getByRole("button", { name: button }).click();

  test("a viewer follows the presenter, who sees how many watch", async () => {
    const { presenter, viewer } = await both();
    await heading(presenter, "Nothing is shown");
    await heading(viewer, "Nothing is shown");
    await says(presenter, "live, 1 watching");
    for (const slide of ["Slide 1", "Slide 2"]) {
      await press(presenter, "Next");
      await heading(presenter, slide);
      await heading(viewer, slide);
    }
  });

  test("a viewer that comes late sees the newest slide", async () => {
    const { presenter, link } = await both();
    await press(presenter, "Next");
    await press(presenter, "Next");
    await heading(presenter, "Slide 2");
    const late = await stage.window(link);
    await heading(late, "Slide 2");
    await says(presenter, "live, 2 watching");
  });

  test("a client whose connection is cut shows what it has, reconnects by itself and misses nothing", async () => {
    const { presenter, viewer } = await both();
    await press(presenter, "Next");
    await heading(viewer, "Slide 1");
    await viewer.evaluate(watches);
    const before = stage.connected;
    stage.cut();
    await press(presenter, "Next");
    await heading(viewer, "Slide 2");
    await heading(presenter, "Slide 2");
    await says(viewer, "live");
    await says(presenter, "live, 1 watching");
    const seen = await viewer.evaluate(() => globalThis.seen);
    assert.ok(seen.includes("resuming,Slide 1,0.5"), seen.join(" "));
    assert.deepEqual(seen.filter((text) => text.includes("Nothing")), []);
    assert.ok(stage.connected > before);
  });

  test("a key that is cleared shows nothing, also to those who come later", async () => {
    const { presenter, viewer, link } = await both();
    await press(presenter, "Next");
    await heading(viewer, "Slide 1");
    await press(presenter, "Clear");
    await heading(viewer, "Nothing is shown");
    await heading(presenter, "Nothing is shown");
    const late = await stage.window(link);
    await says(late, "live");
    await heading(late, "Nothing is shown");
    await press(presenter, "Next");
    await heading(late, "Slide 1");
  });

  test("a presenter that is loaded again has its room", async () => {
    const { presenter, viewer, link } = await both();
    await press(presenter, "Next");
    await heading(viewer, "Slide 1");
    await presenter.reload();
    await heading(presenter, "Slide 1");
    assert.equal(await presenter.getByRole("link", { name: "Link for viewers" }).getAttribute("href"), link);
    await press(presenter, "Next");
    await heading(viewer, "Slide 2");
  });

  test("a room that does not exist is told, and windows that close leave no connection", async () => {
    const page = await stage.window("/?room=none");
    await says(page, "closed: no_room");
    for (const context of stage.browser.contexts()) await context.close();
    await until(() => stage.connections === 0, "no connection");
  });

  test("no page did what it should not", () => assert.deepEqual(stage.wrongs, []));
}
