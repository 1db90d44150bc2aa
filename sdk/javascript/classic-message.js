// Reads and writes the messages of the classic protocol. Must not know sockets or rooms.

/** The values of `status.value`. */
export const Status = Object.freeze({ notConnected: 0, create: 1, join: 2, connected: 3, close: 4 });

/**
 * A message of the server.
 * @typedef {object} Message
 * @property {string} uuid The room, or empty.
 * @property {number} value One of `Status`.
 * @property {string} text The status in words; of a refusal, its reason.
 * @property {string} key The key, or empty.
 * @property {any[]} params The parameters.
 */

/**
 * Returns the messages of one frame. The Go server puts several into one, separated by newlines. JSON strings have no bare newlines, so
 * splitting is safe. A message that cannot be read is dropped and reported to `complain`.
 * @param {unknown} frame
 * @param {(why: string) => void} complain
 * @returns {Message[]}
 */
export function read(frame, complain) {
  if (typeof frame !== "string") {
    complain("a frame that is not text");
    return [];
  }
  const messages = [];
  for (const line of frame.split("\n")) {
    if (line.trim() === "") continue;
    const message = readOne(line);
    if (message) messages.push(message);
    else complain("a message that cannot be read");
  }
  return messages;
}

/**
 * @param {string} line
 * @returns {Message | undefined}
 */
function readOne(line) {
  let found;
  try {
    found = JSON.parse(line);
  } catch {
    return undefined;
  }
  const value = found?.status?.value;
  if (typeof value !== "number") return undefined;
  return {
    uuid: textOf(found.uuid),
    value,
    text: textOf(found.status.text),
    key: textOf(found.funcKey),
    params: Array.isArray(found.funcParams) ? found.funcParams : [],
  };
}

/** @param {unknown} found */
const textOf = (found) => (typeof found === "string" ? found : "");

/**
 * Returns a client's first message, which creates a room if `uuid` is empty, and else joins the room `uuid`.
 * @param {string} uuid
 */
export function first(uuid) {
  return write(uuid, uuid === "" ? Status.create : Status.join, "new connection", "", [], false);
}

/**
 * Returns a message of the owner.
 * @param {string} uuid
 * @param {string} key
 * @param {any[]} params
 * @param {boolean} isState
 */
export function action(uuid, key, params, isState) {
  return write(uuid, Status.connected, "connected", key, params, isState);
}

/**
 * Returns a client's last message; the owner's ends the room.
 * @param {string} uuid
 */
export function last(uuid) {
  return write(uuid, Status.close, "close", "", [], false);
}

/**
 * @param {string} uuid
 * @param {number} value
 * @param {string} text
 * @param {string} funcKey
 * @param {any[]} funcParams
 * @param {boolean} stateMessage
 */
function write(uuid, value, text, funcKey, funcParams, stateMessage) {
  return JSON.stringify({ uuid, status: { value, text }, funcKey, funcParams, stateMessage });
}
