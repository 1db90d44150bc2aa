// What holds in a room: the newest value of each key. Must not know how it comes.

import { valueOf } from "./ears.js";

/**
 * A message as it came.
 * @typedef {object} Message
 * @property {string} key
 * @property {any[]} params
 * @property {number} [seq] Its number; an ephemeral message has none, nor has a key that went by a reset.
 * @property {true} [state] Whether it is the newest value of its key now.
 * @property {true} [cleared] Whether its key holds nothing any more.
 * @property {true} [late] Whether it came with what this end had missed, or with the state when it entered.
 * @property {number} [size] How long the frame was that brought it, in characters.
 */

/**
 * Up to where a client knows a room: a number, and what the server calls the numbering, which only the server understands.
 * @typedef {{ epoch: string, seq: number }} Cursor
 */

/**
 * What holds in a room, for programs. `S` are the parameters of each key.
 * @template S
 * @typedef {object} State
 * @property {<K extends keyof S & string>(key: K) => S[K] | undefined} get What a key holds; the same array until it changes.
 * @property {<K extends keyof S & string>(key: K) => import("./ears.js").Value<S[K] | undefined>} key The same as a value: who
 *   subscribes to it hears of no other key.
 * @property {() => ReadonlyMap<keyof S & string, S[keyof S & string]>} getSnapshot Everything that holds, in the order of last change; the same
 *   map until something changes. It is made when it is asked for.
 * @property {(func: () => void, options?: import("./ears.js").ListenOptions) => () => void} subscribe Calls `func` after each change;
 *   the answer ends it.
 */

/**
 * Tells of messages whose keys hold something else now.
 * @param {(name: string) => unknown} emit @param {Message[]} messages
 */
export function tellChanges(emit, messages) {
  for (const { key, state, cleared } of messages) if (state || cleared) emit(`=${key}`);
  emit("state");
}

/** What holds, and up to which number it is known. */
export function store() {
  /** @type {Map<string, Message>} A map: `__proto__` is a key like any other. */
  let values = new Map();
  /** @type {ReadonlyMap<string, any[]> | undefined} Made when somebody asks. */
  let snapshot;

  return {
    /** The last number that is in it. */
    seq: 0,

    /** How long the frames of what holds were, at most. */
    size: 0,

    all: () => values.values(),

    /**
     * What programs see of it.
     * @param {ReturnType<typeof import("./ears.js").ears>["on"]} on
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
     * One more message, whose number is the next one. Says whether it changed what holds.
     * @param {Message} message
     */
    take(message) {
      this.seq = message.seq ?? this.seq;
      // Events and ephemerals leave the key what it holds.
      if (!message.state && !message.cleared) return false;
      // Appended anew: the order is that of last change.
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
     * Another state takes the place of this one at once. Gives what is different, as messages.
     * @param {Replay} newer
     * @param {boolean} isSameCount Whether its numbers are those of the state before.
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
 * The state that is announced by `frame`, while it comes.
 * @param {any} frame
 */
export function replay(frame) {
  let last = 0;
  return {
    frame,
    /** The cursor behind it. Its epoch changes if the lease does meanwhile. @type {Cursor} */
    next: { epoch: frame.epoch, seq: frame.seq },
    values: /** @type {Map<string, Message>} */ (new Map()),
    /** How long its frames were. */
    size: 0,
    /** How many messages of it have not come. @type {any} */
    left: frame.replay,

    /** Whether the message is one that can come here. @param {any} message */
    take(message) {
      const isNext = this.left-- > 0 && message.state && message.seq > last && message.seq <= frame.seq;
      last = message.seq;
      this.values.set(message.key, message);
      this.size += message.size;
      return isNext;
    },
  };
}
