// The conversations in protocol/conversations with the SDK as the client. The SDK sends what the client there sends, byte for byte but for
// its ids and `lives`, and understands what the server there sends. A connection on which the client sends something that the SDK never
// sends is followed up to there, and counted.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "../../../protocol/transcript.mjs";
import { host, watch } from "../index.js";
import { Clock } from "./clock.mjs";
import { LIMITS } from "./world.mjs";
import { Page } from "./page.mjs";
import { Server } from "./script.mjs";

const FOLDER = new URL("../../../protocol/conversations/", import.meta.url);

/** The steps of all conversations that the SDK took, and the steps that it never takes. */
const counts = { sent: 0, heard: 0, never: 0 };

/** The placeholder of a value that the server chose. */
const VALUES = { room: "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a" };

/** Waits for a turn of the event loop, after which promises have settled. */
const tick = (value) => new Promise((resolve) => setImmediate(resolve, value));

/** Returns a frame for comparison, without its id and, if the client there knows no lives, without `lives`. */
function written({ id, ...frame }, hasLives) {
  if (!hasLives) delete frame.lives;
  if (!hasLives && frame.type === "own") delete frame.cursor;
  return JSON.stringify(frame);
}

/** The client of one connection. */
class Client {
  #t;
  #clock;
  #page;
  #server = new Server();
  #peer;
  /** The SDK's owner or viewer, once it has sent something, and whether it is a viewer. */
  #end;
  #isViewer;
  /** By the conversation's id: the SDK's id, and the outcome of the request. */
  #ids = new Map();
  #outcomes = [];
  /** The state and messages that the viewer should have, and those that it has. */
  #model = new Map();
  #expected = [];
  #heard = [];
  /** How many messages of a replay of the state follow; the SDK reports them together. */
  #left = 0;

