// Errors with a code, and what a refusal means for the connection. Must not know sockets.

/**
 * An error whose `code` says what happened: a code of PROTOCOL.md, or one of `offline`, `busy`, `timeout`, `too_big`, `closed`.
 * @typedef {Error & { code: string }} Failure
 */

/**
 * @param {string | undefined} code
 * @param {string} [message]
 * @returns {Failure}
 */
export const failure = (code, message) => /** @type {any} */ (Object.assign(new Error(message || code), { code }));

/** The close codes of refused requests; others come back if the server says when, and do not if not. @type {any} Without a prototype, or `constructor` would be one. */
const CODES = {
  __proto__: null,
  bad_message: 4501,
  no_room: 4510,
  not_owner: 4507,
  unauthorized: 4500,
  rate: 4029,
  unavailable: 4013,
};

/**
 * How a connection ended: the word and the code of it, and in which time not to come back, where the server said so.
 * @typedef {[reason: string, code?: number, retryInMs?: number]} End
 */

/**
 * The end of a connection whose request to enter the room was refused.
 * @param {{ code: string, retryInMs?: number }} refused
 * @returns {End}
 */
export function endOf({ code, retryInMs }) {
  return [code, CODES[code] ?? (retryInMs ? 1013 : 1008), retryInMs];
}

/** The promise, which nobody has to wait for. @template T @param {Promise<T>} promise */
export function quiet(promise) {
  promise.catch(() => {});
  return promise;
}

/** Names for requests: 64 random bits, so that no two clients have the same, and a count. */
export function ids() {
  const prefix = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let count = 0;
  return () => `${prefix}-${++count}`;
}
