// A viewer: watches a room, and reconnects by itself. Must not know how an owner publishes.

/// <reference lib="esnext.disposable" preserve="true" />

import { listeners, valueOf } from "./listeners.js";
import { entering } from "./entering.js";
import { failure, quiet } from "./failure.js";
import { load, loaded, whenLoaded } from "./lazy.js";
import { viewerConnection } from "./viewer-connection.js";

export { RtbError } from "./failure.js";

/**
 * @typedef {import("./dial.js").Options} Options
 * @typedef {import("./status.js").Stats} Stats
 * @typedef {import("./listeners.js").ListenOptions} ListenOptions
 * @typedef {import("./failure.js").ErrorCode} ErrorCode
 * @typedef {import("./messages.js").AnyMessages} AnyMessages
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./store.js").Message} Message
 */

/**
 * @template T
 * @template [N=T]
 * @typedef {import("./listeners.js").Value<T, N>} Value
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
 * The options of a subscription to a key.
 * @typedef {ListenOptions & { cleared?: () => void }} KeyOptions `cleared`: called when the key's value is removed, by its owner or by a
 *   reset.
 */

/**
 * The events of a viewer besides the messages of single keys.
 * @template [M=AnyMessages]
 * @typedef {object} ViewerEvents
 * @property {(message: MessageOf<M>) => void} message A message of any key; first the state, as messages.
 * @property {(reset: { reason: string }) => void} reset Events may be lost; the state is complete.
 * @property {(error: import("./failure.js").RtbError) => void} refused The server refused a signal, and did not pass it on.
 */

/**
 * @typedef {Options & {
 *   pauseHidden?: boolean,
 *   identity?: Pick<Storage, "getItem" | "setItem">,
 *   share?: boolean | "tabs",
 * }} ViewerOptions `pauseHidden`: whether a hidden page receives nothing until it is shown. Default true. `identity`: a storage, such as
 *   `localStorage`, for the viewer's key, which makes it the same viewer after a reload and in another tab. Default: memory only. `share`:
 *   whether viewers of this page that watch the room with the same options share a connection. Default true; `"tabs"`: also those of other
 *   tabs of the browser.
 */

/**
 * @template M
 * @typedef {object} ViewerMembers
 * @property {string} id The id of the room.
 * @property {number | undefined} number The number of this viewer for the owner, which stays the same over reconnects. `undefined` before the
 *   viewer is in the room, and if the server does not send it.
 * @property {Value<Status>} status The status of the viewer.
 * @property {Value<{ viewers: number } | undefined, { viewers: number }>} audience The number of viewers, if the room was created with
 *   `audience`; else `undefined`.
 * @property {import("./store.js").State<import("./messages.js").StateOf<M>>} state The state of the room.
 * @property {Promise<void>} entered Resolves when the viewer has all of the state for the first time; rejects with an `RtbError` if it never
 *   will.
 * @property {<K extends import("./messages.js").KeyOf<M>>(key: K, func: (...params: import("./messages.js").ParamsOf<M, K>) => void,
 *   options?: KeyOptions) => () => void} on Calls `func` with the present value of a key, then for each message of it. Returns a function that
 *   unsubscribes.
 * @property {<N extends keyof ViewerEvents<M>>(name: N, func: ViewerEvents<M>[N], options?: ListenOptions) => () => void} listen Calls
 *   `func` for an event of the room. Returns a function that unsubscribes.
 * @property {<K extends keyof import("./messages.js").SignalsOf<M> & string>(key: K, ...params: import("./messages.js").SignalsOf<M>[K] extends readonly []
 *   ? [params?: import("./messages.js").SignalsOf<M>[K]] : [params: import("./messages.js").SignalsOf<M>[K]]) => Promise<void>} signal Sends a signal to the owner, by
 *   default at most 4 096 bytes. Resolves when it is sent, which does not prove that the owner receives it. Rejects with an `RtbError`:
 *   `bad_message`, `too_big`, `rate`, `offline`, `busy`, `lost` or `left`.
 * @property {number} bufferedAmount The number of unsent bytes in the socket.
 * @property {() => Stats} stats Returns the statistics of the connection.
 * @property {() => void} reconnect Reconnects now instead of at the scheduled time. In the room it checks the connection.
 * @property {() => void} leave Leaves the room.
 * @property {(options?: { signal?: AbortSignal }) => AsyncGenerator<MessageOf<M>, void, void>} messages Returns the state, then each message,
 *   as `for await` does too. Ends with the viewer or when `signal` aborts; fails with `busy` when more than 1 024 messages are queued, or
 *   16 Mi characters of them, not counting the state at the beginning.
 */

