// The entries of the package, read from `exports` of the sources' package.json. Must not know what is built from them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SOURCES } from "./tools.mjs";

/** The package.json of the sources. */
export const described = JSON.parse(readFileSync(join(SOURCES, "package.json"), "utf8"));

/** The entries with their files. `name`: the name of the published files. `server`: the file for React's server components. */
export const ENTRIES = Object.entries(described.exports)
  .filter(([, conditions]) => typeof conditions === "object")
  .map(([path, conditions]) => ({
    path,
    name: path === "." ? "index" : path.slice(2),
    file: conditions.default.slice(2),
    server: conditions["react-server"]?.slice(2),
  }));

/** The other packages that an entry may import. */
export const EXTERNAL = Object.keys(described.peerDependencies);
