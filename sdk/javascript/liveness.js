// Decides whether a connection is alive: when to send the server a ping, here called a probe, and when to give the connection up.
// Takes the time, which is above 0, and events as arguments. Must not know sockets, timers or the page.

/** The time without an answer after which the status is `checking`, and the shortest timeout of a probe, in milliseconds. */
const PROBE_MS = 1_500;

/** The longest timeout of a probe, in milliseconds. */
const PROBE_MS_MAX = 30_000;

/** How long bytes before a probe may stay unsent in a socket before its timeout begins, in milliseconds. */
const STUCK_MS = 10_000;

/**
 * The slowest supported network, in bytes per millisecond: a server closes slower connections. Bytes in the system's buffers are invisible
 * here; at this rate they delay a probe that is sent after them.
 */
const SLOWEST = 2.048;

/** The interval at which a socket with unsent bytes is checked, in milliseconds. */
const LOOK_MS = 100;

/** The interval at which a visible page checks the clock, to notice at once that the machine slept, in milliseconds. */
const TICK_MS = 400;

/** How late a timer fires, or how far the two clocks diverge, if the machine slept, in milliseconds. */
const LATE_MS = 3_000;

/** For how many minutes, at least, an answer counts as recent. */
const SLOW_MINUTES = 5;

/** The longest interval of timers in a hidden page, in milliseconds. */
const MINUTE_MS = 60_000;

/**
 * The cause of a probe: the page was shown, the machine woke or its network changed, or the server is silent.
 * @typedef {"shown" | "woken" | "silent"} Cause
 */

/**
 * The next action: none, send a probe, or give the connection up.
 * @typedef {"" | "probe" | "lost"} Verdict
 */

