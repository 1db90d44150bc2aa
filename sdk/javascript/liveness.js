// Decides whether a connection still carries frames: when to ask the server for a sign of life, and when to give the connection up.
// Takes time, which is above 0, and events as arguments. Must not know sockets, timers or the page.

/** After this time without an answer the status is `checking`; a connection is given no less, in milliseconds. */
const PROBE_MS = 1_500;

/** A probe never waits longer than this for its answer, in milliseconds. */
const PROBE_MS_MAX = 30_000;

/** How long bytes may wait in a socket that takes none, before a probe behind them counts, in milliseconds. */
const STUCK_MS = 10_000;

/**
 * The slowest link that is planned for, in bytes a millisecond: a server ends a slower one. What the system has taken of a socket
 * is not seen any more, but at this pace a probe still waits behind it.
 */
const SLOWEST = 2.048;

/** How often a socket with waiting bytes is looked at, in milliseconds. */
const LOOK_MS = 100;

/** How often a page that is seen looks at the clock, so that it notices at once that the machine slept, in milliseconds. */
const TICK_MS = 400;

/** A timer that fires later than this, or a clock that differs by more, tells that time was lost, in milliseconds. */
const LATE_MS = 3_000;

/** For how many minutes an answer is recent, at the least. */
const SLOW_MINUTES = 5;

/** Timers of a hidden page fire once a minute at the least, in milliseconds. */
const MINUTE_MS = 60_000;

/**
 * Why a connection is doubted: the page was shown, something happened to the machine or its network, or the server is silent.
 * @typedef {"shown" | "woken" | "silent"} Cause
 */

/**
 * What to do: send a probe, or give the connection up.
 * @typedef {"" | "probe" | "lost"} Verdict
 */

