// The page of the tests lets listeners go as a browser does, whatever the garbage collector did before.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BrowserTarget } from "./browser-target.mjs";

const TYPES = ["online", "offline", "pageshow"];

test("listeners go with their signal, also after a garbage collection", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const target = new BrowserTarget();
  const ends = new AbortController();
  for (const type of TYPES) target.addEventListener(type, () => {}, { signal: ends.signal });
  await new Promise((resolve) => setTimeout(resolve));
  gc();
  await new Promise((resolve) => setTimeout(resolve));
  ends.abort();
  assert.deepEqual(TYPES.map((type) => getEventListeners(target, type).length), [0, 0, 0]);
});
