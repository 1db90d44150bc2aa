// Connects one client to its room, and reconnects it after each lost connection. Must not know the client's role, nor how a dead
// connection is detected.

import { dialer } from "./dial.js";
import { comesBack } from "./ending.js";
import { RtbError } from "./failure.js";
import { read } from "./frame.js";
import { load, loaded } from "./lazy.js";
import { setTimer, STATE_BYTES_MAX } from "./limits.js";

/**
 * @typedef {import("./dial.js").Options} Options
 * @typedef {import("./role.js").Role} Role
 * @typedef {import("./status.js").Stats} Stats
 * @typedef {import("./status.js").Status} Status
 * @typedef {ReturnType<import("./lazy.js").LazyModule["monitor"]>} Monitor
 */

/** `readyState` of a socket that takes messages; a WebSocket that was handed in need not carry the constants. */
const OPEN = 1;

/** The default bounds of the delays before attempts, in milliseconds: those of backoff.js, which is loaded on demand. */
const DELAY_MS_FIRST = 500;
const DELAY_MS_MAX = 15_000;

/** The maximum factor by which timeouts grow. */
const GROWTH_MAX = 16;

/** The minimum age of an attempt before `again` may replace it with another one, in milliseconds. */
const YOUNG_MS = 500;

/** The maximum number of frames that are kept until stay.js is loaded. */
const EARLY_MAX = 64;

/**
 * Connects a client, and reconnects it until it is stopped or a close is final. Returns its link to the server.
 * @param {string | URL} url
 * @param {Options} options
 * @param {Role} role
 * @param {string} [mistake] The program's mistake, as a sentence: then the link is closed at once.
 * @param {boolean} [isHeld] Whether to wait for `again` before the first attempt.
 */
