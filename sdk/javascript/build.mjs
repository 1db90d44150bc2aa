// Builds the published package from the sources: ESM, CJS, a file for a script tag, types, maps, and what npm needs to know.
// `node build.mjs FOLDER`, by default target/npm at the root. Must not be needed to run the sources.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { described, ENTRIES, EXTERNAL } from "./scripts/entries.mjs";
import { TAG, TARGET, writeTag } from "./scripts/tag.mjs";
import { CannotBuild, esbuild, program, SOURCES } from "./scripts/tools.mjs";
import { declare } from "./scripts/types.mjs";

const ROOT = join(SOURCES, "../..");

/** The variable with the https address of the project's repository, which npm shows and checks a package's origin against. */
const REPOSITORY = "RTBROADCASTER_REPOSITORY";

/** Builds the package in `folder`, which is emptied. Without the address of a repository npm refuses to publish it. */
export async function buildPackage(folder, repository = process.env[REPOSITORY]) {
  const build = await esbuild();
  const published = description(described, repository);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The maps lead to these.
  for (const file of readdirSync(SOURCES).filter((name) => name.endsWith(".js"))) cpSync(join(SOURCES, file), join(folder, "src", file));
  const servers = ENTRIES.filter(({ server }) => server).map(({ server }) => ({ name: bare(server), file: server }));
  const entryPoints = [...ENTRIES, ...servers].map(({ name, file }) => ({ in: join(folder, "src", file), out: name }));
  const maps = { sourcemap: true, sourcesContent: false };
  // Paths are told from the working directory: with this one the same sources give the same package everywhere.
  const common = { entryPoints, bundle: true, absWorkingDir: folder, outdir: folder, target: TARGET, ...maps, external: EXTERNAL, logLevel: "warning" };
  // The shared worker of viewers with `share: "tabs"` is found beside them.
  const worker = { in: join(folder, "src", "tabs-worker.js"), out: "tabs-worker" };
  await build({ ...common, entryPoints: [...entryPoints, worker], format: "esm", splitting: true, chunkNames: "shared-[hash]" });
  // What is no module has no address to find it by, and does without.
  await build({ ...common, logOverride: { "empty-import-meta": "silent" }, format: "cjs", outExtension: { ".js": ".cjs" } });
  await writeTag(folder, "src/");
  types(folder);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  writeFileSync(join(folder, "README.md"), alone(readFileSync(join(SOURCES, "README.md"), "utf8")));
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) cpSync(join(ROOT, licence), join(folder, licence));
}

/** Returns the name of a file of code without its ending. */
const bare = (file) => file.replace(/\.js$/, "");

/** A README without links to what the package does not have: their words stay. */
const alone = (readme) => readme.replaceAll(/\[([^\]]*)\]\((?:\.\.|examples|tests)\/[^)]*\)/g, "$1");

/** Types of each module with their maps, for those that import and for those that require. */
function types(folder) {
  declare(folder, "src");
  for (const { name, file } of ENTRIES.filter((entry) => entry.name !== bare(entry.file))) {
    writeFileSync(join(folder, `${name}.d.ts`), `export * from "./${file}";\n`);
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".d.ts"))) {
    const text = readFileSync(join(folder, file), "utf8");
    // A module that is required has no types of one that is imported, and the map of both is one.
    const required = text.replaceAll(/"(\.\/[\w-]+)\.js"/g, '"$1.cjs"');
    writeFileSync(join(folder, file.replace(/\.d\.ts$/, ".d.cts")), required);
  }
}

/** The published package.json, from that of the sources. */
function description({ private: _, scripts, devDependencies, overrides, files, exports, types, ...rest }, repository) {
  const forms = (name, typed) => ({
    import: { types: `./${typed}.d.ts`, default: `./${name}.js` },
    require: { types: `./${typed}.d.cts`, default: `./${name}.cjs` },
  });
  const named = ENTRIES.map(({ path, name, server }) => [path, { ...(server && { "react-server": forms(bare(server), name) }), ...forms(name, name) }]);
  return {
    ...rest,
    ...origin(repository),
    // The element is there by being imported alone, and what is else loaded later.
    sideEffects: ["./element.js", "./element.cjs", "./complete.js", "./complete.cjs"],
    main: "./index.cjs",
    module: "./index.js",
    types: "./index.d.cts",
    unpkg: `./${TAG}`,
    jsdelivr: `./${TAG}`,
    exports: { ...Object.fromEntries(named), "./package.json": "./package.json" },
  };
}

/** Where the package comes from and how it is published, or that it is not. */
function origin(repository) {
  // Provenance proves which repository built a package, so npm refuses one that names none.
  if (!repository) return { private: true };
  if (!/^https:\/\/[^\s/]+\/\S+[^/\s]$/.test(repository) || repository.endsWith(".git")) {
    throw new CannotBuild(`${REPOSITORY} is \`${repository}\`, and should be the https address of the repository's page, without .git at its end.`);
  }
  return {
    repository: { type: "git", url: `git+${repository}.git`, directory: "sdk/javascript" },
    homepage: `${repository}#readme`,
    bugs: { url: `${repository}/issues` },
    publishConfig: { access: "public", provenance: true },
  };
}

await program(import.meta.url, (folder = join(ROOT, "target/npm")) => buildPackage(resolve(folder)));
