// The way of one end over many connections: into the room, out of it, and back. Must not know which end it is.

import { addressOf } from "./address.js";
import { Backoff, DELAY_MS_MAX } from "./backoff.js";
import { comesBack } from "./ending.js";
import { failure } from "./failure.js";

/**
 * Where an end stands. `code` and `reason` tell how the last connection ended.
 *
 * - `connecting`: not in the room yet
 * - `live`: everything that was said is here
 * - `away`: the same, but the owner is away
 * - `lagging`: in the room, but newer values may not have come
 * - `resuming`: the connection was lost, or what was missed is just coming
 * - `closed`: over; `comesBack` says whether it would be worth another try
 * @typedef {object} Status
 * @property {"connecting" | "live" | "away" | "lagging" | "resuming" | "closed"} name
 * @property {number} [code]
 * @property {string} [reason]
 * @property {number} [retryInMs] When the next attempt begins.
 * @property {boolean} [comesBack]
 */

/**
 * What both ends may be told.
 * @typedef {object} Options
 * @property {AbortSignal} [signal] Ends it, or the attempts to get in.
 * @property {string} [token] What the server asks for.
 * @property {{ firstMs?: number, maxMs?: number, random?: () => number }} [reconnect] The bounds of the delays; 500 and 15 000.
 * @property {number} [answerTimeoutMs] How long the server may take to answer. Default 10 000.
 * @property {boolean | ((line: string) => void)} [debug] Says what happens, to the console or to a function.
 * @property {new (url: string, protocol: string) => WebSocket} [WebSocket] Instead of the global one.
 */

/**
 * What the two ends do differently.
 * @typedef {object} Part
 * @property {() => object} enter The request that enters the room, on a new connection.
 * @property {(frame: any) => import("./failure.js").End | void} hear Takes a frame; an answer ends the connection.
 * @property {() => string} position The status while it is in the room; empty while it is not all in.
 * @property {() => void} cut The connection is gone.
 * @property {(status: Status) => void} tell Hears each status.
 */

/** The subprotocol of version 2. */
const PROTOCOL = "rtbroadcaster.v2";

/** `readyState` of a socket that takes messages; a WebSocket that was handed in need not carry the constants. */
const OPEN = 1;

/**
 * Begins a way, which goes on until it is stopped.
 * @param {string | URL} url
 * @param {Options} options
 * @param {Part} part
 */
