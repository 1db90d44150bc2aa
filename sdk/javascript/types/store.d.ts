export type Message = {
    key: string;
    params: any[];
    /**
     * Its number; an ephemeral message has none, nor has a key that went by a reset.
     */
    seq?: number;
    /**
     * Whether it is the newest value of its key now.
     */
    state?: true;
    /**
     * Whether its key holds nothing any more.
     */
    cleared?: true;
    /**
     * Whether it came with what this end had missed, or with the state when it entered.
     */
    late?: true;
    /**
     * How long the frame was that brought it, in characters.
     */
    size?: number;
};
export type Cursor = {
    epoch: string;
    seq: number;
};
export type State<S> = {
    /**
     * What a key holds; the same array until it changes.
     */
    get: <K extends keyof S & string>(key: K) => S[K] | undefined;
    /**
     * The same as a value: who
     * subscribes to it hears of no other key.
     */
    key: <K extends keyof S & string>(key: K) => import("./ears.js").Value<S[K] | undefined>;
    /**
     * Everything that holds, in the order of last change; the same
     * map until something changes. It is made when it is asked for.
     */
    getSnapshot: () => ReadonlyMap<keyof S & string, S[keyof S & string]>;
    /**
     * Calls `func` after each change;
     * the answer ends it.
     */
    subscribe: (func: () => void, options?: import("./ears.js").ListenOptions) => () => void;
};
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
export declare function tellChanges(emit: (name: string) => unknown, messages: Message[]): void;
/** What holds, and up to which number it is known. */
export declare function store(): {
    /** The last number that is in it. */
    seq: number;
    /** How long the frames of what holds were, at most. */
    size: number;
    all: () => MapIterator<Message>;
    /**
     * What programs see of it.
     * @param {ReturnType<typeof import("./ears.js").ears>["on"]} on
     * @returns {State<any>}
     */
    seenBy(on: ReturnType<typeof import("./ears.js").ears>["on"]): State<any>;
    /**
     * One more message, whose number is the next one. Says whether it changed what holds.
     * @param {Message} message
     */
    take(message: Message): boolean;
    /**
     * Another state takes the place of this one at once. Gives what is different, as messages.
     * @param {Replay} newer
     * @param {boolean} isSameCount Whether its numbers are those of the state before.
     */
    replace(newer: Replay, isSameCount: boolean): Message[];
};
export type Replay = ReturnType<typeof replay>;
/** @typedef {ReturnType<typeof replay>} Replay */
/**
 * The state that is announced by `frame`, while it comes.
 * @param {any} frame
 */
export declare function replay(frame: any): {
    frame: any;
    /** The cursor behind it. Its epoch changes if the lease does meanwhile. @type {Cursor} */
    next: Cursor;
    values: Map<string, Message>;
    /** How long its frames were. */
    size: number;
    /** How many messages of it have not come. @type {any} */
    left: any;
    /** Whether the message is one that can come here. @param {any} message */
    take(message: any): any;
};
