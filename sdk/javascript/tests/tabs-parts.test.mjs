// Tests the parts of the relay for tabs: the history that answers cursors, the port to a tab, and the tokens of tabs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tabTokens } from "../tab-tokens.js";
import { roomHistory } from "../history.js";
import { tabPort } from "../tab-port.js";
import { pings } from "../pings.js";
import { Clock } from "./clock.mjs";
import { bell, state } from "./script.mjs";

const joined = (members) => ({ type: "joined", epoch: "e", seq: 0, how: "snapshot", replay: 0, aliveMs: 25_000, ...members });
const skipped = (through, until) => ({ type: "skipped", through, until });

/** Returns the history of a room that took these frames. */
function history(...frames) {
  const past = roomHistory();
  for (const frame of frames) frame === "cut" ? past.cut() : past.take(frame, JSON.stringify(frame));
  return past;
}

/** Returns an answer in short: how, up to which number, and its numbers; those of live frames after a bar. */
function short(answer) {
  if (!answer) return "own";
  const numbers = (texts) => texts.map((text) => JSON.parse(text).seq ?? "hole").join(" ");
  const { how, reason, seq, replay, rest } = answer;
  return [how, reason, seq, `(${numbers(replay)})`, rest.length ? `| ${numbers(rest)}` : ""].filter((one) => one !== undefined && one !== "").join(" ");
}

const seen = [joined({ seq: 2, replay: 2 }), state(1, "a"), state(2, "b"), bell(3), state(4, "a")];
const torn = [...seen, skipped(6, 8), state(7, "a"), bell(8)];
const resumed = [...seen, "cut", joined({ epoch: "f", how: "resumed", seq: 5, replay: 1 }), bell(5)];
const reset = [...seen, "cut", joined({ epoch: "g", how: "reset", reason: "epoch", seq: 9, replay: 1 }), state(9, "c")];
const slow = [...seen, { type: "reset", reason: "slow", epoch: "e", seq: 9, replay: 1, owner: "live" }, state(9, "c"), bell(10)];

const TABLE = [
  { what: "the state in the order of last change", frames: seen, cursor: undefined, is: "snapshot 4 (2 4)" },
  { what: "what was missed", frames: seen, cursor: ["e", 2], is: "resumed 4 (3 4)" },
  { what: "nothing, if nothing was missed", frames: seen, cursor: ["e", 4], is: "resumed 4 ()" },
  { what: "a number from before the first state", frames: seen, cursor: ["e", 1], is: "own" },
  { what: "a number that has not come", frames: seen, cursor: ["e", 5], is: "own" },
  { what: "another epoch", frames: seen, cursor: ["x", 3], is: "own" },
  { what: "a hole, and what is behind it as live frames", frames: torn, cursor: ["e", 3], is: "resumed 4 (4) | hole 7 8" },
  { what: "a number behind a hole", frames: torn, cursor: ["e", 7], is: "resumed 8 (8)" },
  { what: "a number within a hole", frames: torn, cursor: ["e", 5], is: "own" },
  { what: "an older life that goes on", frames: resumed, cursor: ["e", 3], is: "resumed 5 (4 5)" },
  { what: "an older life, of a torn tab", frames: resumed, cursor: ["e", 3], lives: false, is: "reset epoch 5 (2 4)" },
  { what: "an older life beyond its end", frames: resumed, cursor: ["e", 5], is: "own" },
  { what: "a number from before a reset", frames: reset, cursor: ["e", 3], is: "reset epoch 9 (9)" },
  { what: "a number from before a reset on the way", frames: slow, cursor: ["e", 4], is: "reset slow 10 (9)" },
  { what: "the number of a reset", frames: slow, cursor: ["e", 9], is: "resumed 10 (10)" },
  { what: "a number that a reset left out", frames: slow, cursor: ["e", 6], is: "own" },
];

for (const { what, frames, cursor, lives = true, is } of TABLE) {
  test(`a history answers: ${what}`, () => {
    const [epoch, seq] = cursor ?? [];
    assert.equal(short(history(...frames).answer(cursor && { epoch, seq }, lives)), is);
  });
}

test("a history keeps 1 024 messages and a megabyte of them, and says so beyond", () => {
  const past = history(joined());
  for (let seq = 1; seq <= 1_100; seq++) past.take(bell(seq), "x");
  assert.equal(past.answer({ epoch: "e", seq: 75 }, true).reason, "retention");
  assert.equal(past.answer({ epoch: "e", seq: 76 }, true).replay.length, 1_024);
  for (let seq = 1_101; seq <= 1_120; seq++) past.take(bell(seq), "x".repeat(100_000));
  assert.equal(past.answer({ epoch: "e", seq: 1_109 }, true).reason, "retention");
  assert.equal(past.answer({ epoch: "e", seq: 1_110 }, true).replay.length, 10);
});

