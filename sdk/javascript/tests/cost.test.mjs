// The cost of a message in a room with many keys: counted, not timed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../viewer.js";
import { Clock } from "./clock.mjs";
import { URL } from "./owner.mjs";
import { ROOM, Server, state } from "./script.mjs";

/** Counts how many entries of maps are iterated over while `func` runs. */
function walked(t, func) {
  let steps = 0;
  const step = Object.getPrototypeOf(new Map().values());
  const before = step.next;
  step.next = function () {
    steps += 1;
    return before.call(this);
  };
  try {
    func();
  } finally {
    step.next = before;
  }
  return steps;
}

test("a value of the state costs the same among ten thousand keys as among ten", (t) => {
  new Clock(t);
  const costs = [10, 10_000].map((keys) => {
    const server = new Server();
    const show = watch(URL, ROOM, { WebSocket: server.WebSocket });
    t.after(() => show.leave());
    const peer = server.accept(1);
    peer.joins({ seq: keys, replay: keys });
    for (let seq = 1; seq <= keys; seq++) peer.says(state(seq, `k${seq}`));
    let renders = 0;
    let told = 0;
    show.state.key("k7").subscribe(() => (renders += 1));
    show.state.subscribe(() => (told += 1));
    const cost = walked(t, () => {
      for (let n = 1; n <= 100; n++) peer.says(state(keys + n, `k${1 + (n % 5)}`));
    });
    assert.deepEqual([renders, told], [0, 100]);
    const read = walked(t, () => assert.equal(show.state.getSnapshot(), show.state.getSnapshot()));
    assert.ok(read >= keys, "who reads all of it pays for all of it, once");
    return cost;
  });
  assert.equal(costs[0], costs[1]);
});
