export type Message = {
    key: string;
    params: any[];
    /**
     * The sequence number; absent from an ephemeral message, and from a key that a reset removed.
     */
    seq?: number;
    /**
     * Whether it is the new value of its key.
     */
    state?: true;
    /**
     * Whether it removed the value of its key.
     */
    cleared?: true;
    /**
     * Whether it came with the state or with a replay of missed messages.
     */
    late?: true;
    /**
     * The length of its frame, in characters.
     */
    size?: number;
};
export type Cursor = {
    epoch: string;
    seq: number;
};
export type State<S> = {
    /**
     * Returns the value of a key, or `undefined` without one. The same
     * array until it changes.
     */
    get: <K extends keyof S & string>(key: K) => S[K] | undefined;
    /**
     * Returns the value of a key as an object
     * that a program can subscribe to.
     */
    key: <K extends keyof S & string>(key: K) => import("./listeners.js").Value<S[K] | undefined>;
    /**
     * Returns all keys and values, in the order of last change. The
     * same map until the state changes. It is made on demand.
     */
    getSnapshot: () => ReadonlyMap<keyof S & string, S[keyof S & string]>;
    /**
     * Calls `func` after each change. Returns
     * a function that unsubscribes.
     */
    subscribe: (func: () => void, options?: import("./listeners.js").ListenOptions) => () => void;
};
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
export declare function tellChanges(emit: (name: string) => unknown, messages: Message[]): void;
/** Returns an empty state. */
export declare function store(): {
    /** The number of the newest message in it. */
    seq: number;
    /** The size of its values, in characters of frames. */
    size: number;
    all: () => MapIterator<Message>;
    /**
     * Returns the public view of the state.
     * @param {ReturnType<typeof import("./listeners.js").listeners>["on"]} on
     * @returns {State<any>}
     */
    seenBy(on: ReturnType<typeof import("./listeners.js").listeners>["on"]): State<any>;
    /**
     * Applies the next message. Returns whether it changed the state.
     * @param {Message} message
     */
    take(message: Message): boolean;
    /**
     * Replaces the state by a replayed one. Returns the differences as messages.
     * @param {Replay} newer
     * @param {boolean} isSameCount Whether both have the same numbering.
     */
    replace(newer: Replay, isSameCount: boolean): Message[];
};
export type Replay = ReturnType<typeof replay>;
/** @typedef {ReturnType<typeof replay>} Replay */
/**
 * Returns the state that `frame` announces, which its messages fill.
 * @param {any} frame
 */
export declare function replay(frame: any): {
    frame: any;
    /** The cursor after the replay. Its epoch changes with the lease. @type {Cursor} */
    next: Cursor;
    values: Map<string, Message>;
    /** The size of its messages, in characters of frames. */
    size: number;
    /** How many of its messages are still to come. @type {any} */
    left: any;
    /** Takes a message. Returns whether it is valid here. @param {any} message */
    take(message: any): any;
};
