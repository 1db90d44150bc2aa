// The programs that the builds need and npm installs: esbuild and TypeScript's compiler. Must not know what is built.

import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the sources. */
export const SOURCES = fileURLToPath(new URL("..", import.meta.url));

/** Why a build cannot be made, in a sentence that says what to do. */
export class CannotBuild extends Error {}

/** Returns esbuild's `build`. */
export async function esbuild() {
  return (await import("esbuild").catch(missing("esbuild"))).build;
}

/** Runs TypeScript's compiler, which prints what is wrong. */
export function tsc(parameters) {
  let described;
  try {
    described = createRequire(import.meta.url).resolve("typescript/package.json");
  } catch (error) {
    missing("typescript")(error);
  }
  const { status } = spawnSync(process.execPath, [join(dirname(described), "bin/tsc"), ...parameters], { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new CannotBuild("TypeScript found errors in the sources; `npm run check` shows them too.");
}

/** Returns a function that fails for a package: with what to do if it is not there, else with the error that it gets. */
const missing = (name) => (error) => {
  if (!["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(error.code)) throw error;
  throw new CannotBuild(`The package \`${name}\` is not installed. Run \`npm ci\` in sdk/javascript, then this command again.`);
};

/** Runs `make` with the program's parameters if `module` is the program. A build that cannot be made ends it with 1 and a sentence. */
export async function program(module, make) {
  if (!process.argv[1] || realpathSync(process.argv[1]) !== fileURLToPath(module)) return;
  try {
    await make(...process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CannotBuild)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
