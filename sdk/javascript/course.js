// The way of one end over many connections: into the room, out of it, and back. Must not know which end it is.

import { addressOf } from "./address.js";
import { backoff } from "./backoff.js";
import { comesBack } from "./ending.js";
import { failure, ids, quiet } from "./failure.js";
import { read } from "./frame.js";
import { BACKLOG_BYTES_MAX, later, STATE_BYTES_MAX } from "./limits.js";

/**
 * Where an end stands. `code` and `reason` tell how the last connection ended.
 *
 * - `connecting`: not in the room yet
 * - `live`: everything that was said is here
 * - `away`: the same, but the owner is away
 * - `lagging`: in the room, but newer values may not have come
 * - `resuming`: the connection was lost, or what was missed is just coming
 * - `closed`: over; `comesBack` says whether it would be worth another try. With 1009 and `size` the server sent more state, or a
 *   larger frame, than a client holds
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
 * @property {number} [answerTimeoutMs] How long the server may take to answer, and for each message of a state or catch-up that
 *   it announced. Default 10 000.
 * @property {boolean | ((line: string) => void)} [debug] Says what happens, to the console or to a function.
 * @property {new (url: string, protocol: string) => WebSocket} [WebSocket] Instead of the global one.
 */

/**
 * What the two ends do differently.
 * @typedef {object} Part
 * @property {() => object} enter The request that enters the room, on a new connection. Its `id` is ours.
 * @property {(frame: any) => import("./failure.js").End | void} refused Takes the refusal of a request with an `id` of ours. An
 *   answer ends the connection; without one `enter` is asked again.
 * @property {(frame: any) => string | void} hear Takes any other frame. A word ends the connection.
 * @property {() => number} size How much it holds of what the server said.
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
  const { signal, debug, reconnect, answerTimeoutMs = 10_000, WebSocket: Socket = globalThis.WebSocket } = options;
  const address = addressOf(url);
  if (!Socket) throw new Error("there is no WebSocket here");
  const { connected, next: delay } = backoff(reconnect);
  const nextId = ids();
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
  /** No attempt begins before this, whatever else happens. */
  let moment = 0;
  let aliveMs = 0;
  let isIn = false;
  /** @type {unknown} The request that the server owes an answer; nothing equals it if there is none. */
  let asked = NaN;
  /** @type {(value?: any) => void} */
  let enter;
  /** @type {(error: any) => void} */
  let fail;
  // Whoever does not wait for it sees the status.
  const entered = quiet(new Promise((resolve, reject) => ([enter, fail] = [resolve, reject])));

  /** @param {Status} next */
  function tell(next) {
    status = Object.freeze(next);
    if (debug) (debug === true ? console.debug : debug)(`rtbroadcaster: ${JSON.stringify(status)}`);
    part.tell(status);
  }

  /** @param {number} ms */
  function arm(ms) {
    clearTimeout(timer);
    if (ms > 0) timer = later(() => lost("silent"), ms);
  }

  function connect() {
    const mine = (socket = new Socket(address, PROTOCOL));
    arm(answerTimeoutMs);
    mine.onopen = () => (mine.protocol === PROTOCOL ? begin() : stop("protocol", 1002));
    mine.onmessage = ({ data }) => hear(data);
    mine.onclose = ({ code, reason }) => lost(reason || "lost", code);
    // A close always follows and tells more. It stays, since closing before the handshake is done is an error to some sockets.
    mine.onerror = () => {};
  }

  /** @param {string} text */
  function hear(text) {
    const mine = socket;
    if (part.size() + text.length > STATE_BYTES_MAX) return lost("size", 1009);
    const frame = read(text);
    const isAnswer = frame?.id === asked;
    if (!frame || (!isAnswer && /^(created|owned|joined)$/.test(frame.type))) return lost("protocol");
    if (isAnswer) {
      asked = NaN;
      if (frame.type === "error") {
        const end = part.refused(frame);
        return end ? lost(...end) : begin();
      }
    }
    const { reconnectInMs } = frame;
    ({ aliveMs = aliveMs } = frame);
    if (reconnectInMs >= 0) {
      clearTimeout(drain);
      moment = now() + reconnectInMs;
      drain = later(() => lost("moment"), reconnectInMs);
    }
    const word = part.hear(frame);
    // A listener may have ended it.
    if (socket !== mine) return;
    if (word) lost(word);
    else update(isAnswer || (frame.type === "message" && frame.seq));
  }

  /** Looks anew where it stands. @param {unknown} isStep Whether it comes closer to being in: else the deadline stays. */
  function update(isStep) {
    const name = /** @type {Status["name"]} */ (part.position());
    if (name || isStep) arm(name ? 2 * aliveMs : answerTimeoutMs);
    if (name && !isIn) {
      isIn = true;
      connected(now());
    }
    const next = name || outside();
    if (next !== status.name) tell({ name: next });
    if (name) enter();
  }

  const outside = () => (status.name === "connecting" ? status.name : "resuming");

  /** The text of a request that will be answered. @param {object} request */
  const named = (request) => JSON.stringify({ type: "", id: (asked = nextId()), ...request });

  const begin = () => socket?.send(named(part.enter()));

  /** Lets go of the socket and the timers; none calls us again. */
  function detach() {
    clearTimeout(timer);
    clearTimeout(drain);
    const mine = socket;
    socket = undefined;
    isIn = false;
    if (!mine) return;
    mine.onopen = mine.onmessage = mine.onclose = null;
    mine.close(1000);
  }

  /**
   * The connection is gone, or is given up.
   * @param {string} reason
   * @param {number} [code]
   * @param {number} [told] How long the server wants not to be asked.
   */
  function lost(reason, code = 1006, told = 0) {
    detach();
    part.cut();
    if (!comesBack(code)) return stop(reason, code);
    const time = now();
    moment = Math.max(moment, time + told);
    // Whatever a server tells, the delays double as they do behind one that tells nothing.
    const retryInMs = Math.max(moment - time, told + delay(time));
    timer = later(connect, retryInMs);
    tell({ name: outside(), code, reason, retryInMs });
  }

  /**
   * It is over.
   * @param {string} [reason]
   * @param {number} [code]
   */
  function stop(reason = "left", code = 1000) {
    if (status.name === "closed") return;
    detach();
    over.abort();
    fail(signal?.aborted ? signal.reason : failure(reason));
    tell({ name: "closed", code, reason, comesBack: comesBack(code) });
  }

  /**
   * Says something. Answers whether there is a connection that took it.
   * @param {string} text
   */
  function send(text) {
    const takes = backlog() < BACKLOG_BYTES_MAX && socket?.readyState === OPEN;
    if (takes) socket?.send(text);
    return takes;
  }

  /** How much was said that has not left; infinite without a connection. */
  const backlog = () => (isIn ? (socket?.bufferedAmount ?? 0) : Infinity);

  /** @param {any} target @param {string} type @param {() => void} func */
  const listen = (target, type, func) => target?.addEventListener?.(type, func, { signal: over.signal });

  listen(globalThis, "online", () => {
    if (socket || now() < moment) return;
    clearTimeout(timer);
    connect();
  });
  listen(globalThis, "offline", () => socket && lost("offline"));
  listen(signal, "abort", () => stop());
  // What is over at once tells so when whoever began it can listen.
  if (signal?.aborted) queueMicrotask(() => stop());
  else connect();

  return {
    /** Settled when it is in the room for the first time, or never will be. */
    entered,
    status: () => status,
    listen,
    stop,
    update,
    backlog,
    send,
    /** Asks something; the answer is heard, or it is `refused`. @param {object} request */
    ask: (request) => send(named(request)),
  };
}
