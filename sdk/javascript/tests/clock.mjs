// A clock that a test moves: timers, `performance.now` and what a page draws. Must not know what waits for it.

import { load } from "../lazy.js";

// No clock of a test moves while a file is loaded.
await load();

/** The time of day at which clocks begin. */
const EPOCH_MS = 1_700_000_000_000;

export class Clock {
  now = 0;
  /** By how much the time of day goes ahead of the time for which the machine was awake. */
  skew = 0;
  #timers = new Map();
  #count = 0;
  #before = new Map();

  /** Takes the place of the real one until the test is over. */
  constructor(t) {
    const replace = (owner, name, value) => {
      this.#before.set([owner, name], Object.getOwnPropertyDescriptor(owner, name));
      Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    };
    replace(globalThis, "setTimeout", (func, ms = 0) => this.#set(func, ms));
    replace(globalThis, "clearTimeout", (id) => void this.#timers.delete(id));
    replace(performance, "now", () => this.now);
    replace(Date, "now", () => EPOCH_MS + this.now + this.skew);
    t.after(() => {
      for (const [[owner, name], descriptor] of this.#before) {
        if (descriptor) Object.defineProperty(owner, name, descriptor);
        else delete owner[name];
      }
    });
  }

  #set(func, ms) {
    this.#count += 1;
    // As real timers: what they cannot count is over at once.
    this.#timers.set(this.#count, { func, at: this.now + (ms > 0 && ms < 2 ** 31 ? Number(ms) : 0) });
    return this.#count;
  }

  /** How many timers wait. */
  get waiting() {
    return this.#timers.size;
  }

  /** When the next timer is due, from now. */
  get next() {
    return Math.min(...[...this.#timers.values()].map(({ at }) => at)) - this.now;
  }

  /** Moves on to the next timer. */
  step() {
    this.advance(this.next);
  }

  /** Moves on, and calls what is due in its order. */
  advance(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.now = Math.max(this.now, due[1].at);
      due[1].func();
    }
    this.now = end;
  }
}
