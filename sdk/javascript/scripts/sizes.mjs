// What each entry weighs in a page: bundled and minified by esbuild, compressed by `gzip -9`, without what it has of others. `node
// scripts/sizes.mjs` writes it into the table of README.md. Must not know how the package is built.

import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { ENTRIES, EXTERNAL } from "./entries.mjs";
import { README, TAG, TARGET, tag } from "./tag.mjs";
import { esbuild, program, SOURCES } from "./tools.mjs";

/** Returns the bytes of each file: of the entries, of what they load only when it is needed, of the single file. */
export async function measured() {
  const sizes = new Map();
  for (const entry of ENTRIES) {
    // What an entry has already is not loaded again.
    for (const [file, bytes] of await weighed(entry.file)) sizes.set(file, Math.max(bytes, sizes.get(file) ?? 0));
  }
  return sizes.set(TAG, compressed((await tag()).file));
}

/** Returns the bytes of an entry, and of each module that it loads later. */
async function weighed(entry) {
  const build = await esbuild();
  const { outputFiles, metafile } = await build({
    entryPoints: [join(SOURCES, entry)], bundle: true, minify: true, format: "esm", target: TARGET, external: EXTERNAL,
    absWorkingDir: SOURCES, outdir: SOURCES, splitting: true, write: false, metafile: true,
  });
  const made = Object.entries(metafile.outputs);
  // What an entry shares with what it loads later is there from the beginning.
  const begun = ({ entryPoint }) => entryPoint === undefined || entryPoint === entry;
  const bytes = (wanted) => outputFiles.filter(({ path }) => wanted.includes(basename(path))).reduce((sum, { contents }) => sum + compressed(contents), 0);
  const later = made.filter(([, output]) => !begun(output)).map(([path, { entryPoint }]) => [entryPoint, bytes([basename(path)])]);
  return [[entry, bytes(made.filter(([, output]) => begun(output)).map(([path]) => basename(path)))], ...later];
}

const compressed = (contents) => gzipSync(contents, { level: 9 }).length;

/** Where the table of a document tells a file's size: the last cell of the row that has the file in its second cell. */
const ROW = /^\| [^|]*\| `([\w.-]+\.js)` \|.*\| ([\d.]+) kB \|$/gm;

/** Returns what a document tells, in bytes by file. */
export const told = (document) => new Map([...document.matchAll(ROW)].map(([, file, kB]) => [file, Math.round(Number(kB) * 1000)]));

/** Returns the document with these sizes. */
export const telling = (document, sizes) =>
  document.replace(ROW, (row, file, kB) => (sizes.has(file) ? row.replace(`| ${kB} kB |`, `| ${(sizes.get(file) / 1000).toFixed(1)} kB |`) : row));

await program(import.meta.url, async () => writeFileSync(README, telling(readFileSync(README, "utf8"), await measured())));
