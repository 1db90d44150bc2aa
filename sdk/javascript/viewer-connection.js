// A connection for watching a room, which several viewers of the page may share. Must not know the public API of viewers.

import { knownAddressOf } from "./address.js";
import { callSafely } from "./safe-call.js";
import { reconnecting } from "./reconnect.js";
import { isAborted } from "./entering.js";
import { endOf, failure } from "./failure.js";
import { receiver } from "./receiver.js";
import { store, tellChanges } from "./store.js";

/**
 * @typedef {import("./store.js").Message} Message
 * @typedef {ReturnType<typeof begin>} ViewerConnection
 */

/**
 * Notifies one viewer of the page of an event.
 * @typedef {(name: string, ...values: any[]) => void} Emit
 */

/** The connections of this page that may be shared, each with the parameters that must be the same. @type {Map<ViewerConnection, unknown[]>} */
const shared = new Map();

/**
 * Returns a connection to a room: an existing one with the same parameters, or a new one.
 * @param {string | URL} url
 * @param {string} room
 * @param {import("./viewer.js").ViewerOptions} options
 */
export function viewerConnection(url, room, options) {
  const { token, identity, pauseHidden = true, share = true, WebSocket } = options;
  // A viewer that is aborted already ends at once, and shares nothing.
  const isShared = share && !isAborted(options);
  const terms = [knownAddressOf(url), room, token, identity, pauseHidden, share, WebSocket];
  for (const [known, others] of isShared ? shared : []) {
    if (terms.every((term, at) => term === others[at])) return known;
  }
  const mine = begin(url, room, options, () => shared.delete(mine));
  if (isShared) shared.set(mine, terms);
  return mine;
}

/**
 * Opens a new connection.
 * @param {string | URL} url
 * @param {string} room
 * @param {import("./viewer.js").ViewerOptions} options
 * @param {() => void} over Called when it is closed for good.
 */
function begin(url, room, options, over) {
  const { identity, pauseHidden = true, share } = options;
  const name = `rtbroadcaster viewer ${room}`;
  /** @type {any} The viewer's key, which proves that it is the same viewer. */
  let key;
  callSafely(() => takeKey(identity?.getItem(name)));
  /** @type {number | undefined} */
  let number;
  /** @type {{ viewers: number } | undefined} */
  let audience;
  /** @type {import("./validation.js").Limits | undefined} */
  let limits;
  const state = store();
  /** @type {Set<Emit>} */
  const viewers = new Set();

  /** @type {Emit} */
  function emit(...values) {
    // A copy: a viewer that is added meanwhile sees the new state already.
    for (const notify of [...viewers]) notify(...values);
  }

  /** Takes a viewer's key, if it is a valid one. Returns whether it is new. @param {any} value */
  function takeKey(value) {
    const isNew = value !== key && /^[!-~]{1,64}$/.test(value ?? "");
    if (isNew) key = value;
    return isNew;
  }

  /** @param {Message[]} messages @param {boolean} isChanged */
  function pass(messages, isChanged) {
    for (const message of messages) {
      if (message.cleared) emit(`;${message.key}`);
      else emit(`:${message.key}`, ...message.params);
      emit("message", message);
    }
    if (isChanged) tellChanges(emit, messages);
  }

  const received = receiver(state, pass, (reset) => emit("reset", reset));

  const link = reconnecting(url, options, {
    enter: (token) => ({ type: "join", room, cursor: received.cursor(), token, lives: received.lives(), viewer: key }),
    refused: endOf,
    // If the module cannot be loaded, the viewer has a connection of its own.
    ...(share === "tabs" && {
      socket: (Socket, address) => import("./tabs.js").then(({ tabs }) => tabs(Socket, address, room, options, link.again, callSafely), () => Socket),
    }),
    receive(frame) {
      limits = frame.limits ?? limits;
      number = frame.viewer?.number ?? number;
      if (takeKey(frame.viewer?.key)) callSafely(() => identity?.setItem(name, key));
      // A refusal with an id answers a new token.
      if (frame.type === "error" && frame.id === undefined) emit("refused", failure(frame.code, frame.message));
      if (frame.type === "audience") {
        audience = frame;
        emit("audience");
      }
      return received.take(frame);
    },
    size: received.size,
    position: received.position,
    more: received.more,
    cut: received.cut,
    pause: pauseHidden ? received.pause : undefined,
    onStatus(status) {
      emit("status");
      if (status.name === "closed") over();
    },
  }, typeof room === "string" && room ? undefined : "A room is a text.", isAborted(options));

  return {
    state,
    link,
    viewers,
    number: () => number,
    limits: () => limits,
    audience: () => audience,

    /** Leaves the room, for the last viewer. @param {string} reason */
    leave(reason) {
      link.send('{"type":"leave"}');
      link.stop(reason);
    },
  };
}
