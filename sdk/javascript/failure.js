// Errors with a code, and what a refusal means for the connection. Must not know sockets.

/**
 * An error whose `code` says what happened: a code of PROTOCOL.md, or one of `offline`, `busy`, `timeout`, `too_big`, `closed`.
 * @typedef {Error & { code: string }} Failure
 */

/**
 * @param {string} code
 * @param {string} [message]
 * @returns {Failure}
 */
export const failure = (code, message) => Object.assign(new Error(message || code), { code });

/** The close codes of refused requests; others come back if the server says when, and do not if not. */
const CODES = new Map([
  ["bad_message", 4501],
  ["no_room", 4510],
  ["not_owner", 4507],
  ["unauthorized", 4500],
  ["rate", 4029],
  ["unavailable", 4013],
]);

/**
 * How a connection ended: the code and the word of it, and within which time to come back, where the server said so.
 * @typedef {[code: number, reason: string, retryInMs?: number]} End
 */

/**
 * The end of a connection whose request to enter the room was refused.
 * @param {{ code: string, retryInMs?: number }} refused
 * @returns {End}
 */
export function endOf({ code, retryInMs }) {
  return [CODES.get(code) ?? (retryInMs ? 1013 : 1008), code, retryInMs];
}

/** Names for requests: 64 random bits, so that no two clients have the same, and a count. */
export function ids() {
  const random = crypto.getRandomValues(new Uint32Array(2));
  const prefix = random.reduce((text, part) => text + part.toString(16).padStart(8, "0"), "");
  let count = 0;
  return () => `${prefix}-${++count}`;
}
