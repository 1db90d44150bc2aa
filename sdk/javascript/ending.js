// Which endings are final and which are worth another attempt. Must not know sockets.

/** Closes below 4000 after which a client comes back: the other side or the way to it is gone for now. */
const COME_BACK = new Set([1001, 1005, 1006, 1011, 1012, 1013]);

/** Refusals of a join that may turn out otherwise in a moment. */
const REFUSED_FOR_NOW = new Set(["unavailable", "room full"]);

/**
 * Whether a client should connect again after a close code.
 * @param {number} code
 */
export function comesBack(code) {
  return COME_BACK.has(code) || (code >= 4000 && code < 4500);
}

/**
 * Whether a client should try to join again after a refusal.
 * @param {string} text
 */
export function isForNow(text) {
  return REFUSED_FOR_NOW.has(text);
}
