// Which endings are final and which are worth another attempt. Must not know sockets.

/** Refusals of a join that may turn out otherwise in a moment. */
const REFUSED_FOR_NOW = new Set(["unavailable", "room full"]);

/**
 * Whether a client should connect again after a close code.
 * @param {number} code
 */
export function comesBack(code) {
  // The other side or the way to it is gone for now.
  return /^(100[156]|101[1-5]|4[0-4]..)$/.test(`${code}`);
}

/**
 * Whether a client should try to join again after a refusal.
 * @param {string} text
 */
export function isForNow(text) {
  return REFUSED_FOR_NOW.has(text);
}
