// Builds the single file for script tags, its source map and its integrity. `node scripts/tag.mjs` writes the committed ones, which the
// server embeds, so that its build needs no Node.js. Must not know the rest of the package.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { esbuild, program, SOURCES } from "./tools.mjs";

/** The file's name. */
export const TAG = "rtbroadcaster.min.js";

/** The folder of the committed file. */
export const DIST = join(SOURCES, "dist");

/** The document that shows the tag. */
export const README = join(SOURCES, "README.md");

/** The language version of the oldest supported browsers and Node.js. */
export const TARGET = "es2022";

/** Keeps tabs.js out of the bundle: a script loads it from its own folder, such as `/sdk/`. */
const BESIDE = { name: "beside", setup: (build) => build.onResolve({ filter: /^\.\/tabs\.js$/ }, ({ path }) => ({ path, external: true })) };

/** The integrity of a script tag in a document. */
const INTEGRITY = /(?<=\bintegrity=")sha384-[\w+/=]*(?=")/g;

/** Returns the single file and its map, as text. `sources`: the prefix of the sources' names in the map. */
export async function tag(sources = "") {
  const build = await esbuild();
  const { outputFiles } = await build({
    entryPoints: [join(SOURCES, "index.js")],
    outfile: join(SOURCES, TAG),
    bundle: true,
    format: "iife",
    globalName: "rtbroadcaster",
    minify: true,
    target: TARGET,
    // The map needs no contents: the sources are served from the same folder.
    sourcemap: true,
    sourcesContent: false,
    write: false,
    plugins: [BESIDE],
    logLevel: "warning",
  });
  const [map, file] = ["js.map", "js"].map((ending) => outputFiles.find(({ path }) => path.endsWith(`.min.${ending}`)).text);
  const mapped = JSON.parse(map);
  mapped.sources = mapped.sources.map((name) => sources + basename(name));
  return { file, map: `${JSON.stringify(mapped)}\n` };
}

/** Writes the single file and its map into a folder. */
export async function writeTag(folder, sources) {
  const { file, map } = await tag(sources);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, TAG), file);
  writeFileSync(join(folder, `${TAG}.map`), map);
}

/** Returns a file's integrity for a script tag (Subresource Integrity, section 3.1). */
export const integrity = (file) => `sha384-${createHash("sha384").update(file).digest("base64")}`;

/** Returns all integrities in a document. */
export const told = (document) => document.match(INTEGRITY) ?? [];

await program(import.meta.url, async () => {
  await writeTag(DIST);
  const { file } = await tag();
  writeFileSync(README, readFileSync(README, "utf8").replace(INTEGRITY, integrity(file)));
});
