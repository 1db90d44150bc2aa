// Computes the delay before the next connection attempt. Must not read clocks or draw random numbers: both are arguments.

/** The upper bound of the first delays, in milliseconds. */
export const DELAY_MS_FIRST = 500;

/** The upper bound of every delay, in milliseconds. */
export const DELAY_MS_MAX = 15_000;

/** How many delays have the first bound: in an outage of 2 s a client tries at least every 500 ms. */
const QUICK = 7;

/** The maximum number of attempts of one outage that begin within `WINDOW_MS`. */
const ATTEMPTS_MAX = 8;

/**
 * A connection that was in the room for less than this counts as short, in milliseconds. A short one resets the delays too, but at most
 * `SHORT_STAYS_MAX` times in a row. Else clients would ask a server that accepts and closes at once four times a second for ever.
 */
const STAY_MS = 1_000;
const SHORT_STAYS_MAX = 8;

/**
 * The window in which attempts are counted, in milliseconds. After a delay that the server set, a connection has to last this long to
 * reset the delays.
 */
const WINDOW_MS = 10_000;

/**
 * Returns the delays of one client. The first one is random between zero and `firstMs`, so that many clients never reconnect at once.
 * The next six are 0.7 to 1 times the bound, so the seventh attempt is never before 2.1 s. After them each delay has eight times the
 * bound of the one before, up to `maxMs`.
 * @param {{ firstMs?: number, maxMs?: number, random?: () => number }} [options] `random` returns a number from 0 to 1.
 */
export function backoff({ firstMs = DELAY_MS_FIRST, maxMs = DELAY_MS_MAX, random = Math.random } = {}) {
  /** How many delays were drawn since the delays were reset. */
  let attempts = 0;
  /** When the present connection came into the room; `NaN` while there is none. */
  let since = NaN;
  /** How many connections in a row were short. */
  let short = 0;
  /** Whether the server set the last delay. */
  let wasTold = false;
  /** @type {number[]} The times at which the newest attempts began or will begin. */
  const begun = [];

  return {
    /** Records that the client is in its room and has all of the state. @param {number} now */
    connected(now) {
      since = now;
    },

    /**
     * Returns the delay before the next attempt, in milliseconds.
     * @param {number} now @param {boolean} [isTold] Whether the server set a delay, which the caller adds.
     */
    next(now, isTold = false) {
      const stayMs = now - since;
      const isLong = stayMs >= (wasTold ? WINDOW_MS : STAY_MS);
      if (isLong) short = 0;
      if (isLong || (!wasTold && stayMs >= 0 && ++short <= SHORT_STAYS_MAX)) attempts = begun.length = 0;
      since = NaN;
      wasTold = isTold;
      // After a delay that the server set, the bound doubles at once: the server has said that it cannot take more.
      const steps = isTold ? attempts : Math.max(0, attempts - QUICK + 1) * 3;
      const part = isTold || !attempts ? random() : 0.7 + 0.3 * random();
      attempts += 1;
      const first = begun.length < ATTEMPTS_MAX ? 0 : (begun.shift() ?? 0) + WINDOW_MS - now;
      const delay = Math.max(first, part * Math.min(maxMs, firstMs * 2 ** steps));
      begun.push(now + delay);
      return delay;
    },
  };
}
