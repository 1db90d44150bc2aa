// Monitors the connection of a client that has entered its room; loaded on demand, once for all clients of a page. It detects dead
// connections, handles events of the page and the network, computes delays and renews tokens. Must not import modules that the entries
// import (a bundler would split the entries), nor know the client's role.

import { backoff } from "./backoff.js";
import { liveness } from "./liveness.js";
import { pageEvents } from "./page-events.js";

export { loop } from "./loop.js";
export { signal } from "./signals.js";

/** @typedef {import("./liveness.js").Cause} Cause */

/** The maximum random delay after events that many clients have at once, in milliseconds. */
const SPREAD_MS = 1_000;

/** The delay between attempts while the browser reports no network, in milliseconds: it may be wrong. */
const OFFLINE_MS = 30_000;

/**
 * Monitors the connections of one client, one after another.
 * @param {ReturnType<typeof import("./reconnect.js").reconnecting>} link
 * @param {import("./role.js").Role} role
 * @param {import("./dial.js").Options} options
 * @param {{ renew: () => Promise<string | undefined> }} dial Gets a new token.
 */
export function monitor(link, role, { reconnect }, dial) {
  const { random = Math.random } = reconnect || {};
  const { socket, isIn, lost, plan, counts } = link;
  const delays = backoff(reconnect || {});
  const life = liveness();
  const over = new AbortController();
  const page = globalThis.document;
  const now = () => performance.now();
  /** @type {ReturnType<typeof setTimeout> | undefined} The next check of the connection. */
  let pulse;
  /** @type {ReturnType<typeof setTimeout> | undefined} Reconnects at the time that the server set. */
  let drain;
  /** Whether the server set one on this connection. */
  let isTold = false;
  /** @type {number | undefined} The delay of the next attempt, instead of the usual one. */
  let soonMs;
  /** Whether this connection is known to be in the room. */
  let wasIn = false;
  /** Whether the server answers probes. */
  let canProbe = false;
  /** The newest probe, and when it was sent. */
  let pinged = "";
  let ids = 0;
  let pingedAt = 0;
  /** Whether the server was asked to send nothing, since the page is hidden. */
  let isPaused = false;

  /** Returns an id for a request, different from those of reconnect.js. */
  const nextId = () => `stay-${++ids}`;

  /** Sends the server a new token, if there is one. Without it the server closes the connection, and the next one gets a token again. */
  async function renew() {
    const mine = socket();
    try {
      const token = await dial.renew();
      if (token && mine === socket()) link.send(JSON.stringify({ type: "auth", id: nextId(), token }));
    } catch {}
  }

  /** Schedules the next check of the connection. */
  function watch() {
    clearTimeout(pulse);
    const ms = isIn() ? life.next(now(), Boolean(page && !page.hidden)) : Infinity;
    if (ms < Infinity) pulse = setTimeout(check, ms);
  }

  /** Checks the connection. @param {boolean} [isTimer] False if the timer should have fired long ago. */
  function check(isTimer) {
    act(life.tick(now(), Date.now(), socket()?.bufferedAmount ?? 0, Boolean(page?.hidden), isTimer));
  }

  /** Checks the connection first if the machine slept: a frame that waited meanwhile proves nothing about the connection. */
  const checkIfLate = () => isIn() && life.isLate(now(), Date.now()) && check(false);

  /** Gives the connection up. @param {string} reason @param {number} [ms] The delay of the next attempt, instead of the usual one. */
  function giveUp(reason, ms) {
    soonMs = ms;
    lost(reason);
    soonMs = undefined;
  }

  /** Sends a probe or gives the connection up. @param {import("./liveness.js").Verdict} verdict */
  function act(verdict) {
    const cause = life.cause();
    if (verdict === "lost") return giveUp("silent", cause === "shown" ? 0 : cause === "woken" ? random() * SPREAD_MS : undefined);
    if (verdict === "probe" && socket()?.readyState === 1) {
      pingedAt = now();
      socket().send(JSON.stringify({ type: "ping", id: (pinged = nextId()) }));
    }
    watch();
    link.update();
  }

  /** Checks the connection in the room; outside of it, begins the next attempt earlier. @param {Cause} cause */
  function doubt(cause) {
    checkIfLate();
    if (isIn()) return act(life.doubt(now(), cause));
    // A client without an attempt is closed, held, or does not reconnect by itself.
    if (cause === "silent" || !link.isBegun() || (socket() && cause !== "woken")) return;
    if (socket()) giveUp("online", random() * SPREAD_MS);
    else plan(cause === "woken" ? random() * SPREAD_MS : 0);
  }

  /** Asks the server to pause when the page is hidden, and to resume when it is shown. */
  function look() {
    const isHidden = Boolean(role.pause && page?.hidden);
    // One request at a time: the answer changes the status, which calls this again.
    if (isHidden === isPaused || !role.position()) return;
    if (!(isHidden ? link.send('{"type":"pause"}') : link.ask({ type: "unpause" }))) return;
    isPaused = isHidden;
    role.pause?.(isHidden);
    link.update(true);
  }

  pageEvents(over.signal, {
    shown: () => doubt("shown"),
    hidden(isKept) {
      const isCalled = role.hide?.();
      if (!isKept) return;
      if (socket()) giveUp("hidden", OFFLINE_MS);
      if (isCalled) link.detach();
    },
    online: () => doubt("woken"),
    // The browser may be wrong: a server on this machine or in the local network may still be reachable.
    offline() {
      if (!socket()) link.isBegun() && plan(OFFLINE_MS);
      else if (isIn() && canProbe) doubt("woken");
      else lost("offline");
    },
    looked() {
      look();
      if (page?.hidden) role.flush?.();
    },
  });

  return {
    /** Takes a frame, `undefined` for an invalid one. @param {any} frame @param {boolean} isAnswer Whether it is the answer that enters the room. */
    receive(frame, isAnswer) {
      checkIfLate();
      if (!socket()) return;
      counts.lastFrameAt = Date.now();
      // After a sleep the machine may find the answer to an older ping.
      const isPong = frame?.type === "pong" && frame.id === pinged;
      if (isPong) counts.roundTripMs = now() - pingedAt;
      life.received(now(), isPong);
      if (!frame) return;
      if (isAnswer) life.begin(now(), (canProbe = Boolean(frame.limits)));
      const { type, reconnectInMs, nextMs = isAnswer ? (canProbe ? 0 : frame.aliveMs) : undefined } = frame;
      if (nextMs >= 0 && life.allow(2 * nextMs)) watch();
      if (type === "expiring") void renew();
      if (reconnectInMs >= 0) {
        isTold = true;
        clearTimeout(drain);
        link.defer(now() + reconnectInMs);
        drain = setTimeout(() => lost("moment"), reconnectInMs);
      }
    },

    /** Records received bytes, also of an incomplete frame. @param {number} at */
    received: (at) => life.received(at),

    /** Records that the connection is in the room. @param {number} askedOn When its request was sent, as `Date.now()`. */
    entered(askedOn) {
      if (!wasIn) delays.connected(now());
      wasIn = true;
      life.answered(counts.roundTripMs ?? 0);
      watch();
      // The answer may have waited while the machine slept.
      if (Date.now() - askedOn > SPREAD_MS) doubt("woken");
    },

    isChecking: () => life.isChecking(now()),
    /** Counts a sent text. Returns how many bytes this connection has sent. @param {string} text */
    sent: (text) => life.sent(now(), new TextEncoder().encode(text).length),
    /** Records that the server has received the first `upTo` bytes. @param {number} upTo */
    proven: (upTo) => life.proven(now(), upTo),
    doubt,

    /** Called with each new status. */
    look,

    /** Forgets what belongs to the lost connection. */
    cut() {
      clearTimeout(pulse);
      clearTimeout(drain);
      wasIn = isPaused = false;
    },

    /**
     * Returns the delay of the next attempt, in milliseconds, which is added to the server's.
     * @param {number} serverMs The shortest delay, in milliseconds, if the server set one.
     */
    delay(serverMs) {
      // The delays double whatever delay the server sets.
      const ms = soonMs ?? delays.next(now(), serverMs > 0 || isTold);
      isTold = false;
      return globalThis.navigator?.onLine === false ? Math.max(ms, OFFLINE_MS - serverMs) : ms;
    },

    /** Stops listening to the page, since the client is closed. */
    end: () => over.abort(),
  };
}
