// The SDK in a real browser, on a network that fails and with a server that is killed: nothing is lost or repeated, and
// the presenter stays the presenter. Must not know the page at `/`.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { start, stop } from "../../../../protocol/server.mjs";
import { owner as begin } from "./ends.mjs";
import { Network } from "./network.mjs";
import { load, Stand } from "./stand.mjs";

/** How often the viewer is cut. */
const CUTS = 50;

let stand;
let folder;
let server;
let network;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  const keeps = ["--data-dir", folder];
  server = await start(keeps);
  network = new Network(() => Number(new URL(server.address).port));
  await network.listen();
  network.restart = async () => {
    server.child.kill("SIGKILL");
    await server.ended;
    server = await start(keeps);
  };
  stand = await Stand.begin();
});
after(async () => {
  await stand.end();
  network.close();
  await stop(server);
  rmSync(folder, { recursive: true });
});

/** An owner in a window of its own. */
async function owner(keeps = false) {
  const page = await stand.blank(network.origin);
  return { page, id: await begin(page, { keeps, reconnect: { firstMs: 50, maxMs: 200 } }) };
}

/** A viewer of a room, which remembers every bell and every status. */
async function viewer(id) {
  const page = await stand.blank(network.origin);
  await page.evaluate((room) => {
    Object.assign(globalThis, { bells: [], statuses: [], resets: [] });
    const show = globalThis.sdk.watch("/broadcasting", room, { reconnect: { firstMs: 50, maxMs: 200 } });
    globalThis.show = show;
    show.on("bell", (n) => globalThis.bells.push(n));
    show.status.subscribe(({ name, reason }) => globalThis.statuses.push(reason ? `${name} ${reason}` : name));
    show.listen("reset", ({ reason }) => globalThis.resets.push(reason));
    return show.entered;
  }, id);
  return page;
}

/** The page is hidden, or shown. */
const see = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

test(`a viewer that is cut ${CUTS} times ends with the owner's state, and no event is lost or repeated`, async (t) => {
  const { page, id } = await owner();
  const watching = await viewer(id);
  for (let cut = 0; cut < CUTS; cut++) {
    const saying = page.evaluate(() => globalThis.say(4));
    if (cut % 10 === 9) await network.restart();
    else if (cut % 3 === 0) network.cut();
    else if (cut % 3 === 1) await see(watching, true);
    else await watching.evaluate(() => dispatchEvent(new Event("offline")));
    await saying;
    if (cut % 3 === 1) await see(watching, false);
  }
  await page.evaluate(() => globalThis.end.publish("end", [], { state: true }));
  await watching.waitForFunction(() => globalThis.show.state.get("end"));
  const { bells, statuses, resets, state } = await watching.evaluate(() => {
    const { bells, statuses, resets, show } = globalThis;
    return { bells, statuses, resets, state: [...show.state.getSnapshot()] };
  });
  t.diagnostic(`${statuses.filter((name) => name === "resuming" || name.startsWith("resuming ")).length} returns`);
  assert.deepEqual(bells, Array.from({ length: 4 * CUTS }, (_, n) => n + 1));
  assert.deepEqual(resets, []);
  assert.deepEqual(state, await page.evaluate(() => [...globalThis.end.state.getSnapshot()]));
  assert.deepEqual(state.find(([key]) => key === "n"), ["n", [4 * CUTS]]);
});

test("a presenter that is loaded again is the presenter, in two windows the newer one", async () => {
  const { page, id } = await owner(true);
  await page.evaluate(() => globalThis.say(3));
  await page.reload();
  await load(page);
  const [again, term, n] = await page.evaluate(async () => {
    globalThis.end = await globalThis.sdk.host("/broadcasting", { storage: sessionStorage });
    return [globalThis.end.id, globalThis.end.term, globalThis.end.state.get("n")];
  });
  assert.deepEqual([again, term, n], [id, 2, [3]]);
  const kept = await page.evaluate(() => ({ ...sessionStorage }));
  const other = await stand.blank(network.origin);
  await other.evaluate(async (kept) => {
    Object.assign(sessionStorage, kept);
    globalThis.end = await globalThis.sdk.host("/broadcasting", { storage: sessionStorage });
    await globalThis.end.publish("n", [4], { state: true });
  }, kept);
  await page.waitForFunction(() => globalThis.end.status.value.reason === "fenced");
  const watching = await viewer(id);
  assert.deepEqual(await watching.evaluate(() => globalThis.show.state.get("n")), [4]);
});
