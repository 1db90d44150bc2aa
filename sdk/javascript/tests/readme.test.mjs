// The programs in README.md run, each against the real server in a room where slide 3 is shown, and say what the README lets expect.

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

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

const ENTRIES = new Map([["rtbroadcaster", "../index.js"], ["rtbroadcaster/viewer", "../viewer.js"]]);

/** Under which heading a program stands, and what it says, in this order among other lines. */
const SAYS = {
  "rtbroadcaster for JavaScript": [/^viewer \d+ raised a hand: true$/, /^slide 3$/, /^ding$/, /^no slide$/, /^now closed room_closed$/],
  "The state": [/^slide 3$/, /^before: slide 3$/],
  "A server that was restarted without a data directory": [/^viewers join [\w-]{36}$/],
  "A presenter's second device": [/^the phone speaks in term 2$/],
  "A producer in Node.js": [/^live $/, /^closed room_closed$/],
};

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
  const known = program.replace(/from "(rtbroadcaster[^"]*)"/g, (_, name) => `from "${new URL(ENTRIES.get(name), import.meta.url)}"`);
  const whole = known.replace('from "ws"', `from "${import.meta.resolve("ws")}"`);
  return whole.replaceAll("wss://example.org/broadcasting", server.address).replaceAll('"ROOM"', `"${room.id}"`);
}

/** The programs, each with the heading above it. */
const programs = README.split(/^#+ /m).flatMap((section) => [...section.matchAll(/```js\n(.*?)```/gs)].map(([, program]) => [section.split("\n")[0], program]));

test("there is one program for each expectation", () => assert.deepEqual(programs.map(([heading]) => heading), Object.keys(SAYS)));

for (const [heading, program] of programs) {
  test(`the program under "${heading}" does what it says`, async (t) => {
    const wanted = [...SAYS[heading]];
    const lines = [];
    let done;
    const said = new Promise((resolve) => (done = resolve));
    t.mock.method(console, "log", (...words) => {
      lines.push(words.join(" "));
      if (wanted[0]?.test(lines.at(-1)) && wanted.length === 1) done();
      if (wanted[0]?.test(lines.at(-1))) wanted.shift();
    });
    const wrongs = t.mock.method(console, "error", () => {});
    const file = path(folder, `${programs.findIndex(([one]) => one === heading)}.mjs`);
    writeFileSync(file, prepared(program));
    await within(import(pathToFileURL(file)), "running");
    await within(said, "what it says").catch((error) => assert.fail(`${error.message}: ${wanted}\n${lines.join("\n")}`));
    assert.equal(wrongs.mock.callCount(), 0);
  });
}

test("each member, option and error of the types is in README.md", () => {
  const typed = (file) => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
  const properties = ["viewer.js", "owner.js", "dial.js", "outgoing.js", "store.js", "status.js", "inspector.js"].flatMap((file) => [...typed(file).matchAll(/@property \{.*?\} \[?(\w+)\]? /g)].map(([, name]) => name));
  const codes = /@typedef \{("aborted"[^}]*)\| \(string/.exec(typed("failure.js").replaceAll(/\n \*/g, ""))[1].match(/\w+/g);
  assert.ok(properties.length > 30 && codes.length > 20);
  const told = new Set(README.replaceAll(/```.*?```/gs, "").match(/`[^`\n]+`/g).flatMap((span) => span.match(/\w+/g) ?? []));
  assert.deepEqual([...properties, ...codes].filter((name) => !told.has(name)), []);
});
