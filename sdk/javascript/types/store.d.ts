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
     * How long the frame was that brought it, in characters.
     */
    size?: number;
    /**
     * Whether its key holds nothing any more.
     */
    cleared?: true;
};
export type Cursor = {
    epoch: string;
    seq: number;
};
export type State<M> = {
    /**
     * What a key holds; the same array until it changes.
     */
    get: <K extends keyof M & string>(key: K) => M[K] | undefined;
    /**
     * Everything that holds, in the order of last change.
     */
    getSnapshot: () => ReadonlyMap<string, any[]>;
    /**
     * Calls `func` after each change; the answer ends it.
     */
    subscribe: (func: () => void) => () => void;
    /**
     * Never there: from it types are inferred.
     */
    messages?: M;
};
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
export declare function store(): {
    /** The last number that is in it. */
    seq: number;
    /** How long the frames of what holds were, at most. */
    size: number;
    /** @param {string} key @returns {any} */
    get: (key: string) => any;
    all: () => MapIterator<Message>;
    getSnapshot: () => ReadonlyMap<string, any[]>;
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
