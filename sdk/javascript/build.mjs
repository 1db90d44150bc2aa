// Builds the published package from the sources: ESM, CJS, a file for a script tag, types, maps, package.json and README.
// `node build.mjs FOLDER`, by default target/npm at the root. Must not be needed to run the sources.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { described, ENTRIES, EXTERNAL } from "./scripts/entries.mjs";
import { TAG, TARGET, writeTag } from "./scripts/tag.mjs";
import { CannotBuild, esbuild, program, SOURCES } from "./scripts/tools.mjs";
import { declare } from "./scripts/types.mjs";

const ROOT = join(SOURCES, "../..");

/** The variable with the https address of the project's repository, which npm shows and compares with the package's origin. */
const REPOSITORY = "RTBROADCASTER_REPOSITORY";

/** Builds the package in `folder`, and removes the folder's contents before. Without a repository's address npm refuses to publish it. */
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
  // esbuild writes paths relative to its working directory: with this one, the same sources give the same package everywhere.
  const common = { entryPoints, bundle: true, absWorkingDir: folder, outdir: folder, target: TARGET, ...maps, external: EXTERNAL, logLevel: "warning" };
  // The shared worker of viewers with `share: "tabs"` is found beside them.
  const worker = { in: join(folder, "src", "tabs-worker.js"), out: "tabs-worker" };
  await build({ ...common, entryPoints: [...entryPoints, worker], format: "esm", splitting: true, chunkNames: "shared-[hash]" });
  // CJS has no `import.meta.url`, so its viewers share no connection between tabs.
  await build({ ...common, logOverride: { "empty-import-meta": "silent" }, format: "cjs", outExtension: { ".js": ".cjs" } });
  await writeTag(folder, "src/");
  types(folder);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  writeFileSync(join(folder, "README.md"), alone(readFileSync(join(SOURCES, "README.md"), "utf8")));
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"]) cpSync(join(ROOT, licence), join(folder, licence));
}

/** Returns the name of a file of code without its ending. */
const bare = (file) => file.replace(/\.js$/, "");

/** Returns a README without links to files that are not in the package; the links' texts stay. */
const alone = (readme) => readme.replaceAll(/\[([^\]]*)\]\((?:\.\.|examples|tests)\/[^)]*\)/g, "$1");

/** Writes the types of each module with their maps, for `import` and for `require`. */
function types(folder) {
  declare(folder, "src");
  for (const { name, file } of ENTRIES.filter((entry) => entry.name !== bare(entry.file))) {
    writeFileSync(join(folder, `${name}.d.ts`), `export * from "./${file}";\n`);
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".d.ts"))) {
    const text = readFileSync(join(folder, file), "utf8");
    // The types of a CJS module must refer to those of CJS modules. Both have one map.
    const required = text.replaceAll(/"(\.\/[\w-]+)\.js"/g, '"$1.cjs"');
    writeFileSync(join(folder, file.replace(/\.d\.ts$/, ".d.cts")), required);
  }
}

/** Returns the published package.json, made from that of the sources. */
function description({ private: _, scripts, devDependencies, overrides, files, exports, types, ...rest }, repository) {
  const forms = (name, typed) => ({
    import: { types: `./${typed}.d.ts`, default: `./${name}.js` },
    require: { types: `./${typed}.d.cts`, default: `./${name}.cjs` },
  });
  const named = ENTRIES.map(({ path, name, server }) => [path, { ...(server && { "react-server": forms(bare(server), name) }), ...forms(name, name) }]);
  return {
    ...rest,
    ...origin(repository),
    // These modules are imported for their effects only.
    sideEffects: ["./element.js", "./element.cjs", "./complete.js", "./complete.cjs"],
    main: "./index.cjs",
    module: "./index.js",
    types: "./index.d.cts",
    unpkg: `./${TAG}`,
    jsdelivr: `./${TAG}`,
    exports: { ...Object.fromEntries(named), "./package.json": "./package.json" },
  };
}

/** Returns the members of package.json about the repository and publishing; without an address, those that prevent publishing. */
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
