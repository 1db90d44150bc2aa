// The SDK by the script tag of its README, in a page of another origin than the server's. Must not know how the file is made.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { DEADLINE_MS, Stand } from "./stand.mjs";

/** What the pages show, by their paths. */
const pages = new Map();

let site;
let origin;
let stand;
before(async () => {
  site = createServer((request, response) => {
    const html = pages.get(request.url);
    response.writeHead(html ? 200 : 404, { "Content-Type": "text/html" }).end(html);
  });
  await new Promise((resolve) => site.listen(0, "127.0.0.1", () => resolve(undefined)));
  origin = `http://127.0.0.1:${site.address().port}`;
  stand = await Stand.begin(["--allow-origin", origin]);
});
after(async () => {
  await stand.end();
  site.close();
});

/** The README's example for this server: the tag, and the script that joins a room. */
function example(room = "ROOM") {
  const readme = readFileSync(new URL("../../../../sdk/javascript/README.md", import.meta.url), "utf8");
  const found = [...readme.matchAll(/```html\n(.*?)```/gs)].map(([, html]) => html).find((html) => html.includes("integrity="));
  assert.ok(found, "the README shows a tag with its integrity");
  assert.match(found, /crossorigin="anonymous"/);
  return found.replace("https://example.org", stand.origin).replace("wss://example.org/broadcasting", stand.server.address).replace("ROOM", room);
}

/** Opens a page of this text at the other origin, and tells what it says. */
async function opened(t, path, html) {
  pages.set(path, `<!doctype html><link rel="icon" href="data:,">${html}`);
  const context = await stand.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(origin + path);
  return { page, said };
}

test("the README's tag works in a page of another origin, and checks its integrity", async (t) => {
  const { page: owner } = await opened(t, "/owner", example().replace(/<script>.*?<\/script>/s, ""));
  const room = await owner.evaluate(async (address) => {
    const mine = await globalThis.rtbroadcaster.host(address);
    await mine.publish("slide", [3], { state: true });
    return mine.id;
  }, stand.server.address);
  const { page, said } = await opened(t, "/viewer", example(room));
  if (!said.includes("3")) await page.waitForEvent("console", (message) => message.text() === "3");
  assert.deepEqual(said, ["3"]);
});

test("a file of another integrity is not run", async (t) => {
  const changed = example().replace(/sha384-[^"]*/, `sha384-${"A".repeat(64)}`);
  assert.notEqual(changed, example());
  const { page, said } = await opened(t, "/changed", changed);
  assert.equal(await page.evaluate(() => typeof globalThis.rtbroadcaster), "undefined");
  assert.ok(said.some((line) => line.includes("integrity")), said.join("\n"));
});
