// A clock that a test advances: timers, `performance.now` and animation frames. Must not know what waits for it.

/** The time of day at which clocks begin. */
const EPOCH_MS = 1_700_000_000_000;

export class Clock {
  now = 0;
  /** By how much the time of day is ahead of the time for which the machine was awake. */
  skew = 0;
  #timers = new Map();
  #count = 0;
  #before = new Map();

  /** Replaces the real clock until the test ends. */
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
    // Like real timers: a time that they cannot count ends at once.
    this.#timers.set(this.#count, { func, at: this.now + (ms > 0 && ms < 2 ** 31 ? Number(ms) : 0) });
    return this.#count;
  }

  /** The number of timers. */
  get waiting() {
    return this.#timers.size;
  }

  /** The time until the next timer is due. */
  get next() {
    return Math.min(...[...this.#timers.values()].map(({ at }) => at)) - this.now;
  }

  /** Advances to the next timer. */
  step() {
    this.advance(this.next);
  }

  /** Advances the clock, and calls the due timers in their order. */
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
