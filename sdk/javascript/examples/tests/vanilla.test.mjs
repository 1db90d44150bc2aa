// Tests the example without a build step in a browser: presenter, viewer, late viewer, cut, cleared key, errors. Must not know its code.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Network } from "../../../../crates/rtbroadcaster-server/page/tests/network.mjs";
import { DEADLINE_MS, nameless, Stand } from "../../../../crates/rtbroadcaster-server/page/tests/stand.mjs";

const FILES = { "/": ["index.html", "text/html"], "/main.js": ["main.js", "text/javascript"] };

let files;
let own;
let stand;
let network;
before(async () => {
  files = createServer(({ url }, response) => {
    const [file, type] = FILES[new URL(url, "http://files").pathname] ?? [];
    if (!file) return response.writeHead(404).end();
    response.setHeader("Content-Type", type);
    response.end(readFileSync(new URL(`../vanilla/${file}`, import.meta.url)));
  });
  await new Promise((resolve) => files.listen(0, "127.0.0.1", resolve));
  own = `http://127.0.0.1:${files.address().port}`;
  stand = await Stand.begin(["--allow-origin", own]);
  network = new Network(() => Number(new URL(stand.origin).port));
  await network.listen();
});
after(async () => {
  network.close();
  await stand.end();
  files.close();
});

/** Opens the example in a window of its own. */
async function open(t, path = `/?server=${network.origin}`) {
  const context = await stand.browser.newContext();
  context.setDefaultTimeout(DEADLINE_MS);
  t.after(() => context.close());
  const page = await context.newPage();
  await page.setViewportSize({ width: 390, height: 700 });
  page.wrongs = [];
  page.on("pageerror", (error) => page.wrongs.push(String(error)));
  await page.goto(own + path);
  return page;
}

const press = (page, name) => page.getByRole("button", { name }).click();
const shows = (page, name) => page.getByRole("heading", { name, exact: true }).waitFor();
const says = (page, text) => page.getByText(text).waitFor();

/** Opens a presenter at slide 2, and a viewer. */
async function both(t) {
  const presenter = await open(t);
  await shows(presenter, "No slide");
  await press(presenter, "Next");
  await shows(presenter, "Slide 1");
  await press(presenter, "Next");
  await shows(presenter, "Slide 2");
  const link = `/${await presenter.getByRole("link").getAttribute("href")}`;
  const viewer = await open(t, link);
  await shows(viewer, "Slide 2");
  return { presenter, viewer, link };
}

test("a viewer follows, a late viewer too, and a cleared key is shown", async (t) => {
  const { presenter, viewer, link } = await both(t);
  assert.equal(await viewer.getByRole("button", { name: "Next" }).count(), 0);
  await press(presenter, "Next");
  const late = await open(t, link);
  for (const page of [presenter, viewer, late]) await shows(page, "Slide 3");
  for (const page of [presenter, viewer]) await says(page, "2 watching");
  await press(presenter, "Clear");
  for (const page of [presenter, viewer, late]) await shows(page, "No slide");
  await press(presenter, "Next");
  await shows(late, "Slide 1");
  await press(viewer, "Raise a hand");
  await says(presenter, "raised a hand");
  for (const page of [presenter, viewer, late]) {
    assert.deepEqual(await nameless(page), []);
    assert.deepEqual(page.wrongs, []);
  }
});

test("after a cut both are in step again, and a reload presents the same room", async (t) => {
  const { presenter, viewer } = await both(t);
  network.cut();
  await press(presenter, "Next");
  await shows(viewer, "Slide 3");
  for (const page of [presenter, viewer]) await says(page, "in step");
  await presenter.reload();
  await shows(presenter, "Slide 3");
  await press(presenter, "Next");
  await shows(viewer, "Slide 4");
});

test("a room that is not there and a server that is not there are told", async (t) => {
  const none = await open(t, `/?server=${network.origin}&room=6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a`);
  await says(none, "There is no such room");
  await says(none, "over (no_room)");
  const nobody = await open(t, "/?server=http://127.0.0.1:9");
  await says(nobody, "Nothing answers at http://127.0.0.1:9");
});

test("a viewer without a network says so, and is in step when the network is back", async (t) => {
  const { presenter, viewer } = await both(t);
  await viewer.context().setOffline(true);
  network.cut();
  await says(viewer, "coming back");
  await viewer.context().setOffline(false);
  await press(presenter, "Next");
  await shows(viewer, "Slide 3");
});
