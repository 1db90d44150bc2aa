// What holds in a room: the newest value of each key. Must not know how it comes.

/**
 * What the owner said, as it came.
 * @typedef {object} Message
 * @property {string} key
 * @property {any[]} params
 * @property {number} [seq] Its number; an ephemeral message has none, nor has a key that went by a reset.
 * @property {true} [state] Whether it is the newest value of its key now.
 * @property {number} [size] How long the frame was that brought it, in characters.
 * @property {true} [cleared] Whether its key holds nothing any more.
 */

/**
 * Up to where a client knows a room: a number, and what the server calls the numbering, which only the server understands.
 * @typedef {{ epoch: string, seq: number }} Cursor
 */

/**
 * The state as an external store: the same snapshot until something changes.
 * @template M
 * @typedef {object} State
 * @property {<K extends keyof M & string>(key: K) => M[K] | undefined} get What a key holds; the same array until it changes.
 * @property {() => ReadonlyMap<string, any[]>} getSnapshot Everything that holds, in the order of last change.
 * @property {(func: () => void) => () => void} subscribe Calls `func` after each change; the answer ends it.
 * @property {M} [messages] Never there: from it types are inferred.
 */

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

    /** @param {string} key @returns {any} */
    get: (key) => values.get(key)?.params,

    all: () => values.values(),

    getSnapshot: () => (snapshot ??= new Map([...values.values()].map(({ key, params }) => [key, params]))),

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
