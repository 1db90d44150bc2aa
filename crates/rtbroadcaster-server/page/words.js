// Where a window stands, in words. Must not know the page.

import { hint } from "/sdk/hints.js";

/** @typedef {import("/sdk/index.js").Status} Status */

/**
 * What the page shows of a status: how it looks, a few words, more words, and what the person may do.
 * @typedef {object} Standing
 * @property {"live" | "waiting" | "checking" | "lost" | "away" | "elsewhere"} look
 * @property {string} pill
 * @property {string} [banner]
 * @property {string} [action] What the button says, if there is one.
 * @property {number} [retryAt] When the next attempt begins, as `Date.now()` counts.
 */

/** How a person reads a time of day. @param {number} at */
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** @type {Record<string, string>} */
const UNREACHED = {
  offline: "This device has no network.",
  permission: "The browser does not let this page reach the local network. Allow it in the site's settings, beside the address.",
  unreachable: "Nothing answers at the server's address. Is it running, and is this device in its network?",
  timeout: "The server is there but does not answer in time.",
  refused: "The server is there but does not take this page: it may not list the page's address, or be full.",
};

/**
 * Returns the words for a status.
 * @param {Status} status
 * @param {string} live What is said while all is well.
 * @param {boolean} isOwner
 * @returns {Standing}
 */
export function standing({ name, reason, retryInMs, since, reset, how }, live, isOwner) {
  const retryAt = retryInMs === undefined ? undefined : Date.now() + retryInMs;
  switch (name) {
    case "live":
      return { look: "live", pill: live, banner: note(reset, how, isOwner) };
    case "away":
      return {
        look: "away",
        pill: "The presenter is away…",
        banner: since ? `The presenter's connection is gone since ${clock(since)}. This window shows what was said before.` : "This window shows what was said before the presenter's connection was lost.",
      };
    case "checking":
      return { look: "checking", pill: "Checking the connection…", banner: "The server has not answered yet. What you see may be old." };
    case "elsewhere":
      return { look: "elsewhere", pill: "Another window presents", banner: "Another window presents in this room.", action: "Present here" };
    case "lagging":
      return { look: "waiting", pill: "Catching up…" };
    case "connecting":
      return reason ? { look: "lost", pill: reason === "room_full" ? "Waiting for a place…" : "No answer yet, trying again…", retryAt, action: "Try now" } : { look: "waiting", pill: isOwner ? "Opening a room…" : "Joining…" };
    case "resuming":
      if (!reason) return { look: "waiting", pill: "Catching up…" };
      return {
        look: "lost",
        pill: "Connection lost, coming back…",
        banner: isOwner ? "The connection is lost. Nobody sees what you do until it is back." : "The connection is lost. What you see is old.",
        retryAt,
        action: "Try now",
      };
    default:
      return { look: "waiting", pill: "" };
  }
}

/** What a person should know who is back. @param {string} [reset] @param {string} [how] @param {boolean} [isOwner] */
function note(reset, how, isOwner) {
  if (reset && isOwner) return "The server has lost messages that it had confirmed. Look at what your viewers see.";
  if (reset) return "You were away for too long to get everything that was said. What you see is up to date.";
  if (how === "replaced") return "Your former room is over. This is a new one, with a new link.";
  return undefined;
}

/**
 * Returns why this window has never been in its room, as far as that can be known.
 * @param {string} path Where the server's WebSocket is.
 * @param {Status} status
 */
export async function unreached(path, status) {
  const { name, health } = await hint(path, status);
  return `${UNREACHED[name]} ${name === "offline" ? "" : `To look for yourself, open ${health}`}`.trim();
}
