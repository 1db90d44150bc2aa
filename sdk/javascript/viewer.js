// A viewer: watches a room and comes back to it by itself. Must not know how its owner speaks.

/// <reference lib="esnext.disposable" preserve="true" />

import { ears, valueOf } from "./ears.js";
import { entering } from "./entering.js";
import { failure, quiet } from "./failure.js";
import { load, loaded, soon } from "./later.js";
import { watching } from "./watching.js";

export { RtbError } from "./failure.js";

/**
 * @typedef {import("./dial.js").Options} Options
 * @typedef {import("./status.js").Stats} Stats
 * @typedef {import("./ears.js").ListenOptions} ListenOptions
 * @typedef {import("./failure.js").ErrorCode} ErrorCode
 * @typedef {import("./messages.js").AnyMessages} AnyMessages
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./store.js").Message} Message
 */

/**
 * @template T
 * @template [N=T]
 * @typedef {import("./ears.js").Value<T, N>} Value
 */

/**
 * @template S
 * @typedef {import("./store.js").State<S>} State
 */

/**
 * @template [M=AnyMessages]
 * @typedef {import("./messages.js").MessageOf<M>} MessageOf
 */

/**
 * What may be given when a program begins to listen to a key.
 * @typedef {ListenOptions & { cleared?: () => void }} KeyOptions `cleared`: called when the key holds nothing any more, since it was
 *   cleared or is gone behind a reset.
 */

/**
 * What happens in a room besides the messages of its keys.
 * @template [M=AnyMessages]
 * @typedef {object} ViewerEvents
 * @property {(message: MessageOf<M>) => void} message Each message, first what holds.
 * @property {(reset: { reason: string }) => void} reset Events may be lost; the state is whole.
 * @property {(error: import("./failure.js").RtbError) => void} refused The server did not pass a signal on.
 */

/**
 * @typedef {Options & {
 *   pauseHidden?: boolean,
 *   identity?: Pick<Storage, "getItem" | "setItem">,
 *   share?: boolean | "tabs",
 * }} ViewerOptions `pauseHidden`: whether a page that nobody sees gets nothing until it is shown. Default true. `identity`: keeps
 *   who this viewer is for the server, such as `localStorage`, so that it is the same one after a reload and in another tab. `share`:
 *   whether all who watch the room in this page in the same way have one connection. Default true; with `tabs` all pages of a browser.
 */

/**
 * @template M
 * @typedef {object} ViewerMembers
 * @property {string} id The room.
 * @property {number | undefined} number Which viewer this one is for the owner; the same one after each return. `undefined` before it
 *   is in, and where the server does not tell.
 * @property {Value<Status>} status Where it stands.
 * @property {Value<{ viewers: number } | undefined, { viewers: number }>} audience How many watch, where the room was created with `audience`.
 * @property {import("./store.js").State<import("./messages.js").StateOf<M>>} state What holds in the room.
 * @property {Promise<void>} entered Settled when the whole state is here for the first time, or never will be.
 * @property {<K extends import("./messages.js").KeyOf<M>>(key: K, func: (...params: import("./messages.js").ParamsOf<M, K>) => void,
 *   options?: KeyOptions) => () => void} on Calls `func` with what a key holds, then for each message of it. The answer ends it.
 * @property {<N extends keyof ViewerEvents<M>>(name: N, func: ViewerEvents<M>[N], options?: ListenOptions) => () => void} listen Calls
 *   `func` for an event of the room. The answer ends it.
 * @property {<K extends keyof import("./messages.js").SignalsOf<M> & string>(key: K, ...params: import("./messages.js").SignalsOf<M>[K] extends readonly []
 *   ? [params?: import("./messages.js").SignalsOf<M>[K]] : [params: import("./messages.js").SignalsOf<M>[K]]) => Promise<void>} signal Says something to the owner, at
 *   most 4 096 bytes. Settled when it is sent; nobody tells whether the owner hears it.
 * @property {number} bufferedAmount How many bytes wait in the socket.
 * @property {() => Stats} stats
 * @property {() => void} reconnect Tries now to come back, whatever was planned. In the room it asks whether the connection stands.
 * @property {() => void} leave
 * @property {(options?: { signal?: AbortSignal }) => AsyncGenerator<MessageOf<M>, void, void>} messages What holds, then each message, as
 *   `for await` gives them too. Ends with the viewer or its signal, and with the error `busy` when more than 1 024 wait, or
 *   16 Mi characters of them. What holds at the beginning does not count.
 */

