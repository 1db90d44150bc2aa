// The published package in a worker of a real browser. Must not know the page at `/`.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildPackage } from "../../../../sdk/javascript/build.mjs";
import { Stand } from "./stand.mjs";

/** What the worker does after the package's own text: a round from an owner to a viewer, telling what it saw. */
const ROUND = `
self.onmessage = async ({ data: address }) => {
  const { host, join } = rtbroadcaster;
  const room = await host(address);
  await room.publish("slide", [3], { state: true });
  const show = await join(address, room.id);
  const slide = show.state.get("slide")[0];
  await room.close();
  for await (const _ of show);
  self.postMessage([typeof self.document, slide, show.status.value.name, show.status.value.code]);
};`;

let stand;
before(async () => (stand = await Stand.begin()));
after(() => stand.end());

test("a worker of a page owns and watches", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await buildPackage(folder);
  const text = readFileSync(join(folder, "rtbroadcaster.min.js"), "utf8") + ROUND;
  // The server's own pages allow no worker.
  const context = await stand.browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${stand.origin}/page/icon.svg`);
  const seen = await page.evaluate(
    ({ text, address }) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(address);
      }),
    { text, address: stand.server.address },
  );
  assert.deepEqual(seen, ["undefined", 3, "closed", 4503]);
});
