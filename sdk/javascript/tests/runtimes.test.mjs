// The published package outside of a page and of Node.js's main thread: in worker threads, in Bun and in Deno, each with its own
// WebSocket. Must not know how the package is made.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { start, stop } from "../../../protocol/server.mjs";
import { buildPackage } from "../build.mjs";

const MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));

/** Bun and Deno are 300 MB, which a build of the SDK does not need. */
const RUNTIMES = fileURLToPath(new URL("runtimes/node_modules/.bin", import.meta.url));

/** The timeout of a program, in milliseconds: longer than a cold start on a busy machine. */
const DEADLINE_MS = 60_000;

/** The output of a round. */
const SEEN = "slide 3\ncut 2 3\nclosed 4503\n";

/** The text of a round from an owner to a viewer by `rtbroadcaster`, with a cut after which both reconnect. */
const ROUND = `
import { host } from "rtbroadcaster";
import { join } from "rtbroadcaster/viewer";

export async function round(address, say, Base = globalThis.WebSocket) {
  const sockets = [];
  globalThis.WebSocket = class extends Base {
    constructor(...all) {
      super(...all);
      sockets.push(this);
    }
  };
  const room = await host(address);
  await room.publish("slide", [3], { state: true });
  const show = await join(address, room.id);
  say("slide " + show.state.get("slide")[0]);
  const bells = [];
  const both = new Promise((heard) => show.on("bell", (n) => bells.push(n) === 2 && heard()));
  for (const socket of sockets.splice(0)) socket.close();
  await Promise.all([room.publish("bell", [2]), room.publish("bell", [3])]);
  await both;
  say("cut " + bells.join(" "));
  await room.close();
  for await (const _ of show);
  say(show.status.value.name + " " + show.status.value.code);
}
`;

/** In a worker thread. `ws` is for Node.js 20, which has no WebSocket. */
const THREAD = `
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: process.argv[2] });
  worker.on("message", (line) => console.log(line));
  worker.on("error", (error) => { throw error; });
} else {
  const { round } = await import("./round.mjs");
  await round(workerData, (line) => parentPort.postMessage(line), globalThis.WebSocket ?? (await import("ws")).WebSocket);
}`;

const PLAIN = `
import { round } from "./round.mjs";
await round(globalThis.Deno?.args[0] ?? process.argv[2], (line) => console.log(line));`;

/** A worker like that of a page, which Bun and Deno have too. */
const WORKER = `
if (globalThis.WorkerGlobalScope && self instanceof WorkerGlobalScope || globalThis.Bun?.isMainThread === false) {
  self.onmessage = async ({ data }) => {
    const { round } = await import("./round.mjs");
    await round(data, (line) => self.postMessage(line));
    self.postMessage("");
  };
} else {
  const worker = new Worker(new URL(import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => (data ? console.log(data) : worker.terminate());
  worker.postMessage(globalThis.Deno?.args[0] ?? process.argv[2]);
}`;

let server;
let project;
before(async () => {
  server = await start();
  project = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
  mkdirSync(join(project, "node_modules"));
  await buildPackage(join(project, "node_modules/rtbroadcaster"));
  symlinkSync(join(MODULES, "ws"), join(project, "node_modules/ws"));
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "dependencies": { "rtbroadcaster": "*" } }');
  for (const [name, text] of Object.entries({ round: ROUND, thread: THREAD, plain: PLAIN, worker: WORKER })) {
    writeFileSync(join(project, `${name}.mjs`), text);
  }
});
after(async () => {
  rmSync(project, { recursive: true, force: true });
  await stop(server);
});

/** Runs a program in the project, with the server's address; returns its output. */
async function says(program, parameters) {
  const env = { ...process.env, DENO_DIR: join(project, "deno"), DENO_NO_UPDATE_CHECK: "1" };
  const child = spawn(program, [...parameters, server.address], { cwd: project, env, timeout: DEADLINE_MS });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, said);
  return said;
}

test("a worker thread of Node.js owns and watches", async () => {
  assert.equal(await says(process.execPath, ["thread.mjs"]), SEEN);
});

for (const [name, parameters] of [
  ["bun", ["run"]],
  ["deno", ["run", "--quiet", "--no-lock", "--cached-only", "--allow-net=127.0.0.1", "--allow-read=."]],
]) {
  const program = join(RUNTIMES, name);
  const { status, error } = spawnSync(program, ["--version"], { encoding: "utf8" });
  const missing = "it is not installed: run `npm ci` in sdk/javascript/tests/runtimes";
  const skip = status !== 0 && (error?.code === "ENOENT" ? missing : `the npm package \`${name}\` brought no program that runs on this machine`);
  for (const [where, file] of [["", "plain.mjs"], [", in a worker too", "worker.mjs"]]) {
    test(`${name} owns and watches${where}`, { skip }, async () => {
      assert.equal(await says(program, [...parameters, file]), SEEN);
    });
  }
}
