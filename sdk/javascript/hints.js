// Why a client has never been in its room, as far as a browser lets that be known. Must not know sockets.

/**
 * What is known: the browser has no network (`offline`), the person has not allowed pages of this site to reach the local network
 * (`permission`), nothing answers at the address (`unreachable`), something there answers too late (`timeout`), or the server is there
 * and does not take this page (`refused`): a wrong path, or an origin that it does not list.
 * @typedef {object} Hint
 * @property {"offline" | "permission" | "unreachable" | "timeout" | "refused"} name
 * @property {string} health The address at which the server says that it is well: a person who opens it sees what the browser sees.
 */

/** How long the server may take to say that it is well, in milliseconds. */
const HEALTH_MS = 5_000;

/** Names and addresses of this machine, and of the network that it is in (RFC 6761, RFC 1918, RFC 3927, RFC 4193, RFC 4291). */
const LOOPBACK = /^(localhost|.+\.localhost|127\..+|\[::1\])$/;
const LOCAL = /^(10\..+|192\.168\..+|172\.(1[6-9]|2\d|3[01])\..+|169\.254\..+|\[f[cde].+\]|.+\.local)$/;

/**
 * Returns the address at which a server says that it is well.
 * @param {string | URL} url Where clients connect to.
 */
export function healthOf(url) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace("ws", "http");
  return new URL("/healthz", address).href;
}

/** Whether the browser keeps this page from an address of the local network. @param {string} host */
async function isForbidden(host) {
  const own = globalThis.location?.hostname ?? "";
  // Pages of the local network need no permission.
  if (LOOPBACK.test(own) || LOCAL.test(own)) return false;
  const name = LOOPBACK.test(host) ? "loopback-network" : "local-network";
  // The older name; a browser rejects one that it does not know.
  for (const known of [name, "local-network-access"]) {
    try {
      const { state } = await navigator.permissions.query(/** @type {any} */ ({ name: known }));
      // A name may lead to the local network too. While the question is open, only a local address tells that it was asked.
      return state === "denied" || (state === "prompt" && (LOOPBACK.test(host) || LOCAL.test(host)));
    } catch {}
  }
  return false;
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
    return { name: (await isForbidden(new URL(health).hostname)) ? "permission" : "unreachable", health };
  }
}
