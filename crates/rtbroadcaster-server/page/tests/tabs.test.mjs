// Tabs of a real browser that share one connection. Must not know the page at `/`.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Network } from "./network.mjs";
import { DEADLINE_MS, Stand } from "./stand.mjs";

let stand;
let network;
before(async () => {
  stand = await Stand.begin();
  network = new Network(() => Number(new URL(stand.server.address).port));
  await network.listen();
});
after(async () => {
  network.close();
  await stand.end();
});

let context;
let owner;
let room;

/** A browser's profile, and an owner elsewhere that knows how many viewers there are. */
async function begin(options = {}) {
  context = await stand.browser.newContext(options);
  context.setDefaultTimeout(DEADLINE_MS);
  owner = await stand.blank(stand.origin);
  room = await owner.evaluate(async () => {
    const { sdk } = globalThis;
    globalThis.room = await sdk.host("/broadcasting");
    globalThis.viewers = [0];
    globalThis.room.audience.subscribe(({ viewers }) => globalThis.viewers.push(viewers));
    return globalThis.room.id;
  });
}
afterEach(async () => {
  await context.close();
  await owner.context().close();
});

/** Opens a tab that watches the room. */
async function open(script = () => {}) {
  const page = await context.newPage();
  await page.addInitScript(script);
  await page.goto(network.origin);
  await page.evaluate(async (id) => {
    const { watch } = await import("/sdk/viewer.js");
    Object.assign(globalThis, { bells: [], statuses: [], own: 0 });
    globalThis.WebSocket = class extends WebSocket {
      constructor(url, protocol) {
        super(url, protocol);
        globalThis.own += 1;
      }
    };
    const show = watch("/broadcasting", id, { share: "tabs", reconnect: { firstMs: 50, maxMs: 200 } });
    globalThis.show = show;
    show.on("bell", (n) => globalThis.bells.push(n));
    show.status.subscribe(({ name, reason }) => globalThis.statuses.push(reason ? `${name} ${reason}` : name));
    await show.entered;
  }, room);
  return page;
}

const say = (...numbers) => owner.evaluate(async (all) => {
  for (const n of all) await Promise.all([globalThis.room.publish("bell", [n]), globalThis.room.publish("n", [n], { state: true })]);
}, numbers);

/** Waits until the tab has the number, and tells every bell that it heard. */
async function bells(page, n) {
  await page.waitForFunction((n) => globalThis.show.state.get("n")?.[0] === n && globalThis.show.status.value.name === "live", n);
  return page.evaluate(() => globalThis.bells);
}

/** How many viewers the server counts. */
const viewers = (count) => owner.waitForFunction((count) => globalThis.viewers.at(-1) === count, count);

/** The page is hidden, or shown. */
const see = (page, hidden) => page.evaluate((hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}, hidden);

test("three tabs are one viewer of the server; each is in step, whatever becomes of the others and of the network", async () => {
  await begin();
  await say(1);
  const tabs = [await open(), await open(), await open()];
  await viewers(1);
  assert.deepEqual(await Promise.all(tabs.map((page) => page.evaluate(() => globalThis.own))), [0, 0, 0]);
  const [number, ...others] = await Promise.all(tabs.map((page) => page.evaluate(() => globalThis.show.number)));
  assert.deepEqual(others, [number, number]);
  await say(2, 3);
  for (const page of tabs) assert.deepEqual(await bells(page, 3), [2, 3]);
  // One is closed, and the others lack nothing.
  await tabs.shift().close();
  await say(4);
  for (const page of tabs) assert.deepEqual(await bells(page, 4), [2, 3, 4]);
  // The network is lost again and again.
  for (let n = 5; n < 15; n++) {
    const saying = say(n);
    network.cut();
    await saying;
  }
  for (const page of tabs) assert.deepEqual(await bells(page, 14), Array.from({ length: 13 }, (_, at) => at + 2));
  const { statuses, own } = await tabs[0].evaluate(() => ({ statuses: globalThis.statuses, own: globalThis.own }));
  assert.ok(statuses.includes("resuming lost"), statuses.join());
  assert.equal(own, 0);
  // Nobody looks at any of them.
  for (const page of tabs) await see(page, true);
  await say(15);
  assert.equal((await tabs[0].evaluate(() => globalThis.bells)).at(-1), 14);
  await see(tabs[1], false);
  assert.equal((await bells(tabs[1], 15)).at(-1), 15);
  assert.equal((await tabs[0].evaluate(() => globalThis.bells)).at(-1), 14);
  await see(tabs[0], false);
  assert.deepEqual(await bells(tabs[0], 15), Array.from({ length: 14 }, (_, at) => at + 2));
  await viewers(1);
  await tabs[0].evaluate(() => globalThis.show.leave());
  await tabs[1].evaluate(() => globalThis.show.leave());
  await viewers(0);
});

test("a tab that crashed is forgotten, and the others go on", async () => {
  await begin();
  const [first, second] = [await open(), await open()];
  await first.goto("chrome://crash").catch(() => {});
  await say(1);
  assert.deepEqual(await bells(second, 1), [1]);
  await second.evaluate(() => globalThis.show.leave());
  // At once, since no tab is left that might come back.
  await viewers(0);
});

for (const [what, script] of Object.entries({
  "there are no shared workers": () => delete globalThis.SharedWorker,
  "no shared worker may be made": () => {
    globalThis.SharedWorker = class {
      constructor() {
        throw new DOMException("not here", "SecurityError");
      }
    };
  },
  "the page's policy forbids workers": () => {
    addEventListener("DOMContentLoaded", () => {
      const policy = Object.assign(document.createElement("meta"), { httpEquiv: "Content-Security-Policy", content: "worker-src 'none'" });
      document.head.append(policy);
    });
  },
  "its script cannot be loaded": () => {
    const { SharedWorker } = globalThis;
    globalThis.SharedWorker = class extends SharedWorker {
      constructor(url, options) {
        super("/sdk/none.js", options);
      }
    };
  },
  "it says nothing": () => {
    globalThis.SharedWorker = class extends EventTarget {
      port = new MessageChannel().port1;
    };
  },
  "it knows no modules": () => {
    const { SharedWorker } = globalThis;
    globalThis.SharedWorker = class extends SharedWorker {
      constructor(url, { name }) {
        super(url, { name });
      }
    };
  },
})) {
  test(`a tab has a connection of its own where ${what}`, async () => {
    await begin();
    const page = await open(script);
    await say(1);
    assert.deepEqual(await bells(page, 1), [1]);
    assert.deepEqual(await page.evaluate(() => [globalThis.own, ...globalThis.statuses]), [1, "live"]);
  });
}
