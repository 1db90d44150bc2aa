// Runs the tools of the builds, which npm installs: esbuild and TypeScript's compiler. Must not know what is built.

import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the sources. */
export const SOURCES = fileURLToPath(new URL("..", import.meta.url));

/** The error of a build that cannot be made. Its message says what to do. */
export class CannotBuild extends Error {}

/** Returns esbuild's `build`. */
export async function esbuild() {
  return (await import("esbuild").catch(missing("esbuild"))).build;
}

/** Runs TypeScript's compiler, which prints its errors. Throws a `CannotBuild` if it fails. */
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

/** Returns a function that rethrows an error; as a `CannotBuild` if the package is not installed. */
const missing = (name) => (error) => {
  if (!["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(error.code)) throw error;
  throw new CannotBuild(`The package \`${name}\` is not installed. Run \`npm ci\` in sdk/javascript, then this command again.`);
};

/** Runs `make` with the program's arguments if `module` is the program. A `CannotBuild` sets the exit code 1 and prints its message. */
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
