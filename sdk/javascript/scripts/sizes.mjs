// Measures each entry: bundled and minified by esbuild, compressed by `gzip -9`, without other packages. `node scripts/sizes.mjs` writes the
// sizes into the table of README.md. Must not know how the package is built.

import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { ENTRIES, EXTERNAL } from "./entries.mjs";
import { README, TAG, TARGET, tag } from "./tag.mjs";
import { esbuild, program, SOURCES } from "./tools.mjs";

/** Returns the size in bytes of each entry, of each module that is loaded on demand, and of the single file. */
export async function measured() {
  const sizes = new Map();
  for (const entry of ENTRIES) {
    // A module on demand has the largest of its sizes: an entry does not load again what it has already.
    for (const [file, bytes] of await weighed(entry.file)) sizes.set(file, Math.max(bytes, sizes.get(file) ?? 0));
  }
  return sizes.set(TAG, compressed((await tag()).file));
}

/** Returns the sizes in bytes of an entry and of each module that it loads on demand. */
async function weighed(entry) {
  const build = await esbuild();
  const { outputFiles, metafile } = await build({
    entryPoints: [join(SOURCES, entry)], bundle: true, minify: true, format: "esm", target: TARGET, external: EXTERNAL,
    absWorkingDir: SOURCES, outdir: SOURCES, splitting: true, write: false, metafile: true,
  });
  const made = Object.entries(metafile.outputs);
  // An entry loads the chunks that it shares with modules on demand at once.
  const begun = ({ entryPoint }) => entryPoint === undefined || entryPoint === entry;
  const bytes = (wanted) => outputFiles.filter(({ path }) => wanted.includes(basename(path))).reduce((sum, { contents }) => sum + compressed(contents), 0);
  const later = made.filter(([, output]) => !begun(output)).map(([path, { entryPoint }]) => [entryPoint, bytes([basename(path)])]);
  return [[entry, bytes(made.filter(([, output]) => begun(output)).map(([path]) => basename(path)))], ...later];
}

const compressed = (contents) => gzipSync(contents, { level: 9 }).length;

/** A row of a document's table of sizes: the file in its second cell, the size in its last. */
const ROW = /^\| [^|]*\| `([\w.-]+\.js)` \|.*\| ([\d.]+) kB \|$/gm;

/** Returns the sizes in a document, in bytes by file. */
export const told = (document) => new Map([...document.matchAll(ROW)].map(([, file, kB]) => [file, Math.round(Number(kB) * 1000)]));

/** Returns the document with these sizes. */
export const telling = (document, sizes) =>
  document.replace(ROW, (row, file, kB) => (sizes.has(file) ? row.replace(`| ${kB} kB |`, `| ${(sizes.get(file) / 1000).toFixed(1)} kB |`) : row));

await program(import.meta.url, async () => writeFileSync(README, telling(readFileSync(README, "utf8"), await measured())));
