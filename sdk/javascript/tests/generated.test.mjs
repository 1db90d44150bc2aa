// The committed files that are made from the sources are up to date: declarations, the file for a script tag with its integrity, sizes.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { measured, telling, told as toldSizes } from "../scripts/sizes.mjs";
import { DIST, integrity, README, TAG, tag, told } from "../scripts/tag.mjs";
import { declare, TYPES } from "../scripts/types.mjs";

/** The allowed difference between a size and the table, in bytes: half of the last digit, and differences between versions of zlib. */
const BYTES_OFF_MAX = 60;

/** Returns each file of a folder by its name. */
const contents = (folder) => Object.fromEntries(readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name), "utf8")]));

test("the declarations are current", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  declare(folder);
  assert.deepEqual(contents(TYPES), contents(folder), "run `npm run types`");
});

test("the file for a script tag is current", async () => {
  const { file, map } = await tag();
  // Not assert.equal, which would print both files.
  assert.ok(JSON.stringify(contents(DIST)) === JSON.stringify({ [TAG]: file, [`${TAG}.map`]: map }), "run `npm run build:tag`");
});

test("README.md tells the integrity of that file", () => {
  assert.deepEqual(told(readFileSync(README, "utf8")), [integrity(readFileSync(join(DIST, TAG)))], "run `npm run build:tag`");
});

test("the map of that file leads to sources that the server serves beside it", () => {
  const { sources, sourcesContent } = JSON.parse(readFileSync(join(DIST, `${TAG}.map`), "utf8"));
  const served = readdirSync(join(DIST, ".."));
  assert.ok(sources.includes("host.js"));
  assert.deepEqual([sources.filter((name) => !served.includes(name)), sourcesContent], [[], undefined]);
});

test("README.md tells what each file weighs in a page", async (t) => {
  const sizes = await measured();
  const table = toldSizes(readFileSync(README, "utf8"));
  assert.deepEqual([...table.keys()].sort(), [...sizes.keys()].sort(), "a row for each entry and for what entries load later");
  for (const [file, bytes] of sizes) {
    t.diagnostic(`${file}: ${bytes} bytes`);
    assert.ok(Math.abs(table.get(file) - bytes) <= BYTES_OFF_MAX, `${file} has ${bytes} bytes, not ${table.get(file)}: run \`npm run sizes\``);
  }
});

test("sizes are written where they are told", () => {
  const row = "| [one](#one) | `one.js` | 2.0 kB of something | 2.0 kB |\n| | `two.js` | | 1.0 kB |";
  const after = telling(row, new Map([["one.js", 12_345]]));
  assert.equal(after, "| [one](#one) | `one.js` | 2.0 kB of something | 12.3 kB |\n| | `two.js` | | 1.0 kB |");
  assert.deepEqual([...toldSizes(after)], [["one.js", 12_300], ["two.js", 1_000]]);
});
