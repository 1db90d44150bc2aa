// The way from an address to a socket: what the program got wrong, what is loaded and asked before. Must not know what is said.

import { knownAddressOf } from "./address.js";
import { uncaught } from "./attempt.js";
import { loaded } from "./later.js";
import { isTime } from "./limits.js";

/**
 * What both ends may be told.
 * @typedef {object} Options
 * @property {AbortSignal} [signal] Ends the wait for the room. Once the end is in, it means nothing.
 * @property {AbortSignal} [lifetime] Ends it whenever it aborts, as `leave()` does.
 * @property {string | (() => string | Promise<string>)} [token] What the server asks for. A function is asked before each connection,
 *   and when the server says that the token expires.
 * @property {false | { firstMs?: number, maxMs?: number, random?: () => number }} [reconnect] False: a lost connection stays lost
 *   until `reconnect()` is called. Else the bounds of the delays; 500 and 15 000.
 * @property {number} [answerTimeoutMs] How long the server may take to answer, and for each message of a state or catch-up that
 *   it announced. Default 10 000; `Infinity` for ever. It doubles with each attempt that was not answered in time, up to 16 times.
 * @property {boolean | "status" | "frames" | "contents" | ((line: string) => void) | { level?: "status" | "frames" | "contents", log: (line: string) => void }} [debug]
 *   Tells each status, to the console or to a function; with `frames` the kind and length of each frame too, with `contents` all of it.
 * @property {new (url: string, protocol: string) => WebSocket} [WebSocket] Instead of the global one.
 */

/** The subprotocol of version 2. */
const PROTOCOL = "rtbroadcaster.v2";

/**
 * Returns what opens the sockets of one end.
 * @param {string | URL} url
 * @param {Options} options
 * @param {(WebSocket: any, address: string) => Promise<any>} [replace] Returns what connects instead of this class.
 */
export function dialer(url, { debug, token, reconnect, answerTimeoutMs = 1, WebSocket: Socket = globalThis.WebSocket }, replace) {
  const { firstMs = 1, maxMs = 1 } = reconnect || {};
  const address = knownAddressOf(url);
  const isAsked = typeof token === "function";
  /** A function until it was asked, which no text has. */
  let secret = token;
  // Without that file nothing is told, and there is a connection all the same.
  /** @type {any} */
  const lines = debug && Promise.resolve(loaded?.debug ?? import("./debug.js")).then((debugs) => debugs.lines(debug, uncaught), () => {});
  /** Whether the class is what it should be. Only who wants to see frames waits for the lines. */
  let isReady = !(replace || typeof debug === "string" || Object(debug).level);

  /** Asks for a token, if a function knows it. */
  const renew = async () => (isAsked ? (secret = await token()) : undefined);

  async function prepare() {
    if (!isReady) {
      Socket = (await replace?.(Socket, address)) ?? Socket;
      Socket = (await lines)?.logged(Socket) ?? Socket;
      isReady = true;
    }
    await renew();
  }

  return {
    /** @type {string | undefined} What the program got wrong. */
    wrong:
      !address ? "The address is none."
      : !Socket ? "No WebSocket: hand one in."
      : ![firstMs, maxMs, answerTimeoutMs].every(isTime) ? "Times are above 0."
      : undefined,
    /** Tells a status, where that is wanted. @param {object} status */
    log: (status) => lines?.then((/** @type {any} */ lines) => lines?.say(JSON.stringify(status))),
    renew,
    token: () => /** @type {string | undefined} */ (secret),
    /** Returns a promise of what has to be there before there may be a socket; nothing if all of it is. */
    prepare: () => (isReady && !isAsked ? undefined : prepare()),
    /** Throws where the browser allows no such connection. */
    open: () => new Socket(address, PROTOCOL),
    /** Whether the server speaks version 2. @param {any} socket */
    isOurs: (socket) => socket.protocol === PROTOCOL,
  };
}
