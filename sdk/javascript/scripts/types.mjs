// Declarations of the sources' types, made from their JSDoc. `node scripts/types.mjs FOLDER`, by default types. They have a folder
// of their own since the compiler takes a declaration beside a source for the source, which it then no longer checks.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program, SOURCES, tsc } from "./tools.mjs";

/** The committed declarations, which those get that install the folder of the sources. */
export const TYPES = join(SOURCES, "types");

/** Writes a declaration of each module that an entry needs. With `sources`, the way from there to the sources, each has a map. */
export function declare(folder, sources) {
  tsc(["-p", join(SOURCES, "tsconfig.types.json"), "--outDir", folder, "--declarationMap", String(sources !== undefined)]);
  if (sources === undefined) return;
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".d.ts.map"))) {
    const map = JSON.parse(readFileSync(join(folder, name), "utf8"));
    // The compiler names the sources where they were, which is another place on each machine.
    map.sources = [`${sources}/${name.replace(/\.d\.ts\.map$/, ".js")}`];
    writeFileSync(join(folder, name), JSON.stringify(map));
  }
}

await program(import.meta.url, (folder = TYPES) => {
  const made = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  try {
    declare(made);
    // A module that is gone leaves no declaration behind.
    rmSync(folder, { recursive: true, force: true });
    cpSync(made, folder, { recursive: true });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
});
