// How much the entries for frameworks add to the modules that they use.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { EXTERNAL } from "../scripts/entries.mjs";
import { measured } from "../scripts/sizes.mjs";
import { TARGET } from "../scripts/tag.mjs";

const BYTES_MORE_MAX = 600;

/** Returns the size in bytes of a module with this text in a page, without modules that are loaded on demand. */
async function weight(contents) {
  const resolveDir = fileURLToPath(new URL("..", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents, resolveDir }, bundle: true, minify: true, format: "esm", target: TARGET, external: EXTERNAL, splitting: true, write: false, outdir: resolveDir,
  });
  return gzipSync(outputFiles.find(({ path }) => path.endsWith("stdin.js")).contents, { level: 9 }).length;
}

/** The maximum sizes of the entries, in bytes: slightly above the present ones. The goals were 4 200 and 6 600 (docs/decisions/0016). */
const ENTRIES_MAX = new Map([["viewer.js", 6_550], ["index.js", 10_300], ["stay.js", 3_250]]);

const VIEWER = await weight('export * from "./viewer.js"');
const BOTH = await weight('export * from "./index.js"');

test("the entries, and what their clients load when they are live, are no heavier than they were", async () => {
  const sizes = await measured();
  for (const [file, most] of ENTRIES_MAX) assert.ok((sizes.get(file) ?? Infinity) <= most, `${file} has ${sizes.get(file)} bytes`);
});

for (const [what, text, base] of [
  ["vue.js", 'export * from "./vue.js"', BOTH],
  ["svelte.js", 'export * from "./svelte.js"', BOTH],
  ["solid.js", 'export * from "./solid.js"', BOTH],
  ["a viewer in React", 'export { useRoom, useRoomKey } from "./react.js"', VIEWER],
  ["a viewer in Vue", 'export { useRoom, useRoomKey } from "./vue.js"', VIEWER],
  ["a viewer in Svelte", 'export { createRoom, createRoomKey } from "./svelte.js"', VIEWER],
  ["a viewer in Solid", 'export { createRoom, createRoomKey } from "./solid.js"', VIEWER],
  ["element.js", 'export * from "./element.js"', VIEWER],
]) {
  test(`${what} adds at most ${BYTES_MORE_MAX} bytes`, async (t) => {
    const more = (await weight(text)) - base;
    t.diagnostic(`${more} bytes`);
    assert.ok(more > 0 && more <= BYTES_MORE_MAX, `${more} bytes`);
  });
}