export function course(url, options, part) {
  const { signal, debug, reconnect = {}, answerTimeoutMs = 10_000 } = options;
  const { firstMs, maxMs = DELAY_MS_MAX, random = Math.random } = reconnect;
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  const address = addressOf(url);
  if (!Socket) throw new Error("there is no WebSocket here");
  const backoff = new Backoff(firstMs, maxMs, random);
  const over = new AbortController();
  const now = () => performance.now();
  /** @type {Status} */
  let status = { name: "connecting" };
  /** @type {WebSocket | undefined} */
  let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} The begin of the next attempt, or the end of silence. */
  let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} The moment that the server chose for coming back. */
  let drain;
  let moment = 0;
  let aliveMs = 0;
  let isIn = false;
  let wasIn = false;
  /** How often a request was refused in a row. */
  let refusals = 0;
  /** @type {(value?: any) => void} */
  let enter;
  /** @type {(error: any) => void} */
  let fail;
  const entered = new Promise((resolve, reject) => ([enter, fail] = [resolve, reject]));
  // Whoever does not wait for it sees the status.
  entered.catch(() => {});

  /** @param {Status} next */
  function tell(next) {
    status = Object.freeze(next);
    if (debug) (debug === true ? console.debug : debug)(`rtbroadcaster: ${JSON.stringify(status)}`);
    part.tell(status);
  }

  /** @param {number} ms */
  function arm(ms) {
    clearTimeout(timer);
    timer = ms > 0 ? setTimeout(() => lost(1006, "silent"), ms) : undefined;
  }

  function connect() {
    const mine = (socket = new Socket(address, PROTOCOL));
    arm(answerTimeoutMs);
    mine.onopen = () => (mine.protocol === PROTOCOL ? mine.send(JSON.stringify(part.enter())) : stop(1002, "protocol"));
    mine.onmessage = ({ data }) => hear(data);
    mine.onclose = ({ code, reason }) => lost(code, reason || "lost");
    // A close always follows and tells more.
    mine.onerror = () => {};
  }

  /** @param {string} text */
  function hear(text) {
    const mine = socket;
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {}
    if (!frame?.type) return lost(1006, "protocol");
    aliveMs = frame.aliveMs ?? aliveMs;
    if (frame.type === "draining") {
      clearTimeout(drain);
      moment = now() + frame.reconnectInMs;
      drain = setTimeout(() => lost(1006, "moment"), frame.reconnectInMs);
    }
    const end = part.hear(frame);
    // A listener may have ended it.
    if (socket !== mine) return;
    if (end) lost(...end);
    else update();
  }

  /** Looks anew where it stands. */
  function update() {
    const name = /** @type {Status["name"]} */ (part.position());
    arm(name ? 2 * aliveMs : answerTimeoutMs);
    if (name && !isIn) {
      isIn = wasIn = true;
      refusals = 0;
      backoff.connected(now());
    }
    const next = name || outside();
    if (next !== status.name) tell({ name: next });
    if (name) enter();
  }

  const outside = () => (wasIn ? "resuming" : "connecting");

  /** Lets go of the socket and the timers; none calls us again. */
  function detach() {
    clearTimeout(timer);
    clearTimeout(drain);
    const mine = socket;
    socket = timer = drain = undefined;
    isIn = false;
    if (!mine) return;
    mine.onopen = mine.onmessage = mine.onclose = null;
    // Closing before the handshake is done is an error to some sockets, which then must not go unhandled.
    mine.onerror = () => {};
    mine.close(1000);
  }

  /**
   * The connection is gone, or is given up.
   * @param {number} code
   * @param {string} reason
   * @param {number} [within] In which time the server wants to be asked again.
   */
  function lost(code, reason, within) {
    detach();
    part.cut();
    if (!comesBack(code)) return stop(code, reason);
    let retryInMs;
    if (moment) retryInMs = Math.max(0, moment - now());
    else if (within) retryInMs = random() * Math.min(within * 2 ** refusals++, Math.max(maxMs, within));
    else retryInMs = backoff.next(now());
    moment = 0;
    timer = setTimeout(connect, retryInMs);
    tell({ name: outside(), code, reason, retryInMs });
  }

  /**
   * It is over.
   * @param {number} code
   * @param {string} reason
   */
  function stop(code, reason) {
    if (status.name === "closed") return;
    detach();
    over.abort();
    fail(signal?.aborted ? signal.reason : failure(reason));
    tell({ name: "closed", code, reason, comesBack: comesBack(code) });
  }

  /** @param {any} target @param {string} type @param {() => void} func */
  const listen = (target, type, func) => target?.addEventListener?.(type, func, { signal: over.signal });

  listen(globalThis, "online", () => {
    if (socket) return;
    clearTimeout(timer);
    connect();
  });
  listen(globalThis, "offline", () => socket && lost(1006, "offline"));
  listen(signal, "abort", () => stop(1000, "left"));
  // What is over at once tells so when whoever began it can listen.
  if (signal?.aborted) queueMicrotask(() => stop(1000, "left"));
  else connect();

  return {
    /** Settled when it is in the room for the first time, or never will be. */
    entered,
    status: () => status,
    isIn: () => isIn,
    listen,
    stop,
    update,
    /** How much was said that has not left. */
    backlog: () => socket?.bufferedAmount ?? 0,
    /**
     * Says something. Answers whether there is a connection that took it.
     * @param {string} text
     */
    send(text) {
      const isOpen = isIn && socket?.readyState === OPEN;
      if (isOpen) socket?.send(text);
      return isOpen;
    },
  };
}
