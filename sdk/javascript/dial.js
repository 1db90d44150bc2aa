// Opens sockets: checks the options, gets a token and loads modules before. Must not know the contents of frames.

import { knownAddressOf } from "./address.js";
import { uncaught } from "./safe-call.js";
import { loaded } from "./lazy.js";
import { isTime } from "./limits.js";

/**
 * The options of owners and viewers.
 * @typedef {object} Options
 * @property {AbortSignal} [signal] Aborts the wait for the room. It has no effect after the client has entered the room.
 * @property {AbortSignal} [lifetime] Leaves the room whenever it aborts, like `leave()`.
 * @property {string | (() => string | Promise<string>)} [token] The token, for servers that require one. A function is called before each
 *   connection, and when the server announces that the token expires.
 * @property {false | { firstMs?: number, maxMs?: number, random?: () => number }} [reconnect] The bounds of the delays between attempts, in
 *   milliseconds. Default 500 and 15 000. `false`: do not reconnect before `reconnect()` is called.
 * @property {number} [answerTimeoutMs] The timeout for the server's answer, and for each message of a state or replay that it announced,
 *   in milliseconds. Default 10 000; `Infinity`: no timeout. It doubles with each attempt that times out, up to 16 times.
 * @property {boolean | "status" | "frames" | "contents" | ((line: string) => void) | { level?: "status" | "frames" | "contents", log: (line: string) => void }} [debug]
 *   Logs each status, to the console or to a function. `frames` also logs the type and length of each frame, `contents` all of it.
 * @property {new (url: string, protocol: string) => WebSocket} [WebSocket] The class to connect with. Default the global `WebSocket`.
 */

/** The subprotocol of version 2. */
const PROTOCOL = "rtbroadcaster.v2";

/**
 * Returns the dialer of one client, which opens its sockets.
 * @param {string | URL} url
 * @param {Options} options
 * @param {(WebSocket: any, address: string) => Promise<any>} [replace] Returns the class to connect with instead of this one.
 */
export function dialer(url, { debug, token, reconnect, answerTimeoutMs = 1, WebSocket: Socket = globalThis.WebSocket }, replace) {
  const { firstMs = 1, maxMs = 1 } = reconnect || {};
  const address = knownAddressOf(url);
  const isAsked = typeof token === "function";
  /** The token; the program's function until it was called for the first time. */
  let secret = token;
  // If the module cannot be loaded, nothing is logged; the client connects all the same.
  /** @type {any} */
  const lines = debug && Promise.resolve(loaded?.debug ?? import("./debug.js")).then((debugs) => debugs.lines(debug, uncaught), () => {});
  /** Whether `Socket` is the final class. A connection waits for the log module only if it is to log frames. */
  let isReady = !(replace || typeof debug === "string" || Object(debug).level);

  /** Calls the program's `token` function, if there is one, and returns the new token. */
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
    /** @type {string | undefined} The program's mistake, as a sentence. */
    mistake:
      !address ? "The address is none."
      : !Socket ? "No WebSocket: hand one in."
      : ![firstMs, maxMs, answerTimeoutMs].every(isTime) ? "Times are above 0."
      : undefined,
    /** Logs a status, if `debug` is set. @param {object} status */
    log: (status) => lines?.then((/** @type {any} */ lines) => lines?.say(JSON.stringify(status))),
    renew,
    token: () => /** @type {string | undefined} */ (secret),
    /** Returns a promise that resolves when a socket may be opened; `undefined` if one may be opened now. */
    prepare: () => (isReady && !isAsked ? undefined : prepare()),
    /** Opens a socket. Throws if the browser does not allow the connection. */
    open: () => new Socket(address, PROTOCOL),
    /** Returns whether the server chose version 2. @param {any} socket */
    isOurs: (socket) => socket.protocol === PROTOCOL,
  };
}
