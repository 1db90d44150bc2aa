// The state of a room: the newest value of each key. Must not know where messages come from.

import { valueOf } from "./listeners.js";

/**
 * A received message.
 * @typedef {object} Message
 * @property {string} key
 * @property {any[]} params
 * @property {number} [seq] The sequence number; absent from an ephemeral message, and from a key that a reset removed.
 * @property {true} [state] Whether it is the new value of its key.
 * @property {true} [cleared] Whether it removed the value of its key.
 * @property {true} [late] Whether it came with the state or with a replay of missed messages.
 * @property {number} [size] The length of its frame, in characters.
 */

/**
 * A cursor: the newest message that a client has. `epoch` is the server's name of the numbering.
 * @typedef {{ epoch: string, seq: number }} Cursor
 */

/**
 * The state of a room. `S` are the parameters of each key.
 * @template S
 * @typedef {object} State
 * @property {<K extends keyof S & string>(key: K) => S[K] | undefined} get Returns the value of a key, or `undefined` without one. The same
 *   array until it changes.
 * @property {<K extends keyof S & string>(key: K) => import("./listeners.js").Value<S[K] | undefined>} key Returns the value of a key as an object
 *   that a program can subscribe to.
 * @property {() => ReadonlyMap<keyof S & string, S[keyof S & string]>} getSnapshot Returns all keys and values, in the order of last change. The
 *   same map until the state changes. It is made on demand.
 * @property {(func: () => void, options?: import("./listeners.js").ListenOptions) => () => void} subscribe Calls `func` after each change. Returns
 *   a function that unsubscribes.
 */

/**
 * Notifies the listeners of changed keys, and of the state.
 * @param {(name: string) => unknown} emit @param {Message[]} messages
 */
export function tellChanges(emit, messages) {
  for (const { key, state, cleared } of messages) if (state || cleared) emit(`=${key}`);
  emit("state");
}

/** Returns an empty state. */
export function store() {
  /** @type {Map<string, Message>} A map: `__proto__` is a key like any other. */
  let values = new Map();
  /** @type {ReadonlyMap<string, any[]> | undefined} Made on demand. */
  let snapshot;

  return {
    /** The number of the newest message in it. */
    seq: 0,

    /** The size of its values, in characters of frames. */
    size: 0,

    all: () => values.values(),

    /**
     * Returns the public view of the state.
     * @param {ReturnType<typeof import("./listeners.js").listeners>["on"]} on
     * @returns {State<any>}
     */
    seenBy(on) {
      /** @param {string} key */
      const get = (key) => values.get(key)?.params;
      return {
        get,
        key: (key) => valueOf(() => get(key), on, `=${key}`),
        getSnapshot: () => (snapshot ??= new Map([...values.values()].map(({ key, params }) => [key, params]))),
        subscribe: (func, options) => on("state", () => func(), options),
      };
    },

    /**
     * Applies the next message. Returns whether it changed the state.
     * @param {Message} message
     */
    take(message) {
      this.seq = message.seq ?? this.seq;
      // Events and ephemeral messages do not change the value of their key.
      if (!message.state && !message.cleared) return false;
      // Appended: the order is that of last change.
      this.size -= values.get(message.key)?.size ?? 0;
      const held = values.delete(message.key);
      if (message.state) {
        values.set(message.key, message);
        this.size += message.size ?? 0;
      }
      const changes = held || !message.cleared;
      if (changes) snapshot = undefined;
      return changes;
    },

    /**
     * Replaces the state by a replayed one. Returns the differences as messages.
     * @param {Replay} newer
     * @param {boolean} isSameCount Whether both have the same numbering.
     */
    replace(newer, isSameCount) {
      const gone = [...values.keys()].filter((key) => !newer.values.has(key));
      /** @type {Message[]} */
      const changes = gone.map((key) => ({ key, params: [], cleared: true }));
      for (const message of newer.values.values()) {
        if (!isSameCount || values.get(message.key)?.seq !== message.seq) changes.push(message);
      }
      ({ values, size: this.size } = newer);
      this.seq = newer.frame.seq;
      if (changes.length) snapshot = undefined;
      return changes;
    },
  };
}

/** @typedef {ReturnType<typeof replay>} Replay */

/**
 * Returns the state that `frame` announces, which its messages fill.
 * @param {any} frame
 */
export function replay(frame) {
  let last = 0;
  return {
    frame,
    /** The cursor after the replay. Its epoch changes with the lease. @type {Cursor} */
    next: { epoch: frame.epoch, seq: frame.seq },
    values: /** @type {Map<string, Message>} */ (new Map()),
    /** The size of its messages, in characters of frames. */
    size: 0,
    /** How many of its messages are still to come. @type {any} */
    left: frame.replay,

    /** Takes a message. Returns whether it is valid here. @param {any} message */
    take(message) {
      const isNext = this.left-- > 0 && message.state && message.seq > last && message.seq <= frame.seq;
      last = message.seq;
      this.values.set(message.key, message);
      this.size += message.size;
      return isNext;
    },
  };
}
