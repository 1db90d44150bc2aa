// How long to wait before the next attempt. Must not know what is attempted; takes time and randomness from outside.

/** The upper bound of the first delay, in milliseconds. */
export const DELAY_MS_FIRST = 500;

/** The upper bound of every delay, in milliseconds. */
export const DELAY_MS_MAX = 15_000;

/** How long a connection has to last for the next delay to be a first one again, in milliseconds. */
const STEADY_MS = 10_000;

/** Full jitter: each delay is drawn from zero to a bound that doubles, so that many clients never return at once. */
export class Backoff {
  #firstMs;
  #maxMs;
  #random;
  /** How many delays were drawn since the last steady connection. */
  #attempts = 0;
  /** @type {number | undefined} When the present connection began. */
  #since;

  /**
   * @param {number} [firstMs]
   * @param {number} [maxMs]
   * @param {() => number} [random] From 0 to 1.
   */
  constructor(firstMs = DELAY_MS_FIRST, maxMs = DELAY_MS_MAX, random = Math.random) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /**
   * A connection stands. That alone does not reset the delays, or a server that takes and drops clients at once
   * would be asked twice a second for ever.
   * @param {number} now
   */
  connected(now) {
    this.#since = now;
  }

  /**
   * The delay before the next attempt, in milliseconds.
   * @param {number} now
   */
  next(now) {
    if (this.#since !== undefined && now - this.#since >= STEADY_MS) this.#attempts = 0;
    this.#since = undefined;
    const bound = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#attempts);
    this.#attempts += 1;
    return this.#random() * bound;
  }
}
