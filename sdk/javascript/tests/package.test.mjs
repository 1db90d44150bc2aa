// The published package: packed by npm, installed in an empty project, and used there in every way that it supports.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { start, stop } from "../../../protocol/server.mjs";
import { buildPackage } from "../build.mjs";

const SOURCES = fileURLToPath(new URL("..", import.meta.url));

let server;
let folder;
let built;
let project;
let tarball;
before(async () => {
  server = await start();
  folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  built = join(folder, "built");
  project = join(folder, "project");
  await buildPackage(built, "https://git.example.org/somebody/rtbroadcaster");
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], built));
  tarball = join(folder, filename);
  installs();
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await stop(server);
});

/** Installs the package in an empty project, and the other packages that it needs. */
function installs() {
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true }');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], project);
  assert.deepEqual(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith(".")), ["rtbroadcaster"]);
  for (const other of ["react", "react-dom", "scheduler", "vue", "svelte", "solid-js", "happy-dom", "ws", "@types"]) {
    symlinkSync(join(SOURCES, "node_modules", other), join(project, "node_modules", other));
  }
}

/** Returns the output of a program. Throws if it failed. */
function run(program, parameters, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, { cwd, encoding: "utf8" });
  assert.equal(status, 0, `${program} ${parameters.join(" ")}\n${stdout}${stderr}${error ?? ""}`);
  return stdout;
}

/** Runs a file of this text in the project, with the server's address; returns its output. */
async function says(name, text) {
  writeFileSync(join(project, name), text);
  const child = spawn(process.execPath, [name, server.address], { cwd: project });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(code, 0, said);
  return said;
}

