// Why a client has never been in its room, as far as a browser lets that be known. Must not know sockets.

/**
 * What is known: the browser has no network (`offline`), nothing answers at the address (`unreachable`), something there answers
 * too late (`timeout`), or the server is there and does not take this page (`refused`): a wrong path, or an origin that it does
 * not list. A page of the network may also need the browser's permission; then it is `unreachable`, and the person who opens
 * `health` in a window sees why.
 * @typedef {object} Hint
 * @property {"offline" | "unreachable" | "timeout" | "refused"} name
 * @property {string} health The address at which the server says that it is well.
 */

/** How long the server may take to say that it is well, in milliseconds. */
const HEALTH_MS = 5_000;

/**
 * Returns the address at which a server says that it is well.
 * @param {string | URL} url Where clients connect to.
 */
export function healthOf(url) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace("ws", "http");
  return new URL("/healthz", address).href;
}

/**
 * Asks why there is no connection. Never rejects.
 * @param {string | URL} url
 * @param {{ reason?: string }} status That of a client which is `connecting`, and has a reason.
 * @returns {Promise<Hint>}
 */
export async function hint(url, { reason }) {
  const health = healthOf(url);
  if (globalThis.navigator?.onLine === false) return { name: "offline", health };
  try {
    // Whatever it says: something is there. Its words are for pages that it lists.
    await fetch(health, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(HEALTH_MS) });
    return { name: reason === "silent" ? "timeout" : "refused", health };
  } catch {
    return { name: "unreachable", health };
  }
}
