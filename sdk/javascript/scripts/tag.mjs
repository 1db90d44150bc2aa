// The single file for script tags, its source map and its integrity. `node scripts/tag.mjs` makes the committed ones anew, which
// the server embeds: its build needs no Node.js. Must not know the rest of the package.

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

/** What the oldest browsers and Node.js that are meant understand. */
export const TARGET = "es2022";

/** Leaves a module where it is: a script finds it beside itself, as at `/sdk/`, or does without it. */
const BESIDE = { name: "beside", setup: (build) => build.onResolve({ filter: /^\.\/tabs\.js$/ }, ({ path }) => ({ path, external: true })) };

/** Where the tag in a document has its integrity. */
const INTEGRITY = /(?<=\bintegrity=")sha384-[\w+/=]*(?=")/g;

/** Returns the single file and its map, as text. `sources` is put before the names of the sources in the map. */
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
    // The sources are beside the file wherever it is served.
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

/** Writes both into a folder. */
export async function writeTag(folder, sources) {
  const { file, map } = await tag(sources);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, TAG), file);
  writeFileSync(join(folder, `${TAG}.map`), map);
}

/** Returns a file's integrity as a script tag has it (Subresource Integrity, section 3.1). */
export const integrity = (file) => `sha384-${createHash("sha384").update(file).digest("base64")}`;

/** Returns each integrity that a document tells. */
export const told = (document) => document.match(INTEGRITY) ?? [];

await program(import.meta.url, async () => {
  await writeTag(DIST);
  const { file } = await tag();
  writeFileSync(README, readFileSync(README, "utf8").replace(INTEGRITY, integrity(file)));
});
