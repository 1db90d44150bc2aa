// The page in the README, served from another address than the server's. Must not know how it is written.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { Stand } from "./stand.mjs";

/** The README's page for a server at `origin`. */
function page(origin) {
  const readme = readFileSync(new URL("../../../../README.md", import.meta.url), "utf8");
  const found = /```html\n(.*?)```/s.exec(readme);
  assert.ok(found, "the README shows a page");
  assert.ok(found[1].includes("http://127.0.0.1:8080"), "with the default address");
  return found[1].replaceAll("http://127.0.0.1:8080", origin);
}

test("the README's page works from another address that is allowed", async () => {
  let html = "";
  const server = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(html);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const own = `http://127.0.0.1:${address.port}`;
  const stand = await Stand.begin(["--allow-origin", own]);
  try {
    html = page(stand.origin);
    const owner = await stand.browser.newPage();
    await owner.goto(own);
    await owner.locator("a[href]").waitFor();
    await owner.getByRole("button", { name: "Next" }).click();
    await owner.getByRole("button", { name: "Next" }).click();
    const viewer = await stand.browser.newPage();
    await viewer.goto(own + (await owner.locator("a").getAttribute("href")));
    await viewer.getByRole("heading", { name: "2" }).waitFor();
    await owner.getByRole("button", { name: "Next" }).click();
    await viewer.getByRole("heading", { name: "3" }).waitFor();
  } finally {
    await stand.end();
    server.close();
  }
});
