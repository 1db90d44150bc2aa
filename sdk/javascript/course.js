// The way of one end over many connections: into the room, out of it, and back. Must not know which end it is, nor how it is found
// out whether a connection still stands.

import { dialer } from "./dial.js";
import { comesBack } from "./ending.js";
import { RtbError } from "./failure.js";
import { read } from "./frame.js";
import { load, loaded } from "./later.js";
import { later, STATE_BYTES_MAX } from "./limits.js";

/**
 * @typedef {import("./dial.js").Options} Options
 * @typedef {import("./part.js").Part} Part
 * @typedef {import("./status.js").Stats} Stats
 * @typedef {import("./status.js").Status} Status
 * @typedef {ReturnType<import("./later.js").Stays["stay"]>} Stay
 */

/** `readyState` of a socket that takes messages; a WebSocket that was handed in need not carry the constants. */
const OPEN = 1;

/** The bounds of the delays before attempts, where a program tells none, in milliseconds: those of backoff.js, which is loaded later. */
const DELAY_MS_FIRST = 500;
const DELAY_MS_MAX = 15_000;

/** The most that time-outs grow. */
const GROWTH_MAX = 16;

/** An attempt that is younger is not abandoned for another one, in milliseconds. */
const YOUNG_MS = 500;

/** How many frames are kept for the part that is loaded later, at most. */
const EARLY_MAX = 64;

/**
 * Begins a way, which goes on until it is stopped.
 * @param {string | URL} url
 * @param {Options} options
 * @param {Part} part
 * @param {string} [wrong] What the program got wrong; then it is over at once.
 * @param {boolean} [isHeld] Whether it does not begin by itself.
 */
