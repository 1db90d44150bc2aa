// The page in the README, served from another address than the server's. Must not know how it is written.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { DEADLINE_MS, Stand } from "./stand.mjs";

const DEFAULT = "http://127.0.0.1:8080";

/** The README's page. */
const [, PAGE] = /```html\n(.*?)```/s.exec(readFileSync(new URL("../../../../README.md", import.meta.url), "utf8")) ?? [];

let html = "";
let own;
let server;
let stand;
before(async () => {
  server = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(html);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  own = `http://127.0.0.1:${server.address().port}`;
  stand = await Stand.begin(["--allow-origin", own]);
});
after(async () => {
  await stand.end();
  server.close();
});

/** Opens the README's page in a window of its own, at a path. */
async function open(path = "", changed = (text) => text) {
  html = changed(PAGE.replaceAll(DEFAULT, stand.origin));
  const page = await stand.browser.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  await page.goto(own + path);
  return page;
}

const next = (page) => page.getByRole("button", { name: "Next" });
const heading = (page, name) => page.getByRole("heading", { name, exact: true }).waitFor();

test("the README shows a page for the default address", () => assert.ok(PAGE?.includes(DEFAULT)));

test("the README's page works from another address that is allowed", async () => {
  const owner = await open();
  await heading(owner, "No slide");
  await owner.locator("a[href]").waitFor();
  await next(owner).click();
  await heading(owner, "1");
  await next(owner).click();
  const viewer = await open(await owner.locator("a").getAttribute("href"));
  await heading(viewer, "2");
  await next(owner).click();
  await heading(viewer, "3");
  assert.equal(await viewer.locator("p").textContent(), "");
  assert.equal(await next(viewer).count(), 0, "viewers have no button");
  assert.equal(await viewer.locator("a").isVisible(), false);
  await owner.reload();
  await heading(owner, "3");
  await next(owner).click();
  await heading(viewer, "4");
});

test("a key that is cleared is shown as such", async () => {
  const owner = await open("", (text) => text.replace("function tell", "globalThis.room = room; function tell"));
  await next(owner).click();
  await heading(owner, "1");
  await owner.evaluate(() => room.clear("slide"));
  await heading(owner, "No slide");
});

test("the README's page says that it cannot connect, and why", async () => {
  const none = await open("?uuid=6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a");
  await none.getByText("There is no such room").waitFor();
  const wrong = await open("", (text) => text.replace("/broadcasting", "/nothing"));
  await wrong.getByText("connecting lost").waitFor();
  assert.equal(await next(wrong).count(), 0);
  // Not even the SDK comes from there.
  const nobody = await open("", (text) => text.replaceAll(stand.origin, "http://127.0.0.1:9"));
  await nobody.getByText("Waiting for the server").waitFor();
});
