// Checks messages against the server's limits before they are sent, so that the server refuses none of them. Must not know sockets.

/**
 * A server's limits for one client, as it sent them. A missing limit means no limit.
 * @typedef {{ messageBytes?: number, keyBytes?: number, depth?: number, signalBytes?: number, signalsPerSecond?: number }} Limits
 */

/** A server's default limits. @type {Limits} */
export const LIMITS = { messageBytes: 65_536, keyBytes: 256, depth: 32, signalBytes: 4_096, signalsPerSecond: 5 };

/** Returns whether a value is over a limit. @param {number} value @param {number} [limit] */
export const isOver = (value, limit = Infinity) => value > limit;

/** Returns the length of a text in bytes of UTF-8. @param {string} text */
export const bytesOf = (text) => new TextEncoder().encode(text).length;

/** Returns how deep a JSON text is nested. @param {string} text */
function depthOf(text) {
  let depth = 0;
  let most = 0;
  // Brackets in strings do not count.
  for (const [one] of text.replace(/"(\\.|[^"\\])*"/g, "").matchAll(/[[\]{}]/g)) {
    if (/[[{]/.test(one)) most = Math.max(most, ++depth);
    else depth -= 1;
  }
  return most;
}

/**
 * Returns the JSON of parameters, or `undefined` if they are not an array that JSON can hold.
 * @param {any} params
 * @returns {string | undefined}
 */
export function textOf(params) {
  try {
    const text = JSON.stringify(params);
    if (text[0] === "[") return text;
  } catch {}
}

/**
 * Returns the code with which a server would refuse a message, or `undefined` if it would accept it.
 * @param {any} key @param {string | undefined} params @param {string} text The whole message. @param {Limits} limits
 */
export function refusalCode(key, params, text, { messageBytes, keyBytes, depth }) {
  // UTF-8 has no lone surrogates.
  const isKey = typeof key === "string" && key && !/\p{Cs}/u.test(key) && !isOver(bytesOf(key), keyBytes);
  if (!isKey || params === undefined) return "bad_message";
  if (isOver(bytesOf(text), messageBytes)) return "too_big";
  if (isOver(depthOf(text), depth)) return "bad_message";
}
