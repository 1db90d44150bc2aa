// The library's errors, and the close codes that refusals stand for. Must not know sockets.

/**
 * The code of an error: one of PROTOCOL.md, or one of `aborted`, `bad_argument`, `busy`, `closed`, `left`, `lost`, `offline`, `silent`,
 * `size`, `timeout`, `token`. A newer server may send others.
 * @typedef {"aborted" | "bad_argument" | "bad_message" | "busy" | "closed" | "fenced" | "id_reused" | "in_use" | "left" | "lost" | "no_room"
 *   | "not_owner" | "offline" | "protocol" | "rate" | "room_closed" | "room_full" | "room_limit" | "silent" | "size" | "state_full" | "timeout"
 *   | "token" | "too_big" | "unauthorized" | "unavailable" | (string & {})} ErrorCode
 */

/** The default message of each code. Without a prototype, or `constructor` would be a code. @type {Record<string, string>} */
const SENTENCES = {
  // @ts-expect-error Not a message.
  __proto__: null,
  aborted: "The program aborted it.",
  bad_message: "No server takes such a key, or such parameters.",
  busy: "Too much is waiting already.",
  closed: "The connection is closed.",
  fenced: "Another window or device owns the room now.",
  in_use: "Another window owns the room.",
  left: "This end has left the room.",
  lost: "The connection is lost.",
  no_room: "There is no such room, or it has ended.",
  offline: "There is no connection.",
  protocol: "The server does not speak version 2.",
  rate: "That is more than may be sent in a second.",
  room_closed: "The room has ended.",
  silent: "The server is silent.",
  size: "The server sent more than a client holds.",
  timeout: "There was no answer in time.",
  token: "There is no token.",
  too_big: "It is larger than the server takes.",
};

/** The codes after which a retry makes sense. */
const FOR_NOW = /^(busy|lost|offline|rate|room_full|room_limit|silent|timeout|token|unavailable)$/;

/** An error of this library. Every promise that the library rejects is rejected with one. */
export class RtbError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {{ message?: string, comesBack?: boolean, cause?: unknown }} [more]
   */
  constructor(code, { message, comesBack = FOR_NOW.test(code), cause } = {}) {
    super(message || SENTENCES[code] || `The server says ${code}.`, cause === undefined ? undefined : { cause });
    this.name = "RtbError";
    /** The code of the error. */
    this.code = code;
    /** Whether a retry makes sense. */
    this.comesBack = comesBack;
  }
}

/** @param {ErrorCode | undefined} code @param {string} [message] */
export const failure = (code, message) => new RtbError(code ?? "closed", { message });

/** @param {string} message */
export const badArgument = (message) => failure("bad_argument", message);

/** Returns the error of a call that a signal aborted: `timeout` for `AbortSignal.timeout`, else `aborted`. @param {AbortSignal} [signal] */
export const aborted = (signal) =>
  new RtbError(signal?.reason?.name === "TimeoutError" ? "timeout" : "aborted", { cause: signal?.reason });

/** The close codes of refused requests. Other refusals are temporary only if they have a `retryInMs`. @type {any} As above. */
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
 * The end of a connection: its reason and code, and the server's shortest delay before a retry and its message, if it sent them.
 * @typedef {[reason: string, code?: number, retryInMs?: number, message?: string]} End
 */

/**
 * Returns the end of a connection whose request to enter the room was refused.
 * @param {{ code: string, retryInMs?: number, message?: string }} refused
 * @returns {End}
 */
export function endOf({ code, retryInMs, message }) {
  return [code, CODES[code] ?? (retryInMs ? 1013 : 1008), retryInMs, message];
}

/** Returns the promise, whose rejection is no unhandled rejection any more. @template T @param {Promise<T>} promise */
export function quiet(promise) {
  promise.catch(() => {});
  return promise;
}
