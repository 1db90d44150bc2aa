// A presenter and a viewer mount and unmount a thousand times: what stays is counted in a program of its own, with garbage collection.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAM = fileURLToPath(new URL("react-leaks.mjs", import.meta.url));

test("of components that went nothing stays: no connection, listener, timer or room", async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", PROGRAM]);
  const { cycles, before, after, connections, rooms, staying } = JSON.parse(stdout.trim().split("\n").at(-1));
  t.diagnostic(`${cycles} cycles: the heap went from ${before.heap} to ${after.heap} bytes, ${staying} of ${rooms} rooms stayed`);
  assert.ok(rooms >= 2 * cycles, `${rooms} rooms`);
  assert.equal(connections, 0, "connections that stand when a cycle is over");
  assert.equal(after.listeners, before.listeners, "listeners");
  assert.equal(after.timers, before.timers, "timers");
  assert.ok(staying < cycles / 100, `${staying} rooms stay`);
});