/** Returns what watches one connection after another. */
export function liveness() {
  /** How much longer than usual a probe may take, as connections were given up: doubled each time, halved with each minute. */
  let factor = 1;
  /** The slowest answers: in the last minutes, and in those before. */
  let slowMs = [0, 0];
  /** How many minutes have gone by in the room, and when the last one was over. */
  let minutes = 0;
  let minuteAt = 0;
  /** How long the server may be silent; 0 for ever. */
  let silenceMs = 0;
  /** Whether the server answers probes. */
  let canProbe = false;
  let heardAt = 0;
  /** When the timer should fire. */
  let dueAt = Infinity;
  /** By how much the two clocks differ. */
  let skew = NaN;
  /** When the machine or its timers last lost time. */
  let lateAt = -Infinity;
  /** When the newest probe was sent. */
  let sentAt = -Infinity;
  /** @type {Cause} Why it was sent. */
  let why;
  /** When the first probe was sent that waits for an answer; 0 if none does. */
  let askedAt = 0;
  /** Since when nothing of ours waits in the socket; 0 while something does. */
  let clearAt = 0;
  /** When fewer bytes than before waited in the socket, and how many do. */
  let fellAt = 0;
  let waiting = Infinity;
  /** Whether the probe was sent again, since a deadline fired late. */
  let isAgain = false;
  /** How many bytes were sent on this connection, and how many before the newest probe. */
  let sent = 0;
  let sentBefore = 0;
  /** When the slowest link that is planned for has carried all of them, and those before the newest probe. */
  let carriedAt = 0;
  let carriedBeforeAt = 0;

  /** @param {number} now @param {Cause} cause @returns {Verdict} */
  function begin(now, cause) {
    // A server that answers no probe may be silent for two heartbeats, and nothing else is known.
    if (!canProbe) return cause === "silent" ? "lost" : "";
    why = cause;
    isAgain = askedAt > 0;
    askedAt ||= now;
    sentAt = fellAt = now;
    sentBefore = sent;
    carriedBeforeAt = carriedAt;
    clearAt = 0;
    waiting = Infinity;
    return "probe";
  }

  /** How long a probe may take. */
  const patienceMs = () => Math.min(PROBE_MS_MAX, factor * Math.max(PROBE_MS, 2 * Math.max(...slowMs)));

  /** From when on the patience counts. */
  const since = () =>
    // A server sends its next frame whatever comes to it: behind that, the way there excuses nothing.
    clearAt ? Math.max(clearAt, Math.min(carriedBeforeAt, heardAt + (silenceMs || MINUTE_MS))) : fellAt + STUCK_MS;

  return {
    /** Why the newest probe was sent. */
    cause: () => why,

    /**
     * A connection is new, and answers probes or not.
     * @param {number} now @param {boolean} can
     */
    begin(now, can) {
      canProbe = can;
      minuteAt = heardAt = now;
      askedAt = sent = carriedAt = 0;
      dueAt = Infinity;
      skew = NaN;
    },

    /** How long the server may be silent from now on; 0 for ever. Returns whether that is new. @param {number} ms */
    allow(ms) {
      const before = silenceMs;
      // A server that plans a frame each moment is not looked at more often than that.
      silenceMs = ms && Math.max(LOOK_MS, ms);
      return silenceMs !== before;
    },

    /** So many bytes were sent. Returns how many that are in all on this connection. @param {number} now @param {number} bytes */
    sent(now, bytes) {
      carriedAt = Math.max(carriedAt, now) + bytes / SLOWEST;
      return (sent += bytes);
    },

    /** The server has what was sent up to there. @param {number} now @param {number} upTo */
    proven(now, upTo) {
      carriedAt = Math.min(carriedAt, now + (sent - upTo) / SLOWEST);
    },

    /** Something that was asked was answered after this time. @param {number} ms */
    answered(ms) {
      slowMs[0] = Math.max(slowMs[0], ms);
    },

    /**
     * A frame came, or bytes of one. Whatever it is, the connection is not given up before the patience is over once more. Only the
     * answer to the probe ends the check: another frame may have waited in a page that was frozen, and tells nothing of the way there.
     * @param {number} now @param {boolean} [isAnswer]
     */
    heard(now, isAnswer) {
      heardAt = now;
      fellAt = now;
      if (clearAt) clearAt = now;
      if (!isAnswer || !askedAt) return;
      // The time that it may have waited behind what was sent before tells nothing of the way.
      this.answered(now - Math.max(sentAt, carriedBeforeAt));
      this.proven(now, sentBefore);
      askedAt = 0;
    },

    /** Whether a probe waits for its answer for so long that the status has to say so. @param {number} now */
    isChecking: (now) => askedAt > 0 && now - askedAt >= PROBE_MS,

    /**
     * Something happened that makes the connection doubtful.
     * @param {number} now @param {Cause} cause @returns {Verdict}
     */
    doubt(now, cause) {
      // One probe at a time. What the person sees counts more than what the machine did.
      if (canProbe && !askedAt && now - sentAt >= LOOK_MS) return begin(now, cause);
      if (cause === "shown") why = cause;
      return "";
    },

    /** Whether time was lost, be it before the timer tells so. @param {number} now @param {number} wall The time of day. */
    isLate: (now, wall) => now - dueAt > PROBE_MS || Math.abs(wall - now - skew) > LATE_MS,

    /**
     * The timer fired.
     * @param {number} now @param {number} wall The time of day, which goes on while the machine sleeps.
     * @param {number} bytes How many of ours wait in the socket.
     * @param {boolean} isHidden Whether timers may fire once a minute only.
     * @param {boolean} [isTimer] False if something else found that it should have fired long ago.
     * @returns {Verdict}
     */
    tick(now, wall, bytes, isHidden, isTimer = true) {
      const late = now - dueAt;
      // NaN, at first, is no jump.
      const isJump = Math.abs(wall - now - skew) > LATE_MS;
      skew = wall - now;
      for (; now - minuteAt >= MINUTE_MS; minuteAt += MINUTE_MS) {
        factor = Math.max(1, factor / 2);
        if (++minutes % SLOW_MINUTES === 0) slowMs = [0, slowMs[0]];
      }
      if (!askedAt) {
        if ((isJump || late > LATE_MS) && !(isHidden && now - lateAt < MINUTE_MS)) {
          lateAt = now;
          if (canProbe) return begin(now, "woken");
        }
        return silenceMs && now - heardAt >= silenceMs ? begin(now, "silent") : "";
      }
      // A deadline that fires late says nothing: the answer may not have had its time. In a hidden page each one fires late; there
      // the second one in a row counts.
      const counts = isHidden && isTimer && isAgain && late < MINUTE_MS + LATE_MS;
      if (isJump || (late > PROBE_MS && !counts)) {
        begin(now, why);
        waiting = bytes;
        return "probe";
      }
      if (bytes < waiting) fellAt = now;
      // A late look knows only that nothing waited when the probe was sent.
      if (!bytes) clearAt ||= counts && !waiting ? sentAt : now;
      waiting = bytes;
      if (now - since() < patienceMs()) return "";
      factor = Math.min(PROBE_MS_MAX / PROBE_MS, 2 * factor);
      askedAt = 0;
      return "lost";
    },

    /**
     * In which time the timer has to fire; `Infinity` for never.
     * @param {number} now @param {boolean} isSeen Whether somebody looks at the page.
     */
    next(now, isSeen) {
      let at = silenceMs ? heardAt + silenceMs : Infinity;
      if (askedAt) {
        const checking = askedAt + PROBE_MS;
        at = clearAt ? since() + patienceMs() : now + LOOK_MS;
        if (checking > now) at = Math.min(at, checking);
      }
      // Also while a probe is out: the machine may sleep meanwhile.
      if (isSeen && canProbe) at = Math.min(at, now + TICK_MS);
      dueAt = at;
      return Math.max(1, at - now);
    },
  };
}
