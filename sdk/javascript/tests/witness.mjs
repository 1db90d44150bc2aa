// Records lines and waits for expected ones, with a deadline. Must not know what they mean.

import { within } from "../../../protocol/deadline.mjs";

export class Witness {
  /** The recorded lines. */
  lines = [];
  #waiting = new Set();

  /** Records `line`; may be passed as a callback. */
  see = (line) => {
    this.lines.push(line);
    for (const wake of [...this.#waiting]) wake();
  };

  /** Waits until the predicate is true for all lines so far. */
  async until(predicate, what) {
    let wake = () => {};
    const happened = new Promise((resolve) => {
      wake = () => {
        if (predicate(this.lines)) resolve();
      };
      this.#waiting.add(wake);
      wake();
    });
    try {
      await within(happened, what);
    } catch (error) {
      throw new Error([error.message, ...this.lines].join("\n  "));
    } finally {
      this.#waiting.delete(wake);
    }
  }

  /** Waits for a line. */
  async sees(line) {
    await this.until((lines) => lines.includes(line), `waiting for "${line}"`);
  }
}
