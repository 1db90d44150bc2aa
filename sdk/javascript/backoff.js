// How long to wait before the next attempt. Must not know what is attempted; takes time and randomness from outside.

/** The upper bound of the first delays, in milliseconds. */
export const DELAY_MS_FIRST = 500;

/** The upper bound of every delay, in milliseconds. */
export const DELAY_MS_MAX = 15_000;

/** How many delays have the first bound: a network that is away for 2 s is tried at least each 500 ms. */
const QUICK = 7;

/** How many attempts of an outage begin in `WINDOW_MS` at most. */
const ATTEMPTS_MAX = 8;

/**
 * A shorter stay is short, in milliseconds. It begins the delays anew too, but only so many times in a row, or a server that takes and
 * drops clients at once would be asked four times a second for ever.
 */
const STAY_MS = 1_000;
const SHORT_STAYS_MAX = 8;

/** The time for which attempts are counted; behind a moment that the server told, a stay is this long, in milliseconds. */
const WINDOW_MS = 10_000;

/**
 * Returns the delays of one client. The first one is drawn from zero to `firstMs`, so that many clients never return at once. The
 * next six are 0.7 to 1 times the bound, so the seventh attempt is never before 2.1 s. Behind them the bound grows eightfold with each delay.
 * @param {{ firstMs?: number, maxMs?: number, random?: () => number }} [options] `random` gives 0 to 1.
 */
export function backoff({ firstMs = DELAY_MS_FIRST, maxMs = DELAY_MS_MAX, random = Math.random } = {}) {
  /** How many delays were drawn since the last stay. */
  let attempts = 0;
  /** When the present stay began; not a number if there is none. */
  let since = NaN;
  /** How many stays in a row were short. */
  let short = 0;
  /** Whether the server told when to come. */
  let wasTold = false;
  /** @type {number[]} When the newest attempts began or will begin. */
  const begun = [];

  return {
    /** The client is in its room, and has everything. @param {number} now */
    connected(now) {
      since = now;
    },

    /** Returns the delay before the next attempt, in milliseconds. @param {number} now @param {boolean} [isTold] */
    next(now, isTold = false) {
      const stayMs = now - since;
      const isLong = stayMs >= (wasTold ? WINDOW_MS : STAY_MS);
      if (isLong) short = 0;
      if (isLong || (!wasTold && stayMs >= 0 && ++short <= SHORT_STAYS_MAX)) attempts = begun.length = 0;
      since = NaN;
      wasTold = isTold;
      // Behind a moment that was told the bound doubles at once: the server has said that it cannot take more.
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