export function course(url, options, part, wrong, isHeld) {
  const { reconnect = {}, answerTimeoutMs = 10_000 } = options;
  const dial = dialer(url, options, part.socket);
  wrong ??= dial.wrong;
  const { firstMs = DELAY_MS_FIRST, maxMs = DELAY_MS_MAX, random = Math.random } = reconnect || {};
  let ids = 0;
  const now = () => performance.now();
  /** @type {any} */
  let status = { name: "connecting" };
  /** @type {any} A WebSocket; that of the package `ws` tells more. */
  let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} The begin of the next attempt, or the end of this one. */
  let timer;
  /** No attempt begins before this, whatever else happens. */
  let moment = -1;
  /** When the present attempt began; long ago if there is none. */
  let begunAt = -Infinity;
  /** When bytes came last, where that can be seen. */
  let cameAt = 0;
  /** How many times longer an answer may take, since attempts were not answered in time. */
  let growth = 1;
  let isIn = false;
  let wasIn = false;
  /** @type {any} The server's word before its close. */
  let last;
  /** @type {string | undefined} Why the room ended, as the server told. It may say so before an end that is not final. */
  let why;
  /** @type {unknown} The request that the server owes an answer; nothing equals it if there is none. */
  let asked = NaN;
  /** When that was sent: by the clock of timers, not a number if it was answered, and by that of the day. */
  let askedAt = NaN;
  let askedOn = 0;
  /** How long a server may be silent that says how often it is heard. */
  let silenceMs = 0;
  /** Changes with each attempt, and with its end. */
  let turn = 0;
  /** @type {Stay | undefined} What looks after the connection, as soon as it is loaded. */
  let stay;
  /** @type {[frame: any, isAnswer: boolean][]} What that has not heard of this connection. */
  const early = [];
  /** @type {Stats} */
  const stats = { attempts: 0, connections: 0, bufferedAmount: 0 };
  /** @type {(value?: any) => void} */
  let enter = () => {};
  /** @type {(error: unknown) => void} */
  let fail = () => {};
  const entered = new Promise((resolve, reject) => ([enter, fail] = [resolve, reject]));

  /** @param {any} next */
  function tell(next) {
    status = Object.freeze(next);
    dial.log(status);
    part.tell(status);
    if (stay) stay.look();
    // Not before: where the server cannot be reached, its files may be out of reach too, and browsers do not try twice.
    else if (isIn) void load().then(attach);
  }

  const isOver = () => status.name === "closed";

  /** Has the connection looked after, if that is loaded. */
  function attach() {
    if (stay || !loaded || isOver()) return;
    stay = loaded.stay(way, part, options, dial);
    for (const heard of early.splice(0)) stay.hear(...heard);
    if (isIn) {
      clearTimeout(timer);
      stay.entered(askedOn);
    }
    stay.look();
  }

  /** The end of an attempt that is not answered. */
  function arm() {
    clearTimeout(timer);
    const wasOpen = isOpen();
    const limitMs = answerTimeoutMs * (wasOpen ? growth : 1);
    const check = () => {
      // On a slow link an answer takes its time: bytes come, or the next attempt gets more of it.
      const leftMs = cameAt + limitMs - now();
      if (leftMs > 0) return (timer = later(check, leftMs));
      if (wasOpen) growth = Math.min(GROWTH_MAX, 2 * growth);
      lost("silent");
    };
    timer = later(check, limitMs);
  }

  const isOpen = () => socket?.readyState === OPEN;

  function connect() {
    attach();
    const mine = ++turn;
    last = undefined;
    cameAt = 0;
    begunAt = now();
    stats.attempts += 1;
    arm();
    dial.prepare()?.then(
      () => mine === turn && open(),
      () => mine === turn && lost("token"),
    ) ?? open();
  }

  function open() {
    /** @type {any} */
    let mine;
    try {
      mine = socket = dial.open();
    } catch (cause) {
      // No browser connects there, such as from a page of https to a server without TLS.
      return refuse(/** @type {any} */ (cause)?.message, cause);
    }
    mine.onopen = () => {
      // A browser tells of whole frames alone.
      mine._socket?.on("data", () => mine === socket && stay?.heard((cameAt = now())));
      if (dial.isOurs(mine)) begin();
      else stop("protocol", 1002);
    };
    mine.onmessage = (/** @type {any} */ { data }) => hear(data);
    mine.onclose = (/** @type {any} */ { code, reason }) => lost(reason || "lost", code);
    // A close always follows and tells more. It stays, since closing before the handshake is done is an error to some sockets.
    mine.onerror = () => {};
  }

  /** The program got something wrong: it is over as soon as whoever began it can listen. @param {string | undefined} message @param {unknown} [cause] */
  function refuse(message, cause) {
    const reason = "bad_argument";
    queueMicrotask(() => stop(reason, 1008, new RtbError(reason, { message, cause })));
  }

  /** @param {string} text */
  function hear(text) {
    if (part.size() + text.length > STATE_BYTES_MAX) return lost("size", 1009);
    const frame = read(text);
    const isAnswer = frame?.id === asked;
    const mine = socket;
    if (stay) stay.hear(frame, isAnswer);
    else if (!frame?.key && early.length < EARLY_MAX) early.push([frame, isAnswer]);
    // It may have found that this comes out of a sleep.
    if (socket !== mine) return;
    if (!frame || (!isAnswer && /^(created|owned|joined)$/.test(frame.type))) return lost("protocol");
    const { type } = frame;
    if (isAnswer) {
      asked = NaN;
      silenceMs = 2 * frame.aliveMs;
      if (type === "error") {
        const end = part.refused(frame);
        return end ? lost(...end) : begin();
      }
    }
    if (type === "closed") last = frame;
    why = frame.why ?? why;
    const word = part.hear(frame);
    // A listener may have ended it.
    if (socket !== mine) return;
    if (word) lost(word);
    else update(isAnswer || (type === "message" && frame.seq));
  }

  /** Looks anew where it stands. @param {unknown} [isStep] Whether it comes closer to being in: else the deadline stays. */
  function update(isStep) {
    const position = part.position();
    if (position) {
      clearTimeout(timer);
      // Where nothing else looks after the connection, a server that is not heard for two heartbeats is left.
      if (!stay && silenceMs > 0) timer = later(() => lost("silent"), silenceMs);
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
    const next = position ? { name: stay?.isChecking() ? "checking" : position, ...part.more() } : { name: outside() };
    if (next.name !== status.name || (position && (next.since !== status.since || next.reset !== status.reset))) tell(next);
    if (position) enter();
    if (isAnswered) stay?.entered(askedOn);
  }

  /** @returns {import("./status.js").Outside["name"]} */
  const outside = () => (wasIn ? "resuming" : "connecting");

  /** Begins the next attempt in `ms`, but not before the moment that the server chose. @param {number} ms */
  function plan(ms) {
    clearTimeout(timer);
    turn += 1;
    begunAt = -Infinity;
    const inMs = Math.max(ms, moment - now());
    timer = later(connect, inMs);
    return inMs;
  }

  /** The text of a request that will be answered. @param {object} request */
  function named(request) {
    askedAt = now();
    askedOn = Date.now();
    return JSON.stringify({ type: "", id: (asked = `${++ids}`), ...request });
  }

  const begin = () => {
    arm();
    socket?.send(named(part.enter(dial.token())));
  };

  /** Lets go of the socket and the timers; none calls us again. */
  function detach() {
    clearTimeout(timer);
    stay?.cut();
    const mine = socket;
    timer = socket = undefined;
    turn += 1;
    begunAt = -Infinity;
    early.length = 0;
    isIn = false;
    part.cut();
    if (!mine) return;
    mine.onopen = mine.onmessage = mine.onclose = null;
    mine.close(1000);
  }

  /** The delays of backoff.js, as far as an outage without a stay needs them. @param {number} told How long the server wants not to be asked. */
  function delay(told) {
    const failed = stats.attempts - 1;
    const part = told || !failed ? random() : 0.7 + 0.3 * random();
    return part * Math.min(maxMs, firstMs * 2 ** (told ? failed : 3 * Math.max(0, failed - 6)));
  }

  /**
   * The connection is gone, or is given up.
   * @param {string} reason
   * @param {number} [code]
   * @param {number} [told] How long the server wants not to be asked.
   * @param {string} [message] What the server says of it.
   */
  function lost(reason, code = 1006, told = 0, message) {
    detach();
    if (part.lost?.(reason, code)) return;
    // A proxy may close with a bare 1000; a server tells why.
    if (!comesBack(code) && (code !== 1000 || last || reason !== "lost")) return stop(reason, code, new RtbError(reason, { message }));
    if (reconnect === false) {
      fail(new RtbError(reason, { message, comesBack: true }));
      return tell({ name: outside(), code, reason });
    }
    moment = Math.max(moment, now() + told);
    // What knows better when to come, and hears when there is a network, is loaded by those that were in their room.
    if (!stay) globalThis.addEventListener?.("online", again, { once: true });
    const ms = stay ? stay.delay(told) : delay(told);
    tell({ name: outside(), code, reason, retryInMs: plan(told + ms) });
  }

  /**
   * It is over.
   * @param {string} [reason]
   * @param {number} [code]
   * @param {RtbError} [error]
   */
  function stop(reason = "left", code = 1000, error = new RtbError(reason)) {
    if (isOver()) return;
    detach();
    stay?.end();
    fail(error);
    tell({ name: "closed", code, reason, comesBack: comesBack(code), ...(why && { why }) });
  }

  /** Tries now, whatever was planned. In the room it asks whether the connection stands. */
  function again() {
    if (isIn) return stay?.doubt("shown");
    if (wrong || isOver() || now() - begunAt < YOUNG_MS) return;
    detach();
    if (moment > now()) plan(0);
    else connect();
  }

  /**
   * Says something. Returns how many bytes were sent on this connection up to its end; 0 if there is none that took it.
   * @param {string} text
   */
  function send(text) {
    if (!isIn || !isOpen()) return 0;
    socket.send(text);
    // What was sent before it is counted does not delay a probe for long.
    return stay ? stay.sent(text) : 1;
  }

  /** How much was said that has not left; infinite without a connection. */
  const backlog = () => (isIn ? (socket?.bufferedAmount ?? 0) : Infinity);

  const way = {
    /** Settled when it is in the room for the first time, or never will be. */
    entered,
    status: () => /** @type {Status} */ (status),
    stats: () => ({ ...stats, bufferedAmount: socket?.bufferedAmount ?? 0 }),
    stop,
    update,
    backlog,
    send,
    /** What looks after the connection, if it is loaded. */
    stay: () => stay,
    again,
    /** Asks something; the answer is heard, or it is `refused`. @param {object} request */
    ask: (request) => send(named(request)),

    // For what looks after the connection, and for owners.
    socket: () => socket,
    isIn: () => isIn,
    tell,
    fail,
    outside,
    /** Whether an attempt is planned, or is being made. */
    isBegun: () => timer || socket,
    /** Newer answers to probes are told here. */
    counts: stats,
    plan,
    /** No attempt begins before this. @param {number} at */
    defer: (at) => (moment = at),
    lost,
    detach,
  };

  if (wrong) refuse(wrong);
  else if (!isHeld) connect();

  return way;
}
