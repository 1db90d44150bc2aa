// The programs in README.md run, each against the real server in a room with slide 3, and print what README.md says.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { WebSocket } from "ws";
import { within } from "../../../protocol/deadline.mjs";
import { start, stop } from "../../../protocol/server.mjs";
import { Network } from "../../../crates/rtbroadcaster-server/page/tests/network.mjs";
import { host, join } from "../index.js";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

const ENTRIES = new Map([["rtbroadcaster", "../index.js"], ["rtbroadcaster/viewer", "../viewer.js"]]);

/** The heading of each program, and its output: each list in its order, among other lines. */
const SAYS = {
  "rtbroadcaster for JavaScript": [[/^viewer \d+ raised a hand: true$/], [/^slide 3$/, /^ding$/, /^no slide$/, /^now closed room_closed$/]],
  "The state": [[/^slide 3$/, /^before: slide 3$/]],
  "A server that was restarted without a data directory": [[/^viewers join [\w-]{36}$/]],
  "A presenter's second device": [[/^the phone owns the room in term 2$/]],
  "A producer in Node.js": [[/^live $/, /^closed room_closed$/]],
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

/** Returns the program as it runs here: with this server, this room and these sources. */
function prepared(program) {
  const known = program.replace(/from "(rtbroadcaster[^"]*)"/g, (_, name) => `from "${new URL(ENTRIES.get(name), import.meta.url)}"`);
  const whole = known.replace('from "ws"', `from "${import.meta.resolve("ws")}"`);
  // A program that runs until it is ended.
  const held = whole.replace("return room;", "return (globalThis.presented = room);");
  return held.replaceAll("wss://example.org/broadcasting", server.address).replaceAll('"ROOM"', `"${room.id}"`);
}

/** The programs, each with the heading above it. */
const programs = README.split(/^#+ /m).flatMap((section) => [...section.matchAll(/```js\n(.*?)```/gs)].map(([, program]) => [section.split("\n")[0], program]));

test("there is one program for each expectation", () => assert.deepEqual(programs.map(([heading]) => heading), Object.keys(SAYS)));

for (const [heading, program] of programs) {
  test(`the program under "${heading}" does what it says`, async (t) => {
    const wanted = SAYS[heading].map((list) => [...list]);
    const lines = [];
    let done;
    const said = new Promise((resolve) => (done = resolve));
    t.mock.method(console, "log", (...words) => {
      lines.push(words.join(" "));
      for (const list of wanted) if (list[0]?.test(lines.at(-1))) list.shift();
      if (!wanted.flat().length) done();
    });
    t.after(() => globalThis.presented?.leave());
    const wrongs = t.mock.method(console, "error", () => {});
    const file = path(folder, `${programs.findIndex(([one]) => one === heading)}.mjs`);
    writeFileSync(file, prepared(program));
    await within(import(pathToFileURL(file)), "running");
    await within(said, "what it says").catch((error) => assert.fail(`${error.message}: ${wanted.flat()}\n${lines.join("\n")}`));
    assert.equal(wrongs.mock.callCount(), 0);
  });
}

for (const signal of ["SIGTERM", "SIGKILL"]) {
  test(`the recipe for a server without a data directory brings the state into another room behind ${signal}`, async (t) => {
    let mine = await start();
    const network = new Network(() => Number(new URL(mine.address).port));
    await network.listen();
    t.after(() => network.close());
    t.after(async () => {
      globalThis.presented.leave();
      await stop(mine);
    });
    const joined = [];
    const nexts = [];
    t.mock.method(console, "log", (_words, id) => {
      joined.push(id);
      nexts.shift()?.();
    });
    const next = () => new Promise((resolve) => nexts.push(resolve));
    const [, program] = programs.find(([heading]) => heading.includes("restarted"));
    const address = `${network.origin}/broadcasting`;
    const file = path(folder, `${signal}.mjs`);
    writeFileSync(file, prepared(program.replaceAll("wss://example.org/broadcasting", address)));
    const first = next();
    await import(pathToFileURL(file));
    await within(first, "the first room");
    await globalThis.presented.publish("slide", [3], { state: true });
    const second = next();
    mine.child.kill(signal);
    await within(mine.ended, "the server's end");
    mine = await start();
    await within(second, "the second room", 20_000);
    assert.notEqual(joined[1], joined[0]);
    const show = await join(address, joined[1]);
    t.after(() => show.leave());
    assert.deepEqual(show.state.get("slide"), [3]);
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