  constructor(t, clock, page) {
    [this.#t, this.#clock, this.#page] = [t, clock, page];
  }

  /** Opens the first connection or a later one. */
  connect() {
    if (!this.#end) return true;
    if (this.#end.status?.value.name !== "resuming") return false;
    // It reconnects at once.
    this.#clock.advance(0);
    this.#peer = this.#server.accept();
    return true;
  }

  /** Has the SDK send a frame of the conversation. Returns false for a frame that it never sends. */
  async says(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return false;
    }
    const { type, id, key, params, ...more } = frame;
    const say = this.#actions(frame)[type];
    if (!say) return false;
    const expected = { ...frame };
    if (say() === false) return false;
    this.#clock.advance(0);
    const asked = this.#peer.rest().at(-1);
    if (asked?.id !== undefined && id !== undefined) this.#ids.set(id, asked.id);
    // The SDK has its own id for every request.
    const named = asked?.id !== undefined && id === undefined && ["publish", "clear"].includes(type);
    delete expected.id;
    if (!asked || written(asked, frame.lives) !== JSON.stringify(expected)) return false;
    return named || (asked.id === undefined) === (id === undefined);
  }

  #actions({ room, ownerKey, cursor, token, audience, signals, graceMs, id, key, params, state, ephemeral }) {
    const options = { WebSocket: this.#server.WebSocket, token, reconnect: { random: () => 0 } };
    const enter = (begin, isViewer) => () => {
      // It has reconnected by itself, and sent its request.
      if (this.#end) return;
      if (cursor && isViewer) return false;
      this.#isViewer = isViewer;
      return this.#begin(begin());
    };
    const publish = (said) => {
      if (id !== undefined) this.#outcomes.push([id, said.then((seq) => seq, ({ code }) => code)]);
    };
    const owning = (act) => () => (this.#end?.publish ? act() : false);
    const watching = (act) => () => (this.#end?.signal ? act() : false);
    return {
      join: enter(() => watch("ws://example.org/", room, options), true),
      create: enter(() => host("ws://example.org/", { ...options, audience, signals, graceMs }), false),
      own: enter(() => host("ws://example.org/", { ...options, room, ownerKey, cursor }), false),
      publish: owning(() => {
        if (typeof key !== "string" || !key || !Array.isArray(params) || (ephemeral && (state || id !== undefined))) return false;
        publish(this.#end.publish(key, params, { state, ephemeral }));
      }),
      clear: owning(() => (key ? publish(this.#end.clear(key)) : false)),
      close: owning(() => void this.#end.close()),
      signal: watching(() => void this.#end.signal(key, params)),
      leave: watching(() => this.#end.leave()),
      pause: watching(() => this.#page.hide()),
      unpause: watching(() => this.#page.show()),
    };
  }

  #begin(end) {
    if (!this.#server.peer) {
      // The SDK has no such option.
      end.catch(() => {});
      return false;
    }
    this.#peer = this.#server.accept();
    this.#end = this.#isViewer ? end : {};
    if (!this.#isViewer) {
      end.then((room) => this.#begun(room), (error) => (this.#end = { status: { name: "closed", reason: error.code } }));
      return;
    }
    this.#begun(end);
    end.listen("message", ({ key, params }) => this.#heard.push(key + JSON.stringify(params)));
  }

  #begun(end) {
    this.#end = end;
    end.status.subscribe(({ reason }) => assert.ok(!["protocol", "silent", "behind"].includes(reason), reason));
    this.#t.after(() => end.leave());
  }

  async hears(text) {
    if (!this.#peer) return false;
    const frame = JSON.parse(text);
    if (this.#isViewer) this.#fold(frame);
    const id = this.#ids.get(frame.id);
    this.#peer.socket.deliver(id ? text.replace(`"id":${JSON.stringify(frame.id)}`, `"id":"${id}"`) : text);
    // A program that waits for the room gets it.
    await tick();
    for (const [at, [name, outcome]] of this.#outcomes.entries()) {
      if (name !== frame.id || !["ack", "error"].includes(frame.type)) continue;
      assert.equal(await Promise.race([outcome, tick("nothing")]), frame.seq ?? frame.code);
      this.#outcomes.splice(at, 1);
      break;
    }
    if (this.#isViewer && this.#left === 0) {
      assert.deepEqual([...this.#end.state.getSnapshot()], [...this.#model]);
      assert.deepEqual(this.#heard, this.#expected);
    }
    return true;
  }

  #fold({ type, how, replay, key, params, seq, state, cleared }) {
    if (type === "reset" || (type === "joined" && how !== "resumed")) {
      this.#left = replay;
      this.#model = new Map();
      // A replay is reported by its differences; other tests check these.
      if (replay === 0) this.#expected = this.#heard;
    }
    if (type !== "message") return;
    if (state || cleared) this.#model.delete(key);
    if (state) this.#model.set(key, params);
    if (this.#left === 0) this.#expected.push(key + JSON.stringify(params));
    else if (--this.#left === 0) this.#expected = this.#heard;
    assert.ok(seq === undefined || seq > 0);
  }

  ends(code, word) {
    this.#peer?.cuts(code, word);
  }
}

/** Takes the steps of one conversation. */
async function replay(t, { steps }) {
  const [clock, page] = [new Clock(t), new Page(t)];
  const values = new Map(Object.entries(VALUES));
  // A number has `#` before its name.
  const chosen = (name) => (name.startsWith("#") ? String(1_000 + values.size) : name.padEnd(32, "0"));
  const value = (name) => values.get(name) ?? values.set(name, chosen(name)).get(name);
  const known = { CR: "\r", LF: "\n", LIMITS: JSON.stringify(LIMITS), NUMBER: "7" };
  const fill = (text) =>
    text.replace(/\{\{(#?[a-z]+|CR|LF|LIMITS|NUMBER)\}\}/g, (_, name) => known[name] ?? value(name));
  const clients = new Map();
  for (const { name, verb, rest, line } of steps) {
    if (verb === "+" && rest === "v2" && !clients.has(name)) clients.set(name, new Client(t, clock, page));
    const client = clients.get(name);
    if (!client) continue;
    try {
      let isTaken = true;
      if (verb === "+") isTaken = client.connect();
      else if (verb === ">") isTaken = await client.says(fill(rest));
      else if (verb === "<") isTaken = await client.hears(fill(rest));
      else if (verb === "x") client.ends(...rest.split(" ").map((part, at) => (at ? part : Number(part))));
      else if (verb === "!" || verb === "-") client.ends(1006);
      else if (verb !== ".") isTaken = false;
      if (isTaken && verb === ">") counts.sent += 1;
      if (isTaken && verb === "<") counts.heard += 1;
      if (isTaken) continue;
      counts.never += 1;
      clients.set(name, undefined);
    } catch (error) {
      error.message = `line ${line}: ${error.message}`;
      throw error;
    }
  }
}

const files = readdirSync(FOLDER).filter((file) => /^(v2|mixed)-.*\.txt$/.test(file));
for (const file of files) {
  const transcript = parse(readFileSync(new URL(file, FOLDER), "utf8"));
  test(`${file}: ${transcript.title}`, (t) => replay(t, transcript));
}

test("most of what is said in the conversations is what the SDK says", (t) => {
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.sent > 250 && counts.heard > 400, JSON.stringify(counts));
});