test("a history is complete when what was announced has come, and lags as a viewer does", () => {
  const past = history(joined({ seq: 2, replay: 2 }), state(1, "a"));
  assert.deepEqual([past.isComplete(), past.isFilling()], [false, true]);
  past.cut();
  for (const frame of torn) past.take(frame, "");
  assert.deepEqual([past.isComplete(), past.isLagging()], [true, true]);
  past.take({ type: "alive", seq: 9 }, "");
  assert.equal(past.isLagging(), true, "9 has not come");
  past.take(bell(9), "");
  assert.equal(past.isLagging(), false);
});

/** Returns a port whose other end is the test, and the events that it reported as `told`. */
function aPort(t, locks) {
  const clock = new Clock(t);
  const posted = [];
  const told = [];
  const port = { postMessage: (word) => posted.push(word), addEventListener: () => {} };
  const names = ["hello", "frame", "shown", "token", "silent", "gone"];
  const one = tabPort(port, Object.fromEntries(names.map((name) => [name, (value) => told.push(value === undefined ? name : `${name} ${JSON.stringify(value)}`)])), locks);
  return { clock, posted, told, one, hear: (data) => port.onmessage({ data }) };
}

test("a tab without a lock is gone when it missed three signs of life", (t) => {
  const { clock, posted, told, hear } = aPort(t);
  hear({ hello: {} });
  told.length = 0;
  for (let n = 0; n < 10; n++) {
    clock.advance(20_000);
    assert.deepEqual(posted.splice(0), [{ sign: true }]);
    hear({ taken: 0 });
  }
  clock.advance(60_000);
  assert.deepEqual(told, []);
  clock.advance(20_000);
  assert.deepEqual(told, ["silent"]);
});

test("a tab with a lock is gone when the lock is free, but not before what it said last", async (t) => {
  let free;
  const { clock, told, one, hear } = aPort(t, { request: (name, func) => (free = func) });
  hear({ hello: { lock: "mine" } });
  free();
  hear("last");
  clock.advance(100);
  assert.deepEqual(told, ['hello {"lock":"mine"}', 'frame "last"', "gone false"]);
  one.end();
  hear("more");
  assert.equal(told.length, 3);
});

test("a line takes an answer however long it is, and a megabyte more", (t) => {
  const { one, hear } = aPort(t);
  const text = "x".repeat(500_000);
  assert.equal(one.send(Array(20).fill(text), true), true);
  assert.equal(one.send([text]), true);
  assert.equal(one.send([text]), true);
  assert.equal(one.send([text]), false);
  hear({ taken: 11_500_000 });
  assert.equal(one.send([text]), true);
});

test("a token is asked of the newest tab, and of the one before if that brings none", async (t) => {
  const clock = new Clock(t);
  const said = [];
  const ports = ["old", "new"].map((name) => ({ post: ({ asks }) => said.push([name, asks]) }));
  const tokens = tabTokens(() => [...ports]);
  const first = tokens.ask();
  assert.deepEqual(said.splice(0), [["new", 1]]);
  tokens.take({ answers: 1, token: "t" });
  assert.equal(await first, "t");
  const second = tokens.ask();
  clock.advance(3_000);
  assert.deepEqual(said.splice(0), [["new", 2], ["old", 2]]);
  tokens.take({ answers: 2, error: "no" });
  await assert.rejects(second, { message: "no" });
  const third = tokens.ask();
  clock.advance(9_000);
  await assert.rejects(third, { message: "no tab brings a token" });
  // Too late.
  tokens.take({ answers: 3, token: "t" });
});

test("a tab that is gone is asked no more, and one that comes is", async (t) => {
  const clock = new Clock(t);
  const said = [];
  const [old, next] = ["old", "next"].map((name) => ({ post: ({ asks }) => said.push([name, asks]) }));
  let ports = [old];
  const tokens = tabTokens(() => [...ports]);
  const token = tokens.ask();
  ports = [];
  tokens.gone(old);
  clock.advance(2_000);
  ports = [next];
  tokens.came();
  assert.deepEqual(said, [["old", 1], ["next", 1]]);
  tokens.take({ answers: 1, token: "t" });
  assert.equal(await token, "t");
});

test("a refusal belongs to the first signal whose question is open", () => {
  const asked = pings();
  for (const [asker, id] of [["a", "1"], ["b", "2"], ["c", "3"]]) {
    asked.signal(asker, id);
    asked.ask(id);
  }
  asked.answer("1");
  assert.equal(asked.refuse(), "b");
  asked.answer("2");
  assert.equal(asked.refuse(), "c");
  assert.equal(asked.refuse(), undefined);
  assert.equal(asked.count(), 1);
  // A server that answers no pings.
  asked.signal("a", "");
  asked.signal("b", "");
  assert.equal(asked.refuse(), "b");
});
