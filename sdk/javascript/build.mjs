// Builds the published package from the sources: ESM, CJS, a file for a script tag, types, source maps, and what npm needs
// to know. `node build.mjs FOLDER`, by default target/npm at the root. Must not be needed to run the sources.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(SOURCES, "../..");

/** What is published under which name; `.` is `index`. */
const ENTRIES = { index: "index.js", viewer: "viewer.js", classic: "rtbroadcaster.js", react: "react.js", hints: "hints.js" };

/** The shared worker of viewers with `share: "tabs"`, which `tabs.js` finds beside it. */
const WORKER = { in: join(SOURCES, "tabs-worker.js"), out: "tabs-worker" };

/** What the oldest browsers and Node.js that are meant understand. */
const TARGET = "es2022";

/** Builds the package in `folder`, which is emptied. */
export async function buildPackage(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const entryPoints = Object.entries(ENTRIES).map(([out, file]) => ({ in: join(SOURCES, file), out }));
  const common = { bundle: true, outdir: folder, target: TARGET, sourcemap: true, external: ["react"], logLevel: "warning" };
  await build({ ...common, entryPoints: [...entryPoints, WORKER], format: "esm", splitting: true, chunkNames: "shared-[hash]" });
  // Without a module there is no address to find the worker by; each viewer has a connection of its own there.
  common.logOverride = { "empty-import-meta": "silent" };
  await build({ ...common, entryPoints, format: "cjs", outExtension: { ".js": ".cjs" } });
  const tag = [{ in: join(SOURCES, "index.js"), out: "rtbroadcaster.min" }];
  await build({ ...common, entryPoints: tag, format: "iife", globalName: "rtbroadcaster", minify: true });
  types(folder);
  const described = JSON.parse(readFileSync(join(SOURCES, "package.json"), "utf8"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(description(described), null, 2)}\n`);
  writeFileSync(join(folder, "README.md"), alone(readFileSync(join(SOURCES, "README.md"), "utf8")));
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) cpSync(join(ROOT, licence), join(folder, licence));
}

/** A README without links to what the package does not have: their words stay. */
const alone = (readme) => readme.replaceAll(/\[([^\]]*)\]\((?:\.\.|tests)\/[^)]*\)/g, "$1");

/** Types of each module, for those that import and for those that require. */
function types(folder) {
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  const made = spawnSync(process.execPath, [tsc, "-p", join(SOURCES, "tsconfig.types.json"), "--outDir", folder], { stdio: "inherit" });
  if (made.status !== 0) throw new Error("the types cannot be made");
  writeFileSync(join(folder, "classic.d.ts"), 'export * from "./rtbroadcaster.js";\n');
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".d.ts"))) {
    const text = readFileSync(join(folder, file), "utf8");
    // A module that is required has no types of one that is imported.
    const required = text.replaceAll(/"(\.\/[\w-]+)\.js"/g, '"$1.cjs"');
    writeFileSync(join(folder, file.replace(/\.d\.ts$/, ".d.cts")), required);
  }
}

/** The published package.json, from that of the sources. */
function description({ private: _, scripts, devDependencies, overrides, files, exports, ...rest }) {
  const entry = (name) => ({
    import: { types: `./${name}.d.ts`, default: `./${name}.js` },
    require: { types: `./${name}.d.cts`, default: `./${name}.cjs` },
  });
  const named = Object.keys(ENTRIES).map((name) => [name === "index" ? "." : `./${name}`, entry(name)]);
  return {
    ...rest,
    sideEffects: false,
    main: "./index.cjs",
    module: "./index.js",
    types: "./index.d.cts",
    unpkg: "./rtbroadcaster.min.js",
    jsdelivr: "./rtbroadcaster.min.js",
    exports: { ...Object.fromEntries(named), "./package.json": "./package.json" },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPackage(process.argv[2] ?? join(ROOT, "target/npm"));
