// Finds out why a client cannot connect, as far as browsers allow. Must not know sockets.

/**
 * A hint. `name` is one of:
 *
 * - `offline`: the browser has no network
 * - `permission`: the browser blocks the local network for this site until the user allows it
 * - `unreachable`: no server answers at the address
 * - `timeout`: a server answers too late
 * - `refused`: the server answers and refuses this page: a wrong path, or an origin that it does not list
 *
 * @typedef {object} Hint
 * @property {"offline" | "permission" | "unreachable" | "timeout" | "refused"} name
 * @property {string} health The address of the server's health check, for the user to open in the browser.
 */

/** The timeout of the health check, in milliseconds. */
const HEALTH_MS = 5_000;

/** Names and addresses of this machine and of its local network (RFC 6761, RFC 1918, RFC 3927, RFC 4193, RFC 4291). */
const LOOPBACK = /^(localhost|.+\.localhost|127\..+|\[::1\])$/;
const LOCAL = /^(10\..+|192\.168\..+|172\.(1[6-9]|2\d|3[01])\..+|169\.254\..+|\[f[cde].+\]|.+\.local)$/;

/**
 * Returns the address of a server's health check.
 * @param {string | URL} url The address that clients connect to.
 */
export function healthOf(url) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace("ws", "http");
  return new URL("/healthz", address).href;
}

/** Returns whether the browser blocks an address of the local network for this page. @param {string} host */
async function isForbidden(host) {
  const own = globalThis.location?.hostname ?? "";
  // Pages of the local network need no permission.
  if (LOOPBACK.test(own) || LOCAL.test(own)) return false;
  const name = LOOPBACK.test(host) ? "loopback-network" : "local-network";
  // The second name is the older one; a browser rejects a name that it does not know.
  for (const known of [name, "local-network-access"]) {
    try {
      const { state } = await navigator.permissions.query(/** @type {any} */ ({ name: known }));
      // A host name may resolve to a local address too. In the state `prompt` only a local address is certain to need the permission.
      return state === "denied" || (state === "prompt" && (LOOPBACK.test(host) || LOCAL.test(host)));
    } catch {}
  }
  return false;
}

/**
 * Finds out why a client cannot connect: requests the server's health check, with a timeout of 5 s. Never rejects if `url` is valid.
 * @param {string | URL} url The address that the client connects to.
 * @param {{ reason?: string }} status The status of the client, which is `connecting` and has a reason.
 * @returns {Promise<Hint>}
 */
export async function hint(url, { reason }) {
  const health = healthOf(url);
  if (globalThis.navigator?.onLine === false) return { name: "offline", health };
  try {
    // Any answer proves that a server is there; only origins that it lists may read the answer.
    await fetch(health, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(HEALTH_MS) });
    return { name: reason === "silent" ? "timeout" : "refused", health };
  } catch {
    return { name: (await isForbidden(new URL(health).hostname)) ? "permission" : "unreachable", health };
  }
}