test("its README links to nothing that the package does not have", () => {
  const links = [...readFileSync(join(built, "README.md"), "utf8").matchAll(/\]\(([^)#]+)\)/g)].map(([, link]) => link);
  assert.deepEqual(links.filter((link) => !link.startsWith("https://")), []);
});

test("publint finds nothing wrong", async () => {
  const { messages } = await publint({ pkgDir: built, level: "suggestion", strict: true });
  assert.deepEqual(messages, []);
});

test("are the types wrong? no", async () => {
  const { problems, types } = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
  assert.ok(types);
  assert.deepEqual(problems, []);
});

test("the package holds what it needs, and nothing else", () => {
  const { dependencies, sideEffects, scripts, devDependencies, private: isPrivate } = JSON.parse(readFileSync(join(built, "package.json"), "utf8"));
  assert.deepEqual([dependencies, sideEffects, scripts, devDependencies, isPrivate], [undefined, ["./element.js", "./element.cjs", "./complete.js", "./complete.cjs"], undefined, undefined, undefined]);
  const files = readdirSync(built);
  for (const file of files.filter((name) => /\.c?js$/.test(name))) {
    assert.ok(files.includes(`${file}.map`), file);
    const text = readFileSync(join(built, file), "utf8");
    assert.match(text, /\n\/\/# sourceMappingURL=/);
    // A page may forbid both.
    assert.doesNotMatch(text, /\beval\(|new Function\b/);
  }
  for (const file of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "index.d.ts", "index.d.cts", "rtbroadcaster.min.js"]) assert.ok(files.includes(file), file);
});

/** The text of a round from an owner to a viewer, for programs that have `host`, `join` and `WebSocket`. */
const ROUND = `
async function round({ host, join }, WebSocket, address) {
  const room = await host(address, { WebSocket });
  await room.publish("slide", [3], { state: true });
  const show = await join(address, room.id, { WebSocket });
  console.log("slide", show.state.get("slide")[0]);
  await room.close();
  for await (const _ of show);
  console.log(show.status.value.name, show.status.value.code);
}`;

const SEEN = "slide 3\nclosed 4503\n";

test("ESM works", async () => {
  const seen = await says("esm.mjs", `${ROUND}
    import * as both from "rtbroadcaster";
    import { join, watch } from "rtbroadcaster/viewer";
    import "rtbroadcaster/complete";
    import { RTBroadcaster } from "rtbroadcaster/classic";
    import { WebSocket } from "ws";
    if (both.join !== join || both.watch !== watch || typeof RTBroadcaster !== "function") throw new Error("one module is there twice");
    await round(both, WebSocket, process.argv[2]);`);
  assert.equal(seen, SEEN);
});

test("CJS works", async () => {
  const seen = await says("cjs.cjs", `${ROUND}
    const both = require("rtbroadcaster");
    const { join } = require("rtbroadcaster/viewer");
    const { RTBroadcaster } = require("rtbroadcaster/classic");
    if (typeof join !== "function" || typeof RTBroadcaster !== "function") throw new Error("an entry is empty");
    void round(both, require("ws").WebSocket, process.argv[2]);`);
  assert.equal(seen, SEEN);
});

test("a script tag works", async () => {
  const seen = await says("tag.mjs", `${ROUND}
    import { readFileSync } from "node:fs";
    import { runInThisContext } from "node:vm";
    import { WebSocket } from "ws";
    runInThisContext(readFileSync("node_modules/rtbroadcaster/rtbroadcaster.min.js", "utf8"));
    await round(globalThis.rtbroadcaster, WebSocket, process.argv[2]);`);
  assert.equal(seen, SEEN);
});

test("React 19 works in StrictMode", async () => {
  const seen = await says("react.mjs", `
    import { GlobalWindow } from "happy-dom";
    const window = new GlobalWindow();
    for (const [name, value] of Object.entries({ window, document: window.document, navigator: window.navigator })) {
      Object.defineProperty(globalThis, name, { value, configurable: true });
    }
    const { createElement, StrictMode, version } = await import("react");
    const { createRoot } = await import("react-dom/client");
    const { host } = await import("rtbroadcaster");
    const { useRoom, useRoomKey } = await import("rtbroadcaster/react");
    const { WebSocket } = await import("ws");
    const room = await host(process.argv[2], { WebSocket });
    await room.publish("slide", [3], { state: true });
    let tell;
    const shown = new Promise((resolve) => (tell = resolve));
    function Slide() {
      const { room: show, status } = useRoom(process.argv[2], room.id, { WebSocket });
      const slide = useRoomKey(show, "slide");
      if (slide) tell(status.name + " " + slide[0]);
      return null;
    }
    const root = createRoot(document.createElement("div"));
    root.render(createElement(StrictMode, null, createElement(Slide)));
    console.log(version.split(".")[0], await shown);
    root.unmount();
    await room.close();
    process.exit();`);
  assert.equal(seen, "19 live 3\n");
});

const CHECKED = `
  import { host, type Host, type Status } from "rtbroadcaster";
  import { join, type Viewer } from "rtbroadcaster/viewer";
  import { RTBroadcaster } from "rtbroadcaster/classic";
  import { useRoom, useRoomKey } from "rtbroadcaster/react";
  import * as vue from "rtbroadcaster/vue";
  import * as svelte from "rtbroadcaster/svelte";
  import * as solid from "rtbroadcaster/solid";
  import { RtbValue } from "rtbroadcaster/element";
  type Show = { state: { slide: [number] } };
  export async function owner(): Promise<Host<Show>> {
    const room = await host<Show>("/broadcasting");
    // @ts-expect-error The parameter is a number.
    void room.publish("slide", ["3"], { state: true });
    return room;
  }
  export async function viewer(): Promise<[Viewer<Show>, Status]> {
    const show = await join<Show>("/broadcasting", "room");
    show.on("slide", (n) => n.toFixed());
    return [show, show.status.value];
  }
  export const slide = (): number | undefined => useRoomKey(useRoom<Show>("/broadcasting", "room").room, "slide")?.[0];
  export const entries = [vue.useRoom, svelte.createRoom, solid.createRoom, RtbValue];
  export const classic = (): boolean => new RTBroadcaster("/broadcasting").connected;`;

for (const [what, file, options] of [
  ["Node.js, imported", "types.mts", ["--module", "nodenext"]],
  ["Node.js, required", "types.cts", ["--module", "nodenext"]],
  ["a bundler", "types.ts", ["--module", "esnext", "--moduleResolution", "bundler"]],
]) {
  test(`the types are there for ${what}`, () => {
    writeFileSync(join(project, file), CHECKED);
    const tsc = join(SOURCES, "node_modules/typescript/bin/tsc");
    run(process.execPath, [tsc, "--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom", "--types", "", ...options, file], project);
  });
}