/**
 * @template [M=AnyMessages]
 * @typedef {ViewerMembers<M> & Disposable & AsyncDisposable & { [Symbol.asyncIterator]: () => AsyncGenerator<MessageOf<M>, void, void> }} Viewer
 */

/**
 * Watches a room, and tells so when it is in it. Goes on trying until `signal` ends that.
 * @template [M=AnyMessages]
 * @param {string | URL} url Where the server is, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {string} room
 * @param {ViewerOptions} [options]
 * @returns {Promise<Viewer<M>>} Rejects with an `RtbError`.
 */
export async function join(url, room, options) {
  const viewer = /** @type {Viewer<M>} */ (watch(url, room, options));
  await viewer.entered;
  return viewer;
}

/**
 * Begins to watch a room; nothing is missed by whoever listens at once. Never throws: with a wrong argument the viewer is over.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {string} room
 * @param {ViewerOptions} [options]
 * @returns {Viewer<M>}
 */
export function watch(url, room, options = {}) {
  const mine = watching(url, room, options);
  const { state, way, seats } = mine;
  const { on, emit, clear } = ears();
  /** @type {Status | undefined} How this one ended, if others may go on. */
  let last;
  const status = () => last ?? way.status();

  /** @type {import("./watching.js").Seat} */
  function seat(...values) {
    emit(...values);
    if (values[0] !== "status" || status().name !== "closed") return;
    emit("over");
    over();
    clear();
  }

  /** @param {string} [reason] */
  function end(reason = "left") {
    if (status().name === "closed") return;
    if (seats.size === 1) mine.leave(reason);
    else {
      seats.delete(seat);
      last = Object.freeze({ name: "closed", code: 1000, reason, comesBack: false });
      seat("status");
    }
  }

  const leave = () => end();

  seats.add(seat);
  const seen = state.seenBy(on);
  const { entered, over } = entering(way.entered, options, end);

  const held = () => [...state.all()].map((message) => ({ ...message, late: true }));

  /** @param {{ signal?: AbortSignal }} [options] */
  function messages({ signal } = {}) {
    const queue = held();
    const count = queue.length;
    const begin = () => {
      if (!loaded) throw failure("lost");
      return loaded.loop(queue, count, { on, status, failure }, signal);
    };
    if (loaded) return begin();
    // What comes until then is more than a loop takes if it is one more than that.
    const off = on("message", (message) => queue.length - count > 1_024 || queue.push(message));
    const loop = quiet(load().then(() => (off(), begin())));
    /** @type {any} */
    const soon = { [Symbol.asyncIterator]: () => soon };
    for (const name of /** @type {const} */ (["next", "return", "throw"])) soon[name] = (/** @type {any} */ value) => loop.then((loop) => loop[name](value));
    return soon;
  }

  /** @type {any} */
  const viewer = {
    id: room,
    get number() {
      return mine.number();
    },
    status: valueOf(status, on, "status"),
    audience: valueOf(mine.audience, on, "audience"),
    state: seen,
    entered,
    /** @param {string} key @param {(...params: any[]) => void} func @param {KeyOptions} [options] */
    on(key, func, { cleared, once, signal } = {}) {
      const params = seen.get(key);
      const offs = [cleared && on(`;${key}`, cleared, { signal }), on(`:${key}`, once ? first : func, { signal }, params && [params])];
      const off = () => offs.forEach((off) => off?.());
      /** @param {any[]} params */
      function first(...params) {
        off();
        func(...params);
      }
      return off;
    },
    /** @param {string} name @param {(...values: any[]) => void} func @param {ListenOptions} [options] */
    listen: (name, func, options) => on(name, func, options, name === "message" ? held().map((message) => [message]) : []),
    /** @param {string} key @param {any[]} [params] */
    signal(key, params = []) {
      /** @type {string | undefined} Written now: the parameters may change before they are said. */
      let text;
      try {
        text = JSON.stringify(params);
      } catch {}
      return quiet(soon(way.isIn(), (stays) => (last ? "left" : stays.signal(mine, key, text))));
    },
    get bufferedAmount() {
      return way.stats().bufferedAmount;
    },
    stats: way.stats,
    reconnect: way.again,
    leave,
    messages,
    [Symbol.asyncIterator]: () => messages(),
    [Symbol.dispose ?? "dispose"]: leave,
    [Symbol.asyncDispose ?? "asyncDispose"]: async () => leave(),
  };
  return viewer;
}
