// Decides which closes and refusals are final. Must not know sockets.

/** The classic server's refusals that are temporary. */
const REFUSED_FOR_NOW = new Set(["unavailable", "room full"]);

/**
 * Returns whether a client reconnects after a close code.
 * @param {number} code
 */
export function comesBack(code) {
  // The codes of PROTOCOL.md section 4 after which the server or the network may be back soon.
  return /^(100[156]|101[1-5]|4[0-4]..)$/.test(`${code}`);
}

/**
 * Returns whether a client tries to join again after a refusal of the classic protocol.
 * @param {string} text
 */
export function isTemporary(text) {
  return REFUSED_FOR_NOW.has(text);
}
