// How long to wait before the next attempt. Must not know what is attempted; takes time and randomness from outside.

/** The upper bound of the first delay, in milliseconds. */
export const DELAY_MS_FIRST = 500;

/** The upper bound of every delay, in milliseconds. */
export const DELAY_MS_MAX = 15_000;

/** How long a connection has to last for the next delay to be a first one again, in milliseconds. */
const STEADY_MS = 10_000;

/**
 * Full jitter: each delay is drawn from zero to a bound that doubles, so that many clients never return at once.
 * @param {{ firstMs?: number, maxMs?: number, random?: () => number }} [options] `random` gives 0 to 1.
 */
export function backoff({ firstMs = DELAY_MS_FIRST, maxMs = DELAY_MS_MAX, random = Math.random } = {}) {
  /** How many delays were drawn since the last steady connection. */
  let attempts = 0;
  /** When the present connection began; not a number if there is none. */
  let since = NaN;

  return {
    /**
     * A connection stands. That alone does not reset the delays, or a server that takes and drops clients at once
     * would be asked twice a second for ever.
     * @param {number} now
     */
    connected(now) {
      since = now;
    },

    /** Returns the delay before the next attempt, in milliseconds. @param {number} now */
    next(now) {
      if (now - since >= STEADY_MS) attempts = 0;
      since = NaN;
      return random() * Math.min(maxMs, firstMs * 2 ** attempts++);
    },
  };
}
