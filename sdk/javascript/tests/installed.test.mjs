// The SDK in an empty project: the folder of the sources and the packed package, with TypeScript, in Node.js without a page,
// and in React's server components. Must not know how either is made.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildPackage } from "../build.mjs";
import { ENTRIES, EXTERNAL } from "../scripts/entries.mjs";

const SOURCES = fileURLToPath(new URL("..", import.meta.url));
const MODULES = join(SOURCES, "node_modules");

/** The imports of a program. */
const NAMES = ENTRIES.map(({ path }) => path.replace(/^\./, "rtbroadcaster"));

/** The output of a program that found each entry. */
const FULL = NAMES.map(() => "true").join(" ");

let folder;
before(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "rtbroadcaster-")));
  // As in a new clone: nothing is installed and nothing built.
  const clone = join(folder, "clone");
  cpSync(SOURCES, clone, { recursive: true, filter: (path) => !path.startsWith(MODULES) && !path.startsWith(join(SOURCES, "tests")) });
  const built = join(folder, "built");
  await buildPackage(built);
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], built));
  installs("folder", clone);
  installs("copied folder", clone, "--install-links");
  installs("package", join(folder, filename));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Installs the SDK from `path` into a new project, and the other packages that it needs. */
function installs(name, path, ...options) {
  const project = join(folder, name);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", ...options, path], project);
  assert.deepEqual(readdirSync(join(project, "node_modules")).filter((file) => !file.startsWith(".")), ["rtbroadcaster"]);
  // A folder that is installed as a link looks for a framework in its own parents.
  for (const place of [project, ...(name === "folder" ? [path] : [])]) {
    mkdirSync(join(place, "node_modules"), { recursive: true });
    for (const framework of EXTERNAL) symlinkSync(join(MODULES, framework), join(place, "node_modules", framework));
    // React's types are another package.
    symlinkSync(join(MODULES, "@types"), join(place, "node_modules/@types"));
  }
}

/** Returns the output of a program. Throws if it failed. */
function run(program, parameters, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, { cwd, encoding: "utf8" });
  assert.equal(status, 0, `${program} ${parameters.join(" ")}\n${stdout}${stderr}${error ?? ""}`);
  return stdout;
}

/** Returns the output of a program of this text in a project. */
function says(name, file, text, ...options) {
  writeFileSync(join(folder, name, file), text);
  return run(process.execPath, [...options, file], join(folder, name)).trim();
}

const CHECKED = `
  import { host, join } from "rtbroadcaster";
  import { watch } from "rtbroadcaster/viewer";
  import { RTBroadcaster } from "rtbroadcaster/classic";
  import { hint } from "rtbroadcaster/hints";
  import { useRoom, useRoomKey } from "rtbroadcaster/react";
  export async function all(): Promise<string[]> {
    const room = await host("/broadcasting");
    void room.publish("slide", [3], { state: true });
    const show = await join("/broadcasting", room.id);
    watch("/broadcasting", room.id).leave();
    new RTBroadcaster("/broadcasting").close();
    // @ts-expect-error An address is no number, where the types are known.
    void host(3);
    // @ts-expect-error The same.
    useRoom(3, "room");
    // @ts-expect-error The same.
    void hint(3);
    return [room.id, show.id, typeof useRoomKey];
  }`;

for (const name of ["folder", "copied folder", "package"]) {
  for (const [what, file, ...options] of [
    ["Node.js", "types.mts", "--module", "nodenext"],
    ["a bundler", "types.ts", "--module", "esnext", "--moduleResolution", "bundler"],
    ["a bundler of server components", "types.ts", "--module", "esnext", "--moduleResolution", "bundler", "--customConditions", "react-server"],
  ]) {
    test(`the ${name} compiles in an empty strict project of TypeScript for ${what}`, () => {
      writeFileSync(join(folder, name, file), CHECKED);
      const fixed = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom", "--types", "", "--ignoreConfig"];
      run(process.execPath, [join(MODULES, "typescript/bin/tsc"), ...fixed, ...options, file], join(folder, name));
    });
  }

  test(`every entry of the ${name} can be imported without a page`, () => {
    const text = `
      const pages = ["window", "document", "self", "localStorage"].filter((global) => Object.hasOwn(globalThis, global) && global !== "localStorage");
      const all = await Promise.all(${JSON.stringify(NAMES)}.map((entry) => import(entry)));
      console.log(pages.length, all.map((entry) => Object.keys(entry).length > 0).join(" "));`;
    assert.equal(says(name, "all.mjs", text), `0 ${FULL}`);
    assert.equal(says(name, "all.mjs", text, "--conditions", "react-server"), `0 ${FULL}`);
  });

  test(`where server components are rendered, each hook of the ${name} says what it needs`, () => {
    const text = `
      const hooks = await import("rtbroadcaster/react");
      for (const [name, hook] of Object.entries(hooks)) {
        try {
          hook("/broadcasting", "room");
        } catch (error) {
          console.log(name + ": " + error.message);
        }
      }`;
    const expected = exported().map((hook) => `${hook}: ${hook} needs a client component: put "use client" on the first line of the file that calls it.`);
    assert.ok(expected.length >= 2);
    assert.deepEqual(says(name, "hooks.mjs", text, "--conditions", "react-server").split("\n"), expected);
  });
}

/** Returns the names that the entry for React exports. */
function exported() {
  const text = 'import("rtbroadcaster/react").then((entry) => console.log(Object.keys(entry).join(" ")))';
  return says("folder", "names.mjs", text).split(" ");
}

test("the package can be required too", () => {
  const text = `console.log(${JSON.stringify(NAMES)}.map((entry) => Object.keys(require(entry)).length > 0).join(" "));`;
  assert.equal(says("package", "all.cjs", text), FULL);
  assert.equal(says("package", "all.cjs", text, "--conditions", "react-server"), FULL);
});

test("the entry for React begins by saying that it is for clients, in each form", () => {
  const forms = [join(SOURCES, "react.js"), ...["react.js", "react.cjs"].map((file) => join(folder, "built", file))];
  assert.deepEqual(forms.map((path) => readFileSync(path, "utf8").split("\n", 1)[0]), forms.map(() => `"use client";`));
});
