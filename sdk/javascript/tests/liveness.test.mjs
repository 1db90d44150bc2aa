// When a connection is checked, and when it is given up: rules of time alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { liveness } from "../liveness.js";

const WALL = 1_700_000_000_000;

/** Returns a connection at time 0 whose server announces a heartbeat each 5 s. */
function connection({ canProbe = true, nextMs = 5_000 } = {}) {
  const life = liveness();
  life.begin(0, canProbe);
  life.allow(2 * nextMs);
  return {
    ...life,
    /** Fires the timer when it is due, or at `at`. Returns when, and the verdict. */
    fire({ from, at, bytes = 0, isHidden = false, isSeen = false, slept = 0 } = {}) {
      const due = from + life.next(from, isSeen);
      const now = at ?? due;
      return [now, life.tick(now, WALL + now + slept, bytes, isHidden)];
    },
  };
}

test("silence of twice the plan is asked about, and a connection is given up 1.5 s after nothing of ours waits", () => {
  const life = connection();
  assert.deepEqual(life.fire({ from: 0 }), [10_000, "probe"]);
  assert.deepEqual(life.fire({ from: 10_000 }), [10_100, ""], "nothing waits in the socket");
  assert.deepEqual(life.fire({ from: 10_100 }), [11_500, ""]);
  assert.ok(life.isChecking(11_500));
  assert.deepEqual(life.fire({ from: 11_500 }), [11_600, "lost"]);
});

test("a server that plans nothing may be silent for ever, and one that answers no probe is left after the silence", () => {
  assert.equal(connection({ nextMs: 0 }).next(0, false), Infinity);
  assert.deepEqual(connection({ canProbe: false }).fire({ from: 0 }), [10_000, "lost"]);
  const old = connection({ canProbe: false });
  assert.deepEqual(["shown", "woken", "silent"].map((cause) => old.doubt(1, cause)), ["", "", ""]);
});

test("one probe at a time, and what the person does decides about the next attempt", () => {
  const life = connection();
  assert.equal(life.doubt(1_000, "woken"), "probe");
  assert.equal(life.doubt(1_001, "shown"), "");
  assert.equal(life.cause(), "shown");
  life.received(1_050, true);
  assert.equal(life.doubt(1_060, "shown"), "", "and not more often than each 100 ms");
  assert.equal(life.doubt(1_100, "shown"), "probe");
});

test("only the answer ends the check, and any frame begins the patience anew", () => {
  const life = connection();
  life.doubt(1, "shown");
  for (let now = 1_000; now < 20_000; now += 1_000) {
    life.next(now, false);
    life.received(now, false);
    assert.equal(life.tick(now, WALL + now, 0, false), "");
  }
  assert.ok(life.isChecking(20_000));
  life.received(20_000, true);
  assert.ok(!life.isChecking(20_000));
});

test("while bytes leave the socket a probe behind them is not late, and 10 s after the last one it is", () => {
  const life = connection();
  life.doubt(1, "silent");
  let now = 1;
  for (let bytes = 60_000; bytes > 0; bytes -= 400) {
    const [at, verdict] = life.fire({ from: now, bytes });
    assert.deepEqual([at - now, verdict], [100, ""]);
    now = at;
  }
  const stuck = now;
  let verdict = "";
  while (!verdict) [now, verdict] = life.fire({ from: now, bytes: 400 });
  assert.equal(verdict, "lost");
  assert.ok(now - stuck >= 11_500 && now - stuck <= 11_700, `${now - stuck}`);
});

test("a deadline that fires late says nothing, however often, where timers are exact", () => {
  const life = connection();
  life.doubt(1, "shown");
  for (let now = 1; now < 100_000; now += 10_000) assert.deepEqual(life.fire({ from: now, at: now + 10_000 }), [now + 10_000, "probe"]);
});

test("in a hidden page, whose timers fire once a minute, the second late one in a row counts", () => {
  const life = connection();
  assert.deepEqual(life.fire({ from: 0, at: 60_000, isHidden: true }), [60_000, "probe"]);
  assert.deepEqual(life.fire({ from: 60_000, at: 120_000, isHidden: true }), [120_000, "probe"]);
  assert.deepEqual(life.fire({ from: 120_000, at: 180_000, isHidden: true }), [180_000, "lost"], "within 3 min");
});

test("a page that is seen notices within 0.4 s that the machine slept, be it by the time of day alone", () => {
  const life = connection();
  let now = 0;
  for (let turn = 0; turn < 3; turn++) {
    const [at, verdict] = life.fire({ from: now, isSeen: true });
    assert.deepEqual([at - now, verdict], [400, ""]);
    now = at;
  }
  assert.deepEqual(life.fire({ from: now, isSeen: true, slept: 60_000 }), [now + 400, "probe"]);
  assert.equal(life.cause(), "woken");
});

test("a hidden page asks once a minute at most because of late timers", () => {
  const life = connection({ nextMs: 0 });
  const asked = [];
  for (let now = 0; now < 300_000; now += 10_000) {
    life.next(now, true);
    if (life.tick(now + 10_000, WALL + now + 10_000, 0, true) === "probe") {
      asked.push(now);
      life.received(now + 10_000, true);
    }
  }
  assert.deepEqual(asked, [0, 60_000, 120_000, 180_000, 240_000]);
});

/** Returns the timeout of a probe on a connection without unsent bytes. */
function patience(life, now) {
  const begun = now;
  life.begin(now, true);
  life.doubt(now, "shown");
  for (;;) {
    const [at, verdict] = life.fire({ from: now });
    if (verdict === "lost") return Math.round((at - begun) / 100) / 10;
    now = at;
  }
}

test("patience is twice the slowest recent answer, doubles up to 30 s when it ended, and is halved with each minute", () => {
  const life = connection({ nextMs: 0 });
  life.answered(2_000);
  assert.equal(patience(life, 1_000), 4.1);
  assert.equal(patience(life, 10_000), 8.1);
  for (let count = 0; count < 5; count++) patience(life, 100_000 * count + 100_000);
  assert.equal(patience(life, 900_000), 30.1);
  // Five minutes in the room, four of which pass before one late check.
  life.begin(1_000_000, true);
  life.next(1_000_000, false);
  for (let minute = 1; minute <= 12; minute++) life.tick(1_000_000 + minute * 60_000, WALL + 1_000_000 + minute * 60_000, 0, true), life.received(1_000_000 + minute * 60_000, true);
  assert.equal(patience(life, 2_000_000), 1.6);
});
