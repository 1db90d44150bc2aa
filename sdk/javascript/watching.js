// One connection of a page to a room that it watches, and everybody in the page who shares it. Must not know what a program sees
// of it.

import { knownAddressOf } from "./address.js";
import { attempt } from "./attempt.js";
import { course } from "./course.js";
import { isAborted } from "./entering.js";
import { endOf, failure } from "./failure.js";
import { reception } from "./reception.js";
import { store, tellChanges } from "./store.js";

/**
 * @typedef {import("./store.js").Message} Message
 * @typedef {ReturnType<typeof begin>} Watching
 */

/**
 * Somebody in the page who watches: hears what happens.
 * @typedef {(name: string, ...values: any[]) => void} Seat
 */

/** What is watched in this page and may be shared, with the terms that must be the same. @type {Map<Watching, unknown[]>} */
const shared = new Map();

/**
 * Returns the watching of a room: one that is there with the same terms, or a new one.
 * @param {string | URL} url
 * @param {string} room
 * @param {import("./viewer.js").ViewerOptions} options
 */
export function watching(url, room, options) {
  const { token, identity, pauseHidden = true, share = true, WebSocket } = options;
  // Nobody shares what ends at once.
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
 * @param {string | URL} url
 * @param {string} room
 * @param {import("./viewer.js").ViewerOptions} options
 * @param {() => void} over
 */
function begin(url, room, options, over) {
  const { identity, pauseHidden = true, share } = options;
  const name = `rtbroadcaster viewer ${room}`;
  /** @type {any} What proves that this viewer is the same one. */
  let key;
  attempt(() => know(identity?.getItem(name)));
  /** @type {number | undefined} */
  let number;
  /** @type {{ viewers: number } | undefined} */
  let audience;
  /** @type {import("./grammar.js").Limits | undefined} */
  let limits;
  const state = store();
  /** @type {Set<Seat>} */
  const seats = new Set();

  /** @type {Seat} */
  function emit(...values) {
    // A copy: who comes meanwhile sees what holds already.
    for (const seat of [...seats]) seat(...values);
  }

  /** Takes a key that can be one, whatever a storage holds. Returns whether it is new. @param {any} told */
  function know(told) {
    const isNew = told !== key && /^[!-~]{1,64}$/.test(told ?? "");
    if (isNew) key = told;
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

  const received = reception(state, pass, (reset) => emit("reset", reset));

  const way = course(url, options, {
    enter: (token) => ({ type: "join", room, cursor: received.cursor(), token, lives: received.lives(), viewer: key }),
    refused: endOf,
    // Without that file there is a connection all the same.
    ...(share === "tabs" && {
      socket: (Socket, address) => import("./tabs.js").then(({ tabs }) => tabs(Socket, address, room, options, way.again, attempt), () => Socket),
    }),
    hear(frame) {
      limits = frame.limits ?? limits;
      number = frame.viewer?.number ?? number;
      if (know(frame.viewer?.key)) attempt(() => identity?.setItem(name, key));
      // A refusal with an id is that of a newer token.
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
    tell(status) {
      emit("status");
      if (status.name === "closed") over();
    },
  }, typeof room === "string" && room ? undefined : "A room is a text.", isAborted(options));

  return {
    state,
    way,
    seats,
    number: () => number,
    limits: () => limits,
    audience: () => audience,

    /** The last one goes. @param {string} reason */
    leave(reason) {
      way.send('{"type":"leave"}');
      way.stop(reason);
    },
  };
}