export function reconnecting(url, options, role, mistake, isHeld) {
  const { reconnect = {}, answerTimeoutMs = 10_000 } = options;
  const dial = dialer(url, options, role.socket);
  mistake ??= dial.mistake;
  const { firstMs = DELAY_MS_FIRST, maxMs = DELAY_MS_MAX, random = Math.random } = reconnect || {};
  let ids = 0;
  const now = () => performance.now();
  /** @type {any} */
  let status = { name: "connecting" };
  /** @type {any} A WebSocket. One of the package `ws` also reports single bytes, by its `_socket`. */
  let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} Begins the next attempt, or ends the present one. */
  let timer;
  /** The earliest time of the next attempt, which the server set. */
  let earliestAt = -1;
  /** When the present attempt began; long ago if there is none. */
  let begunAt = -Infinity;
  /** When the newest bytes came, if the socket reports that. */
  let cameAt = 0;
  /** The factor of the timeout, which grows with each attempt that times out. */
  let growth = 1;
  let isIn = false;
  let wasIn = false;
  /** @type {any} The server's `closed` frame, which comes before its close. */
  let last;
  /** @type {string | undefined} Why the room ended, as the server sent it. It may come before a close that is not final. */
  let why;
  /** @type {unknown} The id of the request without an answer; `NaN`, which equals no id, if there is none. */
  let asked = NaN;
  /** When that request was sent: by `performance.now()`, `NaN` after the answer, and by `Date.now()`. */
  let askedAt = NaN;
  let askedOn = 0;
  /** How long the server may be silent, until stay.js is loaded, in milliseconds; 0 without heartbeats. */
  let silenceMs = 0;
  /** Changes with the begin and the end of each attempt. */
  let generation = 0;
  /** @type {Monitor | undefined} Monitors the connection, once stay.js is loaded. */
  let monitor;
  /** @type {[frame: any, isAnswer: boolean][]} The frames of this connection that `monitor` has not seen. */
  const early = [];
  /** @type {string[]} The texts sent on this connection that `monitor` has not counted. */
  const earlySent = [];
  /** @type {Stats} */
  const stats = { attempts: 0, connections: 0, bufferedAmount: 0 };
  /** @type {(value?: any) => void} */
  let enter = () => {};
  /** @type {(error: unknown) => void} */
  let fail = () => {};
  const entered = new Promise((resolve, reject) => ([enter, fail] = [resolve, reject]));

  /** @param {any} next */
  function setStatus(next) {
    status = Object.freeze(next);
    dial.log(status);
    role.onStatus(status);
    if (monitor) monitor.look();
    // Not before it is in the room: an unreachable server may be the one that serves the files, and browsers never retry a failed import.
    else if (isIn) void load().then(attach);
  }

  const isOver = () => status.name === "closed";

  /** Begins to monitor the connection, if stay.js is loaded. */
  function attach() {
    if (monitor || !loaded || isOver()) return;
    monitor = loaded.monitor(link, role, options, dial);
    for (const heard of early.splice(0)) monitor.receive(...heard);
    for (const text of earlySent.splice(0)) monitor.sent(text);
    if (isIn) {
      clearTimeout(timer);
      monitor.entered(askedOn);
    }
    monitor.look();
  }

  /** Sets the timeout of the present attempt. */
  function arm() {
    clearTimeout(timer);
    const wasOpen = isOpen();
    const limitMs = answerTimeoutMs * (wasOpen ? growth : 1);
    const check = () => {
      // On a slow network an answer may take longer: new bytes extend the timeout, and the next attempt has a longer one.
      const leftMs = cameAt + limitMs - now();
      if (leftMs > 0) return (timer = setTimer(check, leftMs));
      if (wasOpen) growth = Math.min(GROWTH_MAX, 2 * growth);
      lost("silent");
    };
    timer = setTimer(check, limitMs);
  }

  const isOpen = () => socket?.readyState === OPEN;

  function connect() {
    attach();
    const mine = ++generation;
    last = undefined;
    cameAt = 0;
    begunAt = now();
    stats.attempts += 1;
    arm();
    dial.prepare()?.then(
      () => mine === generation && open(),
      () => mine === generation && lost("token"),
    ) ?? open();
  }

  function open() {
    /** @type {any} */
    let mine;
    try {
      mine = socket = dial.open();
    } catch (cause) {
      // The browser forbids the connection, such as from a page of https to a server without TLS.
      return refuse(/** @type {any} */ (cause)?.message, cause);
    }
    mine.onopen = () => {
      // Only sockets of the package `ws` report bytes; those of browsers report whole frames.
      mine._socket?.on("data", () => {
        if (mine !== socket) return;
        cameAt = now();
        monitor?.received(cameAt);
      });
      if (dial.isOurs(mine)) begin();
      else stop("protocol", 1002);
    };
    mine.onmessage = (/** @type {any} */ { data }) => receive(data);
    mine.onclose = (/** @type {any} */ { code, reason }) => lost(reason || "lost", code);
    // A close event always follows, with more details. This handler stays after `detach`, since some sockets report an error when they are
    // closed before the handshake is done.
    mine.onerror = () => {};
  }

  /**
   * Closes the link for a mistake of the program, in a microtask: the caller has no listeners yet.
   * @param {string | undefined} message @param {unknown} [cause]
   */
  function refuse(message, cause) {
    const reason = "bad_argument";
    queueMicrotask(() => stop(reason, 1008, new RtbError(reason, { message, cause })));
  }

  /** @param {string} text */
  function receive(text) {
    if (role.size() + text.length > STATE_BYTES_MAX) return lost("size", 1009);
    const frame = read(text);
    const isAnswer = frame?.id === asked;
    const mine = socket;
    if (monitor) monitor.receive(frame, isAnswer);
    else if (!frame?.key && early.length < EARLY_MAX) early.push([frame, isAnswer]);
    // It may have given the connection up, since the machine slept.
    if (socket !== mine) return;
    if (!frame || (!isAnswer && /^(created|owned|joined)$/.test(frame.type))) return lost("protocol");
    const { type } = frame;
    if (isAnswer) {
      asked = NaN;
      silenceMs = 2 * frame.aliveMs;
      if (type === "error") {
        const end = role.refused(frame);
        return end ? lost(...end) : begin();
      }
    }
    if (type === "closed") last = frame;
    why = frame.why ?? why;
    const word = role.receive(frame);
    // A listener may have left.
    if (socket !== mine) return;
    if (word) lost(word);
    else update(isAnswer || (type === "message" && frame.seq));
  }

  /** Updates the status. @param {unknown} [isStep] Whether the client made progress on its way into the room, which restarts the timeout. */
  function update(isStep) {
    const position = role.position();
    if (position) {
      clearTimeout(timer);
      // Without stay.js the client reconnects when the server is silent for two heartbeats.
      if (!monitor && silenceMs > 0) timer = setTimer(() => lost("silent"), silenceMs);
    } else if (isStep) arm();
    const isAnswered = position && askedAt >= 0;
    if (isAnswered) {
      stats.roundTripMs = now() - askedAt;
      askedAt = NaN;
    }
    if (position && !isIn) {
      isIn = wasIn = true;
      stats.connections += 1;
      why = undefined;
    }
    /** @type {any} */
    const next = position ? { name: monitor?.isChecking() ? "checking" : position, ...role.more() } : { name: outside() };
    if (next.name !== status.name || (position && (next.since !== status.since || next.reset !== status.reset))) setStatus(next);
    if (position) enter();
    if (isAnswered) monitor?.entered(askedOn);
  }

  /** @returns {import("./status.js").Outside["name"]} */
  const outside = () => (wasIn ? "resuming" : "connecting");

  /** Schedules the next attempt in `ms`, but not before the time that the server set. Returns the delay. @param {number} ms */
  function plan(ms) {
    clearTimeout(timer);
    generation += 1;
    begunAt = -Infinity;
    const inMs = Math.max(ms, earliestAt - now());
    timer = setTimer(connect, inMs);
    return inMs;
  }

  /** Returns the text of a request, with an id to recognize its answer. @param {object} request */
  function requestText(request) {
    askedAt = now();
    askedOn = Date.now();
    return JSON.stringify({ type: "", id: (asked = `${++ids}`), ...request });
  }

  const begin = () => {
    arm();
    socket?.send(requestText(role.enter(dial.token())));
  };

  /** Closes the socket and clears the timer. Neither calls back any more. */
  function detach() {
    clearTimeout(timer);
    monitor?.cut();
    const mine = socket;
    timer = socket = undefined;
    generation += 1;
    begunAt = -Infinity;
    early.length = earlySent.length = 0;
    isIn = false;
    role.cut();
    if (!mine) return;
    mine.onopen = mine.onmessage = mine.onclose = null;
    mine.close(1000);
  }

  /**
   * Returns the delay of backoff.js, for a client that has not been in its room yet.
   * @param {number} serverMs The shortest delay, in milliseconds, if the server set one.
   */
  function delay(serverMs) {
    const failed = stats.attempts - 1;
    const part = serverMs || !failed ? random() : 0.7 + 0.3 * random();
    return part * Math.min(maxMs, firstMs * 2 ** (serverMs ? failed : 3 * Math.max(0, failed - 6)));
  }

  /**
   * Gives the connection up, if it is not closed yet, and schedules the next attempt unless the close is final.
   * @param {string} reason
   * @param {number} [code]
   * @param {number} [serverMs] The shortest delay before the next attempt, in milliseconds, if the server set one.
   * @param {string} [message] The server's message about it.
   */
  function lost(reason, code = 1006, serverMs = 0, message) {
    detach();
    if (role.lost?.(reason, code)) return;
    // A 1000 without a reason comes from a proxy; a server sends a reason.
    if (!comesBack(code) && (code !== 1000 || last || reason !== "lost")) return stop(reason, code, new RtbError(reason, { message }));
    if (reconnect === false) {
      fail(new RtbError(reason, { message, comesBack: true }));
      return setStatus({ name: outside(), code, reason });
    }
    earliestAt = Math.max(earliestAt, now() + serverMs);
    // A client that was in its room has stay.js, which handles network events and chooses better delays.
    if (!monitor) globalThis.addEventListener?.("online", again, { once: true });
    const ms = monitor ? monitor.delay(serverMs) : delay(serverMs);
    setStatus({ name: outside(), code, reason, retryInMs: plan(serverMs + ms) });
  }

  /**
   * Closes the link for good.
   * @param {string} [reason]
   * @param {number} [code]
   * @param {RtbError} [error]
   */
  function stop(reason = "left", code = 1000, error = new RtbError(reason)) {
    if (isOver()) return;
    detach();
    monitor?.end();
    fail(error);
    setStatus({ name: "closed", code, reason, comesBack: comesBack(code), ...(why && { why }) });
  }

  /** Connects now instead of at the scheduled time. In the room it checks the connection. */
  function again() {
    if (isIn) return monitor?.doubt("shown");
    if (mistake || isOver() || now() - begunAt < YOUNG_MS) return;
    detach();
    if (earliestAt > now()) plan(0);
    else connect();
  }

  /**
   * Sends a text. Returns how many bytes this connection has sent with it, at least 1; 0 if the text was not sent.
   * @param {string} text
   */
  function send(text) {
    if (!isIn || !isOpen()) return 0;
    socket.send(text);
    return monitor ? monitor.sent(text) : earlySent.push(text);
  }

  /** Returns the number of unsent bytes in the socket; `Infinity` outside of the room. */
  const backlog = () => (isIn ? (socket?.bufferedAmount ?? 0) : Infinity);

  const link = {
    /** Resolves when the client is in the room for the first time; rejects if it never will be. */
    entered,
    status: () => /** @type {Status} */ (status),
    stats: () => ({ ...stats, bufferedAmount: socket?.bufferedAmount ?? 0 }),
    stop,
    update,
    backlog,
    send,
    /** Returns the monitor of the connection, if stay.js is loaded. */
    monitor: () => monitor,
    again,
    /** Sends a request. The role gets its answer by `receive`, or its refusal by `refused`. @param {object} request */
    ask: (request) => send(requestText(request)),

    // For stay.js and for owners.
    socket: () => socket,
    isIn: () => isIn,
    setStatus,
    fail,
    outside,
    /** Returns a true value while an attempt is scheduled or running. */
    isBegun: () => timer || socket,
    /** The statistics, which stay.js updates too. */
    counts: stats,
    plan,
    /** Sets the earliest time of the next attempt. @param {number} at */
    defer: (at) => (earliestAt = at),
    lost,
    detach,
  };

  if (mistake) refuse(mistake);
  else if (!isHeld) connect();

  return link;
}
