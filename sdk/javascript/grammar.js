// What a server takes, so that nothing reaches the wire that it would count as a mistake. Must not know who says it.

/**
 * What a server takes of one client, as it told it: a limit that is not there is none.
 * @typedef {{ messageBytes?: number, keyBytes?: number, depth?: number, signalBytes?: number, signalsPerSecond?: number }} Limits
 */

/** What every server takes unless it is set otherwise. @type {Limits} */
export const LIMITS = { messageBytes: 65_536, keyBytes: 256, depth: 32, signalBytes: 4_096, signalsPerSecond: 5 };

/** Whether a value is over a limit. @param {number} value @param {number} [limit] */
export const isOver = (value, limit = Infinity) => value > limit;

/** @param {string} text */
export const bytesOf = (text) => new TextEncoder().encode(text).length;

/** How deep JSON is nested. @param {string} text */
function depthOf(text) {
  let depth = 0;
  let most = 0;
  // What stands in strings is no nesting.
  for (const [one] of text.replace(/"(\\.|[^"\\])*"/g, "").matchAll(/[[\]{}]/g)) {
    if (/[[{]/.test(one)) most = Math.max(most, ++depth);
    else depth -= 1;
  }
  return most;
}

/**
 * Returns the text of parameters; `undefined` if they are no array that JSON can hold.
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
 * Returns the code with which a server would refuse a message; nothing if it takes it.
 * @param {any} key @param {string | undefined} params @param {string} text The whole message. @param {Limits} limits
 */
export function wrong(key, params, text, { messageBytes, keyBytes, depth }) {
  // A lone surrogate is no UTF-8.
  const isKey = typeof key === "string" && key && !/\p{Cs}/u.test(key) && !isOver(bytesOf(key), keyBytes);
  if (!isKey || params === undefined) return "bad_message";
  if (isOver(bytesOf(text), messageBytes)) return "too_big";
  if (isOver(depthOf(text), depth)) return "bad_message";
}