/**
 * @template [M=AnyMessages]
 * @typedef {ViewerMembers<M> & Disposable & AsyncDisposable & { [Symbol.asyncIterator]: () => AsyncGenerator<MessageOf<M>, void, void> }} Viewer
 */

/**
 * Joins a room, and resolves to its viewer once that has all of the state. The viewer reconnects by itself.
 *
 * Rejects with an `RtbError`: a code of the server, `bad_argument` for a wrong argument, `aborted` or `timeout` if `options.signal` aborts.
 * Without that signal it retries for as long as there is no connection.
 * @template [M=AnyMessages]
 * @param {string | URL} url The server's address, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {string} room The id of the room.
 * @param {ViewerOptions} [options]
 * @returns {Promise<Viewer<M>>}
 */
export async function join(url, room, options) {
  const viewer = /** @type {Viewer<M>} */ (watch(url, room, options));
  await viewer.entered;
  return viewer;
}

/**
 * Returns a viewer of a room at once, while it is still `connecting`; else like `join`. Listeners that are added in the same turn miss
 * nothing.
 *
 * Never throws: with a wrong argument its status becomes `closed` with the reason `bad_argument`.
 * @template [M=AnyMessages]
 * @param {string | URL} url The server's address, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {string} room The id of the room.
 * @param {ViewerOptions} [options]
 * @returns {Viewer<M>}
 */
export function watch(url, room, options = {}) {
  const mine = viewerConnection(url, room, options);
  const { state, link, viewers } = mine;
  const { on, emit, clear } = listeners();
  /** @type {Status | undefined} The final status of this viewer, if others still use the connection. */
  let last;
  const status = () => last ?? link.status();

  /** @type {import("./viewer-connection.js").Emit} */
  function notify(...values) {
    emit(...values);
    if (values[0] !== "status" || status().name !== "closed") return;
    emit("over");
    over();
    clear();
  }

  /** @param {string} [reason] */
  function end(reason = "left") {
    if (status().name === "closed") return;
    if (viewers.size === 1) mine.leave(reason);
    else {
      viewers.delete(notify);
      last = Object.freeze({ name: "closed", code: 1000, reason, comesBack: false });
      notify("status");
    }
  }

  const leave = () => end();

  viewers.add(notify);
  const seen = state.seenBy(on);
  const { entered, over } = entering(link.entered, options, end);

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
    // Until the loop is loaded, one message more than its limit is enough to make it fail.
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
      /** @type {string | undefined} Encoded now: the parameters may change before they are sent. */
      let text;
      try {
        text = JSON.stringify(params);
      } catch {}
      return quiet(whenLoaded(link.isIn(), (module) => (last ? "left" : module.signal(mine, key, text))));
    },
    get bufferedAmount() {
      return link.stats().bufferedAmount;
    },
    stats: link.stats,
    reconnect: link.again,
    leave,
    messages,
    [Symbol.asyncIterator]: () => messages(),
    [Symbol.dispose ?? "dispose"]: leave,
    [Symbol.asyncDispose ?? "asyncDispose"]: async () => leave(),
  };
  return viewer;
}
