// The classic protocol's messages: text from and to the server. Must not know sockets or rooms.

/** The values of `status.value`. */
export const Status = Object.freeze({ notConnected: 0, create: 1, join: 2, connected: 3, close: 4 });

/**
 * What the server says in one message.
 * @typedef {object} Message
 * @property {string} uuid The room, or empty.
 * @property {number} value One of `Status`.
 * @property {string} text The status in words; of a refusal, why.
 * @property {string} key What to call, or empty.
 * @property {any[]} params What to call it with.
 */

/**
 * The messages of one frame. The Go server puts several into one, separated by newlines; no JSON holds a bare newline
 * inside of a string, so splitting is safe. What cannot be read is passed over and told to `complain`.
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
 * A client's first message: it creates a room, or joins the one that `uuid` names.
 * @param {string} uuid
 */
export function first(uuid) {
  return write(uuid, uuid === "" ? Status.create : Status.join, "new connection", "", [], false);
}

/**
 * A message of the owner.
 * @param {string} uuid
 * @param {string} key
 * @param {any[]} params
 * @param {boolean} isState
 */
export function action(uuid, key, params, isState) {
  return write(uuid, Status.connected, "connected", key, params, isState);
}

/**
 * A client's last message; the owner's ends the room.
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
