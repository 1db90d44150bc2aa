// A viewer: watches a room and comes back to it by itself. Must not know how its owner speaks.

import { course } from "./course.js";
import { ears } from "./ears.js";
import { endOf, failure } from "./failure.js";
import { bytesOf, isOver, LIMITS, textOf, wrong } from "./grammar.js";
import { attempt } from "./attempt.js";
import { QUEUE_MAX, STALE_BYTES_MAX, STATE_BYTES_MAX } from "./limits.js";
import { reception } from "./reception.js";
import { store } from "./store.js";

/**
 * @typedef {import("./course.js").Status} Status
 * @typedef {import("./ears.js").ListenOptions} ListenOptions
 * @typedef {import("./failure.js").Failure} Failure
 * @typedef {import("./store.js").Message} Message
 */

/**
 * Any messages: what is assumed of a room whose messages are not told.
 * @typedef {Record<string, any[]>} AnyMessages
 */

/**
 * @template M
 * @typedef {import("./store.js").State<M>} State
 */

/**
 * A message of a room whose messages are known.
 * @template M
 * @typedef {{ [K in keyof M & string]: Message & { key: K, params: M[K] | [] } }[keyof M & string]} MessageOf
 */

/**
 * What a viewer tells besides the messages of one key. A key with such a name is only heard by `message`.
 * @template M
 * @typedef {object} ViewerEvents
 * @property {(message: MessageOf<M>) => void} message Each message, and each value that a join or a reset brought.
 * @property {(state: ReadonlyMap<string, any[]>) => void} state After each change of the state.
 * @property {(status: Status) => void} status
 * @property {(audience: { viewers: number }) => void} audience Where the room was created with `audience`.
 * @property {(reset: { reason: string }) => void} reset Events may be lost; the state is whole.
 * @property {(refused: { code: string, message: string }) => void} refused A signal was not passed on.
 */

/**
 * @typedef {import("./course.js").Options & {
 *   pauseHidden?: boolean,
 *   identity?: Pick<Storage, "getItem" | "setItem">,
 * }} ViewerOptions `pauseHidden`: whether a page that nobody sees gets nothing until it is shown. Default true. `identity`: keeps
 *   who this viewer is for the server, such as `localStorage`, so that it is the same one after a reload and in another tab.
 */

/**
 * @template M
 * @typedef {object} ViewerMembers
 * @property {string} id The room.
 * @property {number | undefined} number Which viewer this one is for the owner; the same one after each return. `undefined` before it
 *   is in, and where the server does not tell.
 * @property {Status} status Where it stands: the same object until it changes.
 * @property {State<M>} state What holds in the room.
 * @property {Promise<void>} entered Settled when the whole state is here for the first time, or never will be.
 * @property {<N extends (keyof M & string) | keyof ViewerEvents<M>>(name: N,
 *   func: N extends keyof ViewerEvents<M> ? ViewerEvents<M>[N] : N extends keyof M ? (...params: Extract<M[N], any[]>) => void : never,
 *   options?: ListenOptions) => () => void} on
 *   Calls `func` with the parameters of each message of a key, first with what the key holds; or for an event. The answer ends it.
 * @property {(key: string, params?: any[]) => boolean} signal Says something to the owner, at most 4 096 bytes; false if
 *   there is no connection, or if it takes nothing; or if the server would refuse it, which `refused` tells too.
 * @property {() => void} reconnect Tries now to come back, whatever was planned. In the room it asks whether the connection stands.
 * @property {() => void} leave
 * @property {(options?: ListenOptions) => AsyncGenerator<MessageOf<M>, void, void>} messages What holds, then each message, as
 *   `for await` gives them too. Ends with the viewer or its signal, and with the error `busy` when more than 1 024 wait, or
 *   16 Mi characters of them.
 */

/**
 * @template M
 * @typedef {ViewerMembers<M> & { [Symbol.asyncIterator]: () => AsyncGenerator<MessageOf<M>, void, void> }} Viewer
 */

/**
 * Watches a room, and tells so when it is in it. Goes on trying until `signal` ends that.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url Where the server is, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {string} room
 * @param {ViewerOptions} [options]
 * @returns {Promise<Viewer<M>>} Rejects with a `Failure`, or with the signal's reason.
 */
export async function join(url, room, options) {
  const viewer = /** @type {Viewer<M>} */ (watch(url, room, options));
  await viewer.entered;
  return viewer;
}

/**
 * Begins to watch a room; nothing is missed by whoever listens at once.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url
 * @param {string} room
 * @param {ViewerOptions} [options]
 * @returns {Viewer<M>}
 */
