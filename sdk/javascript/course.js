// The way of one end over many connections: into the room, out of it, and back. Must not know which end it is.

import { attempt } from "./attempt.js";
import { backoff } from "./backoff.js";
import { dialer } from "./dial.js";
import { comesBack } from "./ending.js";
import { badArgument, ids, quiet, RtbError } from "./failure.js";
import { read } from "./frame.js";
import { bytesOf } from "./grammar.js";
import { BACKLOG_BYTES_MAX, later, STATE_BYTES_MAX } from "./limits.js";
import { liveness } from "./liveness.js";
import { signs } from "./signs.js";

/**
 * @typedef {import("./dial.js").Options} Options
 * @typedef {import("./part.js").Part} Part
 * @typedef {import("./status.js").Stats} Stats
 * @typedef {import("./status.js").Status} Status
 */

/** `readyState` of a socket that takes messages; a WebSocket that was handed in need not carry the constants. */
const OPEN = 1;

/** The most that time-outs grow. */
const GROWTH_MAX = 16;

/** How often is tried at the least where the browser says that there is no network, in milliseconds: it may be wrong. */
const OFFLINE_MS = 30_000;

/** The most of a delay behind what happens to many clients at once, in milliseconds. */
const SPREAD_MS = 1_000;

/** An attempt that is younger is not abandoned for another one, in milliseconds. */
const YOUNG_MS = 500;

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
  const { connected, next: delay } = backoff(reconnect || {});
  const { random = Math.random } = reconnect || {};
  const life = liveness();
  const nextId = ids();
  const over = new AbortController();
  const page = globalThis.document;
  const now = () => performance.now();
  /** @type {any} */
  let status = { name: "connecting" };
  /** @type {any} A WebSocket; that of the package `ws` tells more. */
  let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} The begin of the next attempt, or the end of this one. */
  let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} The next look at the connection. */
  let pulse;
  /** @type {ReturnType<typeof setTimeout> | undefined} The moment that the server chose for coming back. */
  let drain;
  /** No attempt begins before this, whatever else happens. */
  let moment = -1;
  /** Whether the server told one on this connection. */
  let isTold = false;
  /** When the present attempt began. */
  let begunAt = 0;
  /** When the server was asked for the room: by the clock of timers, 0 if it was answered, and by that of the day. */
  let askedAt = 0;
  let askedOn = 0;
  /** How many times longer an answer may take, since attempts were not answered in time. */
  let growth = 1;
  let isIn = false;
  let wasIn = false;
  /** Whether the server answers probes. */
  let canProbe = false;
  /** When bytes came last, where that can be seen. */
  let cameAt = 0;
  /** @type {any} The server's word before its close. */
  let last;
  /** @type {string | undefined} Why the room ended, as the server told. It may say so before an end that is not final. */
  let why;
  /** @type {unknown} The request that the server owes an answer; nothing equals it if there is none. */
  let asked = NaN;
  /** The newest probe, and when it was sent. */
  let pinged = "";
  let pingedAt = 0;
  /** @type {object | undefined} The attempt that has no socket yet. */
  let preparing;
  /** @type {Stats} */
  const stats = { attempts: 0, connections: 0, bufferedAmount: 0 };
  /** @type {(value?: any) => void} */
  let enter;
  /** @type {(error: any) => void} */
  let fail;
  // Whoever does not wait for it sees the status.
  const entered = quiet(new Promise((resolve, reject) => ([enter, fail] = [resolve, reject])));

  /** @param {Status} next */
  function tell(next) {
    status = Object.freeze(next);
    attempt(dial.log, `rtbroadcaster: ${JSON.stringify(status)}`);
    part.tell(status);
  }

  const isOpen = () => socket?.readyState === OPEN;

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

  function connect() {
    clearTimeout(timer);
    last = undefined;
    isTold = false;
    cameAt = 0;
    begunAt = now();
    stats.attempts += 1;
    arm();
    const asked = dial.prepare();
    if (!asked) return open();
    const mine = (preparing = {});
    asked.then(
      () => mine === preparing && open(),
      () => mine === preparing && lost("token"),
    );
  }

  function open() {
    preparing = undefined;
    /** @type {any} */
    let mine;
    try {
      mine = socket = dial.open();
    } catch (cause) {
      // No browser connects there, such as from a page of https to a server without TLS. Whoever began it can listen by then.
      const error = new RtbError("bad_argument", { message: /** @type {any} */ (cause)?.message, cause });
      return queueMicrotask(() => stop(error.code, 1008, error));
    }
    mine.onopen = () => {
      // A browser tells of whole frames alone.
      mine._socket?.on("data", () => mine === socket && life.heard((cameAt = now())));
      if (dial.isOurs(mine)) begin();
      else stop("protocol", 1002);
    };
    mine.onmessage = (/** @type {any} */ { data }) => hear(data);
    mine.onclose = (/** @type {any} */ { code, reason }) => lost(reason || "lost", code);
    // A close always follows and tells more. It stays, since closing before the handshake is done is an error to some sockets.
    mine.onerror = () => {};
  }

  /** @param {string} text */
  function hear(text) {
    if (part.size() + text.length > STATE_BYTES_MAX) return lost("size", 1009);
    const frame = read(text);
    const isAnswer = frame?.id === asked;
    lookIfLate();
    const mine = socket;
    if (!mine) return;
    stats.lastFrameAt = Date.now();
    // What a machine finds when it wakes may be the answer to an older question.
    const isPong = frame?.type === "pong" && frame.id === pinged;
    if (isPong) stats.roundTripMs = now() - pingedAt;
    life.heard(now(), isPong);
    if (!frame || (!isAnswer && /^(created|owned|joined)$/.test(frame.type))) return lost("protocol");
    if (isAnswer) {
      asked = NaN;
      if (frame.type === "error") {
        const end = part.refused(frame);
        return end ? lost(...end) : begin();
      }
      canProbe = Boolean(frame.limits);
      life.begin(now(), canProbe);
    }
    const { type, reconnectInMs, nextMs = isAnswer ? (canProbe ? 0 : frame.aliveMs) : undefined } = frame;
    if (nextMs >= 0 && life.allow(2 * nextMs)) watch();
    if (type === "closed") last = frame;
    if (type === "expiring") void renew(mine);
    why = frame.why ?? why;
    if (reconnectInMs >= 0) {
      isTold = true;
      clearTimeout(drain);
      moment = now() + reconnectInMs;
      drain = later(() => lost("moment"), reconnectInMs);
    }
    const word = part.hear(frame);
    // A listener may have ended it.
    if (socket !== mine) return;
    if (word) lost(word);
    else update(isAnswer || (type === "message" && frame.seq));
  }

  /** Shows the server a newer token, if there is one. Without it the server ends the connection, and the next one asks again. @param {any} mine */
  async function renew(mine) {
    try {
      const token = await dial.renew();
      if (token && mine === socket) send(JSON.stringify({ type: "auth", id: nextId(), token }));
    } catch {}
  }

  /** Looks anew where it stands. @param {unknown} [isStep] Whether it comes closer to being in: else the deadline stays. */
  function update(isStep) {
    const position = /** @type {Status["name"]} */ (part.position());
    if (position) clearTimeout(timer);
    else if (isStep) arm();
    // An answer may have waited in a machine that slept.
    const isOld = position && askedAt && Date.now() - askedOn > SPREAD_MS;
    if (position && askedAt) {
      life.answered((stats.roundTripMs = now() - askedAt));
      askedAt = 0;
    }
    if (position && !isIn) {
      isIn = wasIn = true;
      stats.connections += 1;
      why = undefined;
      connected(now());
      watch();
    }
    /** @type {any} */
    const next = { name: position ? (life.isChecking(now()) ? "checking" : position) : outside(), ...(position && part.more()) };
    if (next.name !== status.name || (position && (next.since !== status.since || next.reset !== status.reset))) tell(next);
    if (position) enter();
    if (isOld) doubt("woken");
  }

  /** @returns {import("./status.js").Outside["name"]} */
  const outside = () => (wasIn ? "resuming" : "connecting");

  /** Sets the next look at the connection. */
  function watch() {
    clearTimeout(pulse);
    const ms = isIn ? life.next(now(), Boolean(page && !page.hidden)) : Infinity;
    if (ms < Infinity) pulse = later(look, ms);
  }

  /** @param {boolean} [isTimer] */
  function look(isTimer) {
    act(life.tick(now(), Date.now(), socket?.bufferedAmount ?? 0, Boolean(page?.hidden), isTimer));
  }

  /** Looks at the connection before anything that comes after a sleep: it may have waited, and says nothing of the present. */
  const lookIfLate = () => isIn && life.isLate(now(), Date.now()) && look(false);

  /** @param {import("./liveness.js").Verdict} verdict */
  function act(verdict) {
    const cause = life.cause();
    if (verdict === "lost") return lost("silent", 1006, 0, cause === "shown" ? 0 : cause === "woken" ? random() * SPREAD_MS : undefined);
    if (verdict === "probe" && isOpen()) {
      pingedAt = now();
      socket.send(JSON.stringify({ type: "ping", id: (pinged = nextId()) }));
    }
    watch();
    update();
  }

  /** Something happened that makes the connection doubtful, or another attempt worth it. @param {import("./liveness.js").Cause} cause */
  function doubt(cause) {
    lookIfLate();
    if (isIn) return act(life.doubt(now(), cause));
    // Nothing is planned by an end that is over, held, or not to come back by itself.
    if (cause === "silent" || !(timer || socket) || (socket && cause !== "woken")) return;
    if (socket) lost("online", 1006, 0, random() * SPREAD_MS);
    else plan(cause === "woken" ? random() * SPREAD_MS : 0);
  }

  /** Begins the next attempt in `ms`, but not before the moment that the server chose. @param {number} ms */
  function plan(ms) {
    clearTimeout(timer);
    preparing = undefined;
    const inMs = Math.max(ms, moment - now());
    timer = later(connect, inMs);
    return inMs;
  }

  /** The text of a request that will be answered. @param {object} request */
  function named(request) {
    askedAt = now();
    askedOn = Date.now();
    return JSON.stringify({ type: "", id: (asked = nextId()), ...request });
  }

  const begin = () => {
    arm();
    socket?.send(named(part.enter(dial.token())));
  };

  /** Lets go of the socket and the timers; none calls us again. */
  function detach() {
    for (const one of [timer, pulse, drain]) clearTimeout(one);
    const mine = socket;
    timer = socket = preparing = undefined;
    isIn = false;
    part.cut();
    if (!mine) return;
    mine.onopen = mine.onmessage = mine.onclose = null;
    mine.close(1000);
  }

  /**
   * The connection is gone, or is given up.
   * @param {string} reason
   * @param {number} [code]
   * @param {number} [told] How long the server wants not to be asked.
   * @param {number} [soonMs] In which time to come back, instead of the usual delay.
   * @param {string} [message] What the server says of it.
   */
  function lost(reason, code = 1006, told = 0, soonMs, message) {
    detach();
    if (code === 4509) return rest(reason, code);
    // A proxy may close with a bare 1000; a server tells why.
    if (!comesBack(code) && (code !== 1000 || last || reason !== "lost")) return stop(reason, code, new RtbError(reason, { message }));
    if (reconnect === false) {
      fail(new RtbError(reason, { message, comesBack: true }));
      return tell({ name: outside(), code, reason });
    }
    const time = now();
    moment = Math.max(moment, time + told);
    // Whatever a server tells, the delays double as they do behind one that tells nothing.
    const ms = soonMs ?? told + delay(time, told > 0 || isTold);
    const retryInMs = plan(globalThis.navigator?.onLine === false ? Math.max(ms, OFFLINE_MS) : ms);
    tell({ name: outside(), code, reason, retryInMs });
  }

  /** Another one owns the room: waits for `again`. @param {string} reason @param {number} [code] */
  function rest(reason, code) {
    detach();
    fail(new RtbError(reason));
    tell({ name: "elsewhere", code, reason });
  }

  /**
   * It is over.
   * @param {string} [reason]
   * @param {number} [code]
   * @param {RtbError} [error]
   */
  function stop(reason = "left", code = 1000, error = new RtbError(reason)) {
    if (status.name === "closed") return;
    detach();
    over.abort();
    fail(error);
    tell({ name: "closed", code, reason, comesBack: comesBack(code), ...(why && { why }) });
  }

  /** Tries now, whatever was planned. In the room it asks whether the connection stands. */
  function again() {
    if (isIn) return doubt("shown");
    if (wrong || status.name === "closed" || ((socket || preparing) && now() - begunAt < YOUNG_MS)) return;
    detach();
    if (status.name === "elsewhere") tell({ name: outside() });
    if (moment > now()) plan(0);
    else connect();
  }

  /**
   * Says something. Returns how many bytes were sent on this connection up to its end; 0 if there is none that took it.
   * @param {string} text
   */
  function send(text) {
    if (backlog() >= BACKLOG_BYTES_MAX || !isOpen()) return 0;
    socket.send(text);
    return life.sent(now(), bytesOf(text));
  }

  /** How much was said that has not left; infinite without a connection. */
  const backlog = () => (isIn ? (socket?.bufferedAmount ?? 0) : Infinity);

  const listen = signs(over.signal, {
    shown: () => doubt("shown"),
    hidden(isKept) {
      const isCalled = part.hide?.();
      if (!isKept) return;
      if (socket) lost("hidden", 1006, 0, OFFLINE_MS);
      if (!isCalled) return;
      clearTimeout(timer);
      timer = undefined;
    },
    online: () => doubt("woken"),
    // A server on this machine or in its network may be there all the same.
    offline() {
      if (!socket) timer && plan(OFFLINE_MS);
      else if (isIn && canProbe) doubt("woken");
      else lost("offline");
    },
  });
  // What is over at once tells so when whoever began it can listen.
  if (wrong) queueMicrotask(() => stop("bad_argument", 1008, badArgument(wrong)));
  else if (!isHeld) connect();

  return {
    /** Settled when it is in the room for the first time, or never will be. */
    entered,
    status: () => /** @type {Status} */ (status),
    stats: () => ({ ...stats, bufferedAmount: socket?.bufferedAmount ?? 0 }),
    listen,
    stop,
    update,
    backlog,
    send,
    /** The server has what was sent up to there. @param {number} upTo */
    proven: (upTo) => life.proven(now(), upTo),
    doubt,
    again,
    rest,
    /** Asks something; the answer is heard, or it is `refused`. @param {object} request */
    ask: (request) => send(named(request)),
  };
}
