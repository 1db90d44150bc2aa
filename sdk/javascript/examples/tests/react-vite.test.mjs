// Tests the example in React: a presenter and viewers in windows of their own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Stage, until } from "./stage.mjs";

let stage;
before(async () => (stage = await Stage.begin("react-vite")));
after(async () => {
  await stage?.end();
  assert.deepEqual(stage.wrongs, [], "no window errs, and none asks another host");
});

/** Opens a presenter. Returns its window and the link for viewers. */
async function presenter() {
  const page = await stage.window();
  const link = page.getByRole("link", { name: "Link for viewers" });
  const path = await link.getAttribute("href");
  await shows(page, "Status", "live");
  return { page, path };
}

/** Waits until a window shows this text under a label. */
async function shows(page, label, text) {
  const found = page.getByLabel(label, { exact: true });
  await until(async () => (await found.textContent()) === text, `${label} ${text}`);
}

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

test("viewers see what the presenter shows, also those who come late", async () => {
  const { page, path } = await presenter();
  const viewer = await stage.window(path);
  await shows(viewer, "Status", "live");
  await press(page, "Next");
  await press(page, "Ring");
  await shows(viewer, "Slide", "1");
  await shows(viewer, "Rings", "1");
  await shows(page, "Slide", "1");
  await press(page, "Next");
  const late = await stage.window(path);
  for (const one of [viewer, late]) await shows(one, "Slide", "2");
  await shows(late, "Rings", "0");
  await shows(page, "Viewers", "2");
  await press(late, "Raise a hand");
  await shows(page, "Hands", "1");
});

test("a key that is cleared holds nothing for all", async () => {
  const { page, path } = await presenter();
  const viewer = await stage.window(path);
  await page.getByLabel("Note").fill("read this");
  await shows(viewer, "Note", "read this");
  await press(page, "Clear the note");
  await shows(viewer, "Note", "no note");
  await shows(await stage.window(path), "Status", "live");
});

test("after a cut all clients reconnect, and have what was published meanwhile", async () => {
  const { page, path } = await presenter();
  const viewer = await stage.window(path);
  await press(page, "Next");
  await shows(viewer, "Slide", "1");
  const before = stage.connected;
  stage.cut();
  await press(page, "Next");
  await until(() => stage.connected >= before + 2, "two connections more");
  for (const one of [page, viewer]) {
    await shows(one, "Status", "live");
    await shows(one, "Slide", "2");
  }
});

test("a presenter that is loaded again owns its room", async () => {
  const { page, path } = await presenter();
  const viewer = await stage.window(path);
  await press(page, "Next");
  await shows(viewer, "Slide", "1");
  await page.reload();
  await shows(page, "Slide", "1");
  await press(page, "Next");
  await shows(viewer, "Slide", "2");
});

test("each window has one connection, and the error boundary shows the end of the room", async () => {
  const before = stage.connected;
  const { page, path } = await presenter();
  const viewer = await stage.window(path);
  await shows(viewer, "Status", "live");
  assert.equal(stage.connected, before + 2);
  await press(page, "End");
  const alert = viewer.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.textContent(), /The room has ended/);
  await press(viewer, "Try again");
  await viewer.getByText("There is no such room").waitFor();
});