/** Returns the check of one connection after another. */
export function liveness() {
  /** The factor of the probe's timeout: doubled when a connection is given up, halved with each minute. */
  let factor = 1;
  /** The slowest answers: in the present `SLOW_MINUTES`, and in those before. */
  let slowMs = [0, 0];
  /** How many minutes have passed in the room, and when the last one ended. */
  let minutes = 0;
  let minuteAt = 0;
  /** How long the server may be silent; 0 without a limit. */
  let silenceMs = 0;
  /** Whether the server answers probes. */
  let canProbe = false;
  let heardAt = 0;
  /** When the timer should fire. */
  let dueAt = Infinity;
  /** By how much the two clocks differ. */
  let skew = NaN;
  /** When the machine last slept, or its timers fired late. */
  let lateAt = -Infinity;
  /** When the newest probe was sent. */
  let sentAt = -Infinity;
  /** @type {Cause} The cause of that probe. */
  let why;
  /** When the first unanswered probe was sent; 0 if there is none. */
  let askedAt = 0;
  /** Since when the socket has no unsent bytes; 0 while it has some. */
  let clearAt = 0;
  /** When the number of unsent bytes in the socket last fell, and that number. */
  let fellAt = 0;
  let waiting = Infinity;
  /** Whether the probe was sent again, since its timer fired late. */
  let isAgain = false;
  /** How many bytes were sent on this connection, and how many before the newest probe. */
  let sent = 0;
  let sentBefore = 0;
  /** When the slowest supported network has carried all of them, and those before the newest probe. */
  let carriedAt = 0;
  let carriedBeforeAt = 0;

  /** @param {number} now @param {Cause} cause @returns {Verdict} */
  function begin(now, cause) {
    // A server that answers no probes is given up only when it is silent for two heartbeats.
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

  /** Returns the timeout of a probe. */
  const patienceMs = () => Math.min(PROBE_MS_MAX, factor * Math.max(PROBE_MS, 2 * Math.max(...slowMs)));

  /** Returns when the timeout begins. */
  const since = () =>
    // A server sends its next heartbeat whatever it receives: after that time, slow sending is no excuse for silence.
    clearAt ? Math.max(clearAt, Math.min(carriedBeforeAt, heardAt + (silenceMs || MINUTE_MS))) : fellAt + STUCK_MS;

  return {
    /** Returns the cause of the newest probe. */
    cause: () => why,

    /**
     * Begins with a new connection.
     * @param {number} now @param {boolean} can Whether its server answers probes.
     */
    begin(now, can) {
      canProbe = can;
      minuteAt = heardAt = now;
      askedAt = sent = carriedAt = 0;
      dueAt = Infinity;
      skew = NaN;
    },

    /** Sets how long the server may be silent; 0 without a limit. Returns whether that changed. @param {number} ms */
    allow(ms) {
      const before = silenceMs;
      // Not shorter, whatever heartbeats a server announces.
      silenceMs = ms && Math.max(LOOK_MS, ms);
      return silenceMs !== before;
    },

    /** Counts sent bytes. Returns how many were sent on this connection. @param {number} now @param {number} bytes */
    sent(now, bytes) {
      carriedAt = Math.max(carriedAt, now) + bytes / SLOWEST;
      return (sent += bytes);
    },

    /** Records that the server has received the first `upTo` bytes. @param {number} now @param {number} upTo */
    proven(now, upTo) {
      carriedAt = Math.min(carriedAt, now + (sent - upTo) / SLOWEST);
    },

    /** Records how long an answer took. @param {number} ms */
    answered(ms) {
      slowMs[0] = Math.max(slowMs[0], ms);
    },

    /**
     * Records received bytes, which restart the timeout of the probe. Only the answer to the probe ends the check: another frame may have
     * waited in a frozen page, and proves nothing about the way to the server.
     * @param {number} now @param {boolean} [isAnswer] Whether they are the answer to the probe.
     */
    received(now, isAnswer) {
      heardAt = now;
      fellAt = now;
      if (clearAt) clearAt = now;
      if (!isAnswer || !askedAt) return;
      // The time that the probe may have waited behind earlier bytes does not count.
      this.answered(now - Math.max(sentAt, carriedBeforeAt));
      this.proven(now, sentBefore);
      askedAt = 0;
    },

    /** Returns whether a probe is unanswered for so long that the status is `checking`. @param {number} now */
    isChecking: (now) => askedAt > 0 && now - askedAt >= PROBE_MS,

    /**
     * Returns whether to send a probe, since the connection may be dead.
     * @param {number} now @param {Cause} cause @returns {Verdict}
     */
    doubt(now, cause) {
      // One probe at a time. The cause `shown` replaces the others, since it reconnects at once.
      if (canProbe && !askedAt && now - sentAt >= LOOK_MS) return begin(now, cause);
      if (cause === "shown") why = cause;
      return "";
    },

    /** Returns whether the machine slept, which a caller may notice before the timer does. @param {number} now @param {number} wall The time of day. */
    isLate: (now, wall) => now - dueAt > PROBE_MS || Math.abs(wall - now - skew) > LATE_MS,

    /**
     * Returns the next action when the timer fires.
     * @param {number} now @param {number} wall The time of day, which also counts while the machine sleeps.
     * @param {number} bytes The number of unsent bytes in the socket.
     * @param {boolean} isHidden Whether timers may fire only once a minute.
     * @param {boolean} [isTimer] False if the caller noticed that the timer should have fired long ago.
     * @returns {Verdict}
     */
    tick(now, wall, bytes, isHidden, isTimer = true) {
      const late = now - dueAt;
      // `skew` is NaN at first, which is no jump.
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
      // A timer that fires late proves nothing: the answer may be received, but not handled yet. In a hidden page every timer fires late;
      // there the second one in a row counts.
      const counts = isHidden && isTimer && isAgain && late < MINUTE_MS + LATE_MS;
      if (isJump || (late > PROBE_MS && !counts)) {
        begin(now, why);
        waiting = bytes;
        return "probe";
      }
      if (bytes < waiting) fellAt = now;
      // A late timer knows only that the socket had no unsent bytes when the probe was sent.
      if (!bytes) clearAt ||= counts && !waiting ? sentAt : now;
      waiting = bytes;
      if (now - since() < patienceMs()) return "";
      factor = Math.min(PROBE_MS_MAX / PROBE_MS, 2 * factor);
      askedAt = 0;
      return "lost";
    },

    /**
     * Returns the time until the timer has to fire, in milliseconds; `Infinity` for never.
     * @param {number} now @param {boolean} isSeen Whether the page is visible.
     */
    next(now, isSeen) {
      let at = silenceMs ? heardAt + silenceMs : Infinity;
      if (askedAt) {
        const checking = askedAt + PROBE_MS;
        at = clearAt ? since() + patienceMs() : now + LOOK_MS;
        if (checking > now) at = Math.min(at, checking);
      }
      // Also while a probe is unanswered: the machine may sleep meanwhile.
      if (isSeen && canProbe) at = Math.min(at, now + TICK_MS);
      dueAt = at;
      return Math.max(1, at - now);
    },
  };
}
