// The options of the classic client, and its old form with callbacks. Must not know sockets.

/**
 * A change of the status, which begins as `connecting`. `reconnecting`: the client waits for the next attempt, and is `connecting` again when
 * that begins. `closed` is final. `refused` is no change: the server refused a message, and the connection stays open.
 * @typedef {object} StatusEvent
 * @property {"connecting" | "connected" | "reconnecting" | "refused" | "closed"} status
 * @property {string} reason The reason, of the server or the SDK; empty for `connecting` and `connected`.
 * @property {number} [code] The close code, if a socket was closed.
 * @property {number} [retryInMs] The time until the next attempt, in milliseconds; only of `reconnecting`.
 */

/**
 * The options of the classic client.
 * @typedef {object} Options
 * @property {string} [uuid] The room to join; empty: create a room. Default: the parameter `uuid` of the page's address.
 * @property {boolean | { firstMs?: number, maxMs?: number, random?: () => number }} [reconnect] Whether a viewer reconnects, and the bounds
 *   of its delays in milliseconds. Default true, with 500 and 15 000.
 * @property {number} [connectTimeoutMs] The timeout of an attempt, up to the server's answer, in milliseconds. Default 10 000.
 * @property {boolean | ((line: string) => void)} [debug] Whether to log what happens, to the console or to a function. Default false.
 * @property {new (url: string) => WebSocket} [WebSocket] The class to connect with. Default the global `WebSocket`.
 * @property {(event: StatusEvent) => void} [onStatus] Called with each change of the status.
 * @property {(message: string, error?: unknown) => void} [onError] Called like the constructor's `errorCallback`.
 */

/** The default timeout of an attempt, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Separates the old library's callbacks from the options, which may take the place of any of them.
 * @param {unknown[]} rest The constructor's parameters after the address.
 * @returns {{ callbacks: (Function | undefined)[], options: Options }}
 */
export function separate(rest) {
  const at = rest.findIndex((one) => typeof one === "object" && one !== null);
  const options = at < 0 ? {} : /** @type {Options} */ (rest[at]);
  const before = at < 0 ? rest : rest.slice(0, at);
  return { callbacks: before.map((one) => (typeof one === "function" ? one : undefined)), options };
}
