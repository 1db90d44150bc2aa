// Returns the texts for the status of a window. Must not know the page.

import { hint } from "/sdk/hints.js";

/** @typedef {import("/sdk/index.js").Status} Status */

/**
 * The display of a status: its look, a short text, a longer text, and an action.
 * @typedef {object} Standing
 * @property {"live" | "waiting" | "checking" | "lost" | "away" | "elsewhere"} look
 * @property {string} pill
 * @property {string} [banner]
 * @property {string} [action] The label of the button, if there is one.
 * @property {number} [retryAt] The time of the next attempt, in the clock of `Date.now()`.
 */

/** Returns a time of day as text. @param {number} at */
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
 * @param {string} live The text while the connection is live.
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

/** Returns a note for a person after a reconnect. @param {string} [reset] @param {string} [how] @param {boolean} [isOwner] */
function note(reset, how, isOwner) {
  if (reset && isOwner) return "The server has lost messages that it had confirmed. Look at what your viewers see.";
  if (reset) return "You were away for too long to get everything that was said. What you see is up to date.";
  if (how === "replaced") return "Your former room is over. This is a new one, with a new link.";
  return undefined;
}

/**
 * Returns why this window could not enter its room, as far as that can be known.
 * @param {string} path Where the server's WebSocket is.
 * @param {Status} status
 */
export async function unreached(path, status) {
  const { name, health } = await hint(path, status);
  return `${UNREACHED[name]} ${name === "offline" ? "" : `To look for yourself, open ${health}`}`.trim();
}
