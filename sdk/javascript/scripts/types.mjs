// Writes the declarations of the sources' types, made from their JSDoc. `node scripts/types.mjs FOLDER`, by default types. They have a
// folder of their own: the compiler does not check a source that has a declaration in the same folder.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program, SOURCES, tsc } from "./tools.mjs";

/** The folder of the committed declarations, for programs that install the folder of the sources. */
export const TYPES = join(SOURCES, "types");

/** Writes a declaration of each module. With `sources`, the path from `folder` to the sources, each has a map. */
export function declare(folder, sources) {
  tsc(["-p", join(SOURCES, "tsconfig.types.json"), "--outDir", folder, "--declarationMap", String(sources !== undefined)]);
  if (sources === undefined) return;
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".d.ts.map"))) {
    const map = JSON.parse(readFileSync(join(folder, name), "utf8"));
    // The compiler writes paths that differ between machines.
    map.sources = [`${sources}/${name.replace(/\.d\.ts\.map$/, ".js")}`];
    writeFileSync(join(folder, name), JSON.stringify(map));
  }
}

await program(import.meta.url, (folder = TYPES) => {
  const made = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  try {
    declare(made);
    // Remove declarations of removed modules.
    rmSync(folder, { recursive: true, force: true });
    cpSync(made, folder, { recursive: true });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
});
