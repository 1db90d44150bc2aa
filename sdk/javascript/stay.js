// What an end needs only once it has come into its room: loaded then, by all ends of a page together. It looks after the connection:
// whether it still stands, what the person and the machine do meanwhile, when to come back, and whether the token expires. Imports
// nothing that the entries have, or a bundler cuts them. Must not know which end it is.

import { backoff } from "./backoff.js";
import { liveness } from "./liveness.js";
import { signs } from "./signs.js";

export { loop } from "./loop.js";
export { signal } from "./signals.js";

/** @typedef {import("./liveness.js").Cause} Cause */

/** The most of a delay behind what happens to many clients at once, in milliseconds. */
const SPREAD_MS = 1_000;

/** How often is tried at the least where the browser says that there is no network, in milliseconds: it may be wrong. */
const OFFLINE_MS = 30_000;

/**
 * Begins to look after the connections of one end, one after another.
 * @param {ReturnType<typeof import("./course.js").course>} way
 * @param {import("./part.js").Part} part
 * @param {import("./dial.js").Options} options
 * @param {{ renew: () => Promise<string | undefined> }} dial Asks for a newer token.
 */
export function stay(way, part, { reconnect }, dial) {
  const { random = Math.random } = reconnect || {};
  const { socket, isIn, lost, plan, counts } = way;
  const delays = backoff(reconnect || {});
  const life = liveness();
  const over = new AbortController();
  const page = globalThis.document;
  const now = () => performance.now();
  /** @type {ReturnType<typeof setTimeout> | undefined} The next look at the connection. */
  let pulse;
  /** @type {ReturnType<typeof setTimeout> | undefined} The moment that the server chose for coming back. */
  let drain;
  /** Whether the server told one on this connection. */
  let isTold = false;
  /** @type {number | undefined} In which time to come back, instead of the usual delay. */
  let soonMs;
  /** Whether this connection is known to be in the room. */
  let wasIn = false;
  /** Whether the server answers probes. */
  let canProbe = false;
  /** The newest probe, and when it was sent. */
  let pinged = "";
  let ids = 0;
  let pingedAt = 0;
  /** Whether the server sends nothing, since nobody sees the page. */
  let isPaused = false;

  /** Returns names for requests; those that enter the room have none like these. */
  const nextId = () => `stay-${++ids}`;

  /** Shows the server a newer token, if there is one. Without it the server ends the connection, and the next one asks again. */
  async function renew() {
    const mine = socket();
    try {
      const token = await dial.renew();
      if (token && mine === socket()) way.send(JSON.stringify({ type: "auth", id: nextId(), token }));
    } catch {}
  }

  /** Sets the next look at the connection. */
  function watch() {
    clearTimeout(pulse);
    const ms = isIn() ? life.next(now(), Boolean(page && !page.hidden)) : Infinity;
    if (ms < Infinity) pulse = setTimeout(check, ms);
  }

  /** @param {boolean} [isTimer] */
  function check(isTimer) {
    act(life.tick(now(), Date.now(), socket()?.bufferedAmount ?? 0, Boolean(page?.hidden), isTimer));
  }

  /** Looks at the connection before anything that comes after a sleep: it may have waited, and says nothing of the present. */
  const checkIfLate = () => isIn() && life.isLate(now(), Date.now()) && check(false);

  /** Gives the connection up, and comes back in this time instead of after the usual delay, if it is given. @param {string} reason @param {number} [ms] */
  function giveUp(reason, ms) {
    soonMs = ms;
    lost(reason);
    soonMs = undefined;
  }

  /** @param {import("./liveness.js").Verdict} verdict */
  function act(verdict) {
    const cause = life.cause();
    if (verdict === "lost") return giveUp("silent", cause === "shown" ? 0 : cause === "woken" ? random() * SPREAD_MS : undefined);
    if (verdict === "probe" && socket()?.readyState === 1) {
      pingedAt = now();
      socket().send(JSON.stringify({ type: "ping", id: (pinged = nextId()) }));
    }
    watch();
    way.update();
  }

  /** Something happened that makes the connection doubtful, or another attempt worth it. @param {Cause} cause */
  function doubt(cause) {
    checkIfLate();
    if (isIn()) return act(life.doubt(now(), cause));
    // Nothing is planned by an end that is over, held, or not to come back by itself.
    if (cause === "silent" || !way.isBegun() || (socket() && cause !== "woken")) return;
    if (socket()) giveUp("online", random() * SPREAD_MS);
    else plan(cause === "woken" ? random() * SPREAD_MS : 0);
  }

  /** Leaves the fan-out while nobody sees the page. */
  function look() {
    const isHidden = Boolean(part.pause && page?.hidden);
    // One question at a time: the answer is told, and it looks again.
    if (isHidden === isPaused || !part.position()) return;
    if (!(isHidden ? way.send('{"type":"pause"}') : way.ask({ type: "unpause" }))) return;
    isPaused = isHidden;
    part.pause?.(isHidden);
    way.update(true);
  }

  signs(over.signal, {
    shown: () => doubt("shown"),
    hidden(isKept) {
      const isCalled = part.hide?.();
      if (!isKept) return;
      if (socket()) giveUp("hidden", OFFLINE_MS);
      if (isCalled) way.detach();
    },
    online: () => doubt("woken"),
    // A server on this machine or in its network may be there all the same.
    offline() {
      if (!socket()) way.isBegun() && plan(OFFLINE_MS);
      else if (isIn() && canProbe) doubt("woken");
      else lost("offline");
    },
    looked() {
      look();
      if (page?.hidden) part.flush?.();
    },
  });

  return {
    /** A frame came, or a text that is none. @param {any} frame @param {boolean} isAnswer Whether it is the answer of the room. */
    hear(frame, isAnswer) {
      checkIfLate();
      if (!socket()) return;
      counts.lastFrameAt = Date.now();
      // What a machine finds when it wakes may be the answer to an older question.
      const isPong = frame?.type === "pong" && frame.id === pinged;
      if (isPong) counts.roundTripMs = now() - pingedAt;
      life.heard(now(), isPong);
      if (!frame) return;
      if (isAnswer) life.begin(now(), (canProbe = Boolean(frame.limits)));
      const { type, reconnectInMs, nextMs = isAnswer ? (canProbe ? 0 : frame.aliveMs) : undefined } = frame;
      if (nextMs >= 0 && life.allow(2 * nextMs)) watch();
      if (type === "expiring") void renew();
      if (reconnectInMs >= 0) {
        isTold = true;
        clearTimeout(drain);
        way.defer(now() + reconnectInMs);
        drain = setTimeout(() => lost("moment"), reconnectInMs);
      }
    },

    /** Bytes came, of a frame that is not whole. @param {number} at */
    heard: (at) => life.heard(at),

    /** The connection is in the room, and the answer took `counts.roundTripMs`. @param {number} askedOn When it was asked, by the time of day. */
    entered(askedOn) {
      if (!wasIn) delays.connected(now());
      wasIn = true;
      life.answered(counts.roundTripMs ?? 0);
      watch();
      // An answer may have waited in a machine that slept.
      if (Date.now() - askedOn > SPREAD_MS) doubt("woken");
    },

    isChecking: () => life.isChecking(now()),
    /** @param {string} text */
    sent: (text) => life.sent(now(), new TextEncoder().encode(text).length),
    /** @param {number} upTo */
    proven: (upTo) => life.proven(now(), upTo),
    doubt,

    /** Another status was told. */
    look,

    /** The connection is gone. */
    cut() {
      clearTimeout(pulse);
      clearTimeout(drain);
      wasIn = isPaused = false;
    },

    /** How long to wait for the next attempt besides, in milliseconds. @param {number} told How long the server wants not to be asked. */
    delay(told) {
      // Whatever a server tells, the delays double as they do behind one that tells nothing.
      const ms = soonMs ?? delays.next(now(), told > 0 || isTold);
      isTold = false;
      return globalThis.navigator?.onLine === false ? Math.max(ms, OFFLINE_MS - told) : ms;
    },

    /** There will be no other connection. */
    end: () => over.abort(),
  };
}
