// The programs in README.md run, each against the real server in a room where slide 3 is shown.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { WebSocket } from "ws";
import { within } from "../../../protocol/deadline.mjs";
import { start, stop } from "../../../protocol/server.mjs";
import { host } from "../index.js";

const ENTRIES = new Map([["rtbroadcaster", "index.js"], ["rtbroadcaster/viewer", "viewer.js"]]);

let server;
let room;
let folder;
before(async () => {
  server = await start();
  folder = mkdtempSync(path(tmpdir(), "rtbroadcaster-"));
  globalThis.WebSocket = WebSocket;
  room = await host(server.address);
  await room.publish("slide", [3], { state: true });
});
after(async () => {
  await room.close();
  rmSync(folder, { recursive: true });
  await stop(server);
});

/** The program as it is run here: with this server, this room and these sources. */
function prepared(program) {
  const entry = (_, name) => `from "${new URL(`../${ENTRIES.get(name)}`, import.meta.url)}"`;
  return program.replace(/from "(rtbroadcaster[^"]*)"/g, entry).replaceAll("wss://example.org/broadcasting", server.address).replaceAll('"ROOM"', `"${room.id}"`);
}

const programs = [...readFileSync(new URL("../README.md", import.meta.url), "utf8").matchAll(/```js\n(.*?)```/gs)].map(([, program]) => program);

test("there are programs", () => assert.ok(programs.length >= 2));

for (const [at, program] of programs.entries()) {
  test(`program ${at + 1} of README.md runs: ${program.split("\n")[0]}`, async (t) => {
    const lines = [];
    t.mock.method(console, "log", (...words) => lines.push(words.join(" ")));
    const file = path(folder, `${at}.mjs`);
    writeFileSync(file, prepared(program));
    await within(import(pathToFileURL(file)), "running");
    assert.ok(lines.length > 0);
    if (program.includes("join(")) assert.deepEqual(lines, ["slide 3", "slide 3", "closed"]);
  });
}
