// The entries of the package, as the package.json of the sources lists them: the only list of them. Must not know what is made of them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SOURCES } from "./tools.mjs";

/** The package.json of the sources. */
export const described = JSON.parse(readFileSync(join(SOURCES, "package.json"), "utf8"));

/** The entries with their files. `name` is that of the published files, `server` the file for React's server components. */
export const ENTRIES = Object.entries(described.exports)
  .filter(([, conditions]) => typeof conditions === "object")
  .map(([path, conditions]) => ({
    path,
    name: path === "." ? "index" : path.slice(2),
    file: conditions.default.slice(2),
    server: conditions["react-server"]?.slice(2),
  }));

/** The packages that an entry may import and that are no part of this one. */
export const EXTERNAL = Object.keys(described.peerDependencies);
