// Sixty events a second in a real browser, and values with each frame: all events come, and nothing stays behind in either window. For
// RTBROADCASTER_SECONDS seconds, by default 6. Must not know the page at `/`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DEADLINE_MS, Stand } from "./stand.mjs";

/** How long it goes on, in seconds. */
const SECONDS = Number(process.env.RTBROADCASTER_SECONDS ?? 6);

/** How many events are said in a second. */
const RATE = 60;

/** When the heap is measured, in parts of the whole: when everything is warm, in the middle, and at the end. */
const MOMENTS = [1 / 6, 7 / 12, 1];

/** What the heap may grow by from the first moment to the last, in bytes: less than 100 for each event that is said in a minute. */
const HEAP_BYTES_MAX = 300_000;

let stand;
before(async () => (stand = await Stand.begin()));
after(() => stand.end());

/** What a window's heap holds that is still needed, in bytes. */
async function heap(page) {
  const devtools = await page.context().newCDPSession(page);
  // Once more: the first one only lets go of what waits for its finalizers.
  for (const _ of [1, 2]) await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  await devtools.detach();
  return usedSize;
}

/** Begins to say an event by the clock, and with each frame a value and where a pointer is. */
const say = (page, rate, seconds) =>
  page.evaluate(({ rate, seconds }) => {
    const { room } = globalThis;
    const began = performance.now();
    const passed = () => (performance.now() - began) / 1_000;
    globalThis.said = 0;
    const timer = setInterval(() => {
      for (; globalThis.said < Math.min(passed(), seconds) * rate; globalThis.said++) void room.publish("bell", [globalThis.said]);
      if (passed() >= seconds) clearInterval(timer);
    }, 4);
    const draw = () => {
      void room.publish("pointer", [Math.random(), 0.5], { ephemeral: true });
      void room.publish("hue", [passed()], { state: true });
      if (passed() < seconds) requestAnimationFrame(draw);
      else void room.publish("end", [globalThis.said], { state: true });
    };
    requestAnimationFrame(draw);
  }, { rate, seconds });

test(`${RATE} events a second and values with each frame, for ${SECONDS} s, leave nothing behind`, { timeout: 2 * DEADLINE_MS + 1_000 * SECONDS }, async (t) => {
  const owner = await stand.blank(stand.origin);
  const id = await owner.evaluate(async () => (globalThis.room = await globalThis.sdk.host("/broadcasting")).id);
  const viewer = await stand.blank(stand.origin);
  await viewer.evaluate((id) => {
    const heard = (globalThis.heard = { bell: 0, hue: 0, pointer: 0, wrong: 0, firstAt: 0, lastAt: 0 });
    const show = (globalThis.show = globalThis.sdk.watch("/broadcasting", id));
    show.on("bell", (n) => {
      if (n !== heard.bell++) heard.wrong++;
      heard.firstAt ||= performance.now();
      heard.lastAt = performance.now();
    });
    for (const key of ["hue", "pointer"]) show.on(key, () => heard[key]++);
    return show.entered;
  }, id);
  const began = performance.now();
  await say(owner, RATE, SECONDS);
  const heaps = [];
  for (const moment of MOMENTS) {
    await viewer.waitForFunction((count) => globalThis.heard.bell >= count, Math.floor(moment * SECONDS * RATE), { timeout: DEADLINE_MS + 1_000 * SECONDS });
    const seconds = (performance.now() - began) / 1_000;
    heaps.push([await heap(owner), await heap(viewer)]);
    t.diagnostic(`after ${seconds.toFixed(1)} s: owner ${heaps.at(-1)[0]} bytes, viewer ${heaps.at(-1)[1]} bytes`);
  }
  await viewer.waitForFunction(() => globalThis.show.state.get("end"));
  const { bell, hue, pointer, wrong, firstAt, lastAt } = await viewer.evaluate(() => globalThis.heard);
  const perSecond = (count) => (count / ((lastAt - firstAt) / 1_000)).toFixed(1);
  t.diagnostic(`a second: ${perSecond(bell)} events, ${perSecond(hue)} values, ${perSecond(pointer)} pointers`);
  assert.deepEqual([bell, wrong], [SECONDS * RATE, 0], "every event came, once and in order");
  assert.ok(Number(perSecond(bell)) > 0.95 * RATE, "and at the rate at which it was said");
  for (const end of [0, 1]) {
    const grown = heaps.at(-1)[end] - heaps[0][end];
    assert.ok(grown < HEAP_BYTES_MAX, `${grown} bytes more`);
  }
});
