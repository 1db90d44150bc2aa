// The conversations in protocol/conversations, from the SDK's side: whatever a client of version 2 says in them the SDK
// says too, byte for byte but for its ids and, where the client there knows nothing of lives, what the SDK says of them; and
// what it hears it understands. A connection that says what the SDK never would is followed up to there, and counted.

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

/** The steps of all conversations that were taken by the SDK, and those that it would never take. */
const counts = { sent: 0, heard: 0, never: 0 };

/** What stands for a value that the server chose. */
const VALUES = { room: "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a" };

/** What promises lead to is there after a turn of the event loop. */
const tick = (value) => new Promise((resolve) => setImmediate(resolve, value));

/** A frame without its id, to be compared; without `lives`, what a client says that knows nothing of lives. */
function written({ id, ...frame }, hasLives) {
  if (!hasLives) delete frame.lives;
  if (!hasLives && frame.type === "own") delete frame.cursor;
  return JSON.stringify(frame);
}

/** One connection's client. */
class Client {
  #t;
  #clock;
  #page;
  #server = new Server();
  #peer;
  /** The SDK's end, once something was said, and whether it is a viewer. */
  #end;
  #isViewer;
  /** By the conversation's id: the SDK's, and what becomes of the request. */
  #ids = new Map();
  #outcomes = [];
  /** What the viewer should hold and have heard, and what it has heard. */
  #model = new Map();
  #expected = [];
  #heard = [];
  /** How many messages of a replay of the state follow; they are told as a whole. */
  #left = 0;

  constructor(t, clock, page) {
    [this.#t, this.#clock, this.#page] = [t, clock, page];
  }

  /** The connection is there, the first or another one. */
  connect() {
    if (!this.#end) return true;
    if (this.#end.status?.value.name !== "resuming") return false;
    // It comes back at once.
    this.#clock.advance(0);
    this.#peer = this.#server.accept();
    return true;
  }

  /** Has the SDK say what stands in the conversation. Answers false for what it never says. */
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
    // The SDK has an id of its own for everything that is answered.
    const named = asked?.id !== undefined && id === undefined && ["publish", "clear"].includes(type);
    delete expected.id;
    if (!asked || written(asked, frame.lives) !== JSON.stringify(expected)) return false;
    return named || (asked.id === undefined) === (id === undefined);
  }

  #actions({ room, ownerKey, cursor, token, audience, signals, graceMs, id, key, params, state, ephemeral }) {
    const options = { WebSocket: this.#server.WebSocket, token, reconnect: { random: () => 0 } };
    const enter = (begin, isViewer) => () => {
      // It came back by itself and has asked already.
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
      // It takes no such option.
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
    // Whoever waits for the room gets it.
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
      // What a replay tells is what is different; other tests look at that.
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
  // A number has a sign in front of its name.
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