export function watch(url, room, options = {}) {
  const { token, identity, pauseHidden = true } = options;
  const name = `rtbroadcaster viewer ${room}`;
  /** @type {any} What proves that this viewer is the same one. */
  let key;
  attempt(() => know(identity?.getItem(name)));
  /** @type {number | undefined} */
  let number;
  let limits = LIMITS;
  /** How many signals may be said now, and when that was so. */
  let [credit, creditAt] = [0, -Infinity];
  const state = store();
  const { on, emit, clear } = ears();
  const page = pauseHidden ? globalThis.document : undefined;
  let isPaused = false;

  /** Takes a key that can be one, whatever a storage holds. Returns whether it is new. @param {any} told */
  function know(told) {
    const isNew = told !== key && /^[!-~]{1,64}$/.test(told ?? "");
    if (isNew) key = told;
    return isNew;
  }

  /** @param {Message[]} messages @param {boolean} isChanged */
  function pass(messages, isChanged) {
    for (const message of messages) {
      if (!message.cleared) emit(`:${message.key}`, ...message.params);
      emit("message", message);
    }
    if (isChanged) emit("state");
  }

  const received = reception(state, pass, (reset) => emit("reset", reset));

  /** Leaves the fan-out while nobody sees the page. */
  function look() {
    const isHidden = Boolean(page?.hidden);
    // One question at a time: the answer is told, and it looks again.
    if (isHidden === isPaused || !received.position()) return;
    if (!(isHidden ? way.send('{"type":"pause"}') : way.ask({ type: "unpause" }))) return;
    isPaused = isHidden;
    received.pause(isHidden);
    way.update(true);
  }

  const way = course(url, options, {
    enter: () => ({ type: "join", room, cursor: received.cursor(), token, lives: received.lives(), viewer: key }),
    refused: endOf,
    hear(frame) {
      limits = frame.limits ?? limits;
      number = frame.viewer?.number ?? number;
      if (know(frame.viewer?.key)) attempt(() => identity?.setItem(name, key));
      if (frame.type === "error") emit("refused", frame);
      if (frame.type === "audience") emit(frame.type, frame);
      return received.take(frame);
    },
    size: received.size,
    position: received.position,
    more: received.more,
    cut() {
      received.cut();
      isPaused = false;
    },
    tell(status) {
      emit("status", status);
      if (status.name === "closed") clear();
      else look();
    },
  });
  way.listen(page, "visibilitychange", look);

  /** @param {string} key @param {any[]} [params] */
  function signal(key, params = []) {
    const now = performance.now();
    const text = textOf(params);
    const { signalBytes, signalsPerSecond = 1e9 } = limits;
    credit = Math.min(signalsPerSecond, credit + ((now - creditAt) * signalsPerSecond) / 1_000);
    creditAt = now;
    const said = `{"type":"signal","key":${textOf([key])?.slice(1, -1)},"params":${text}}`;
    const code = wrong(key, text, said, limits) || (isOver(bytesOf(text ?? ""), signalBytes) ? "too_big" : credit >= 1 ? "" : "rate");
    if (code) emit("refused", failure(code));
    if (code || way.backlog() >= STALE_BYTES_MAX || !way.send(said)) return false;
    credit -= 1;
    return true;
  }

  /**
   * What is heard, for a loop. It listens from the call on, not from the loop's first turn on.
   * @param {ListenOptions} [options]
   */
  function messages({ signal } = {}) {
    const queue = [...state.all()];
    const most = queue.length + QUEUE_MAX;
    let left = STATE_BYTES_MAX;
    /** @type {(value?: any) => void} */
    let wake = () => {};
    const stop = new AbortController();
    signal?.addEventListener("abort", () => wake());
    /** @param {Message} message */
    const hear = (message) => {
      left -= message.size ?? 0;
      if (queue.push(message) > most || left < 0) stop.abort();
      wake();
    };
    on("message", hear, stop);
    on("status", () => wake(), stop);
    return (async function* () {
      try {
        for (;;) {
          if (signal?.aborted) return;
          if (stop.signal.aborted) throw failure("busy");
          const message = queue.shift();
          if (message) {
            left += message.size ?? 0;
            yield message;
          } else if (way.status().name === "closed") return;
          else await new Promise((resolve) => (wake = resolve));
        }
      } finally {
        stop.abort();
      }
    })();
  }

  /** @type {any} */
  const viewer = {
    id: room,
    get number() {
      return number;
    },
    get status() {
      return way.status();
    },
    state: {
      get: state.get,
      getSnapshot: state.getSnapshot,
      /** @param {() => void} func */
      subscribe: (func) => on("state", () => func()),
    },
    entered: way.entered,
    /** @param {string} name @param {(...values: any[]) => void} func @param {ListenOptions} [listening] */
    on(name, func, listening) {
      if (name === "state") return on(name, () => func(state.getSnapshot()), listening);
      if (name === "message") return on(name, func, listening, [...state.all()].map((message) => [message]));
      // The other names of `ViewerEvents`; any other one is a key.
      if (/^(status|audience|reset|refused)$/.test(name)) return on(name, func, listening);
      const params = state.get(name);
      return on(`:${name}`, func, listening, params && [params]);
    },
    signal,
    reconnect: way.again,
    leave() {
      way.send('{"type":"leave"}');
      way.stop();
    },
    /** @param {ListenOptions} [listening] */
    messages,
    [Symbol.asyncIterator]: messages,
  };
  return viewer;
}
