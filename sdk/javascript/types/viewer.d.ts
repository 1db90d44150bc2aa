export type Status = import("./course.js").Status;
export type ListenOptions = import("./ears.js").ListenOptions;
export type Failure = import("./failure.js").Failure;
export type Message = import("./store.js").Message;
export type AnyMessages = Record<string, any[]>;
export type State<M> = import("./store.js").State<M>;
export type MessageOf<M> = {
    [K in keyof M & string]: Message & {
        key: K;
        params: M[K] | [];
    };
}[keyof M & string];
export type ViewerEvents<M> = {
    /**
     * Each message, and each value that a join or a reset brought.
     */
    message: (message: MessageOf<M>) => void;
    /**
     * After each change of the state.
     */
    state: (state: ReadonlyMap<string, any[]>) => void;
    status: (status: Status) => void;
    /**
     * Where the room was created with `audience`.
     */
    audience: (audience: {
        viewers: number;
    }) => void;
    /**
     * Events may be lost; the state is whole.
     */
    reset: (reset: {
        reason: string;
    }) => void;
    /**
     * A signal was not passed on.
     */
    refused: (refused: {
        code: string;
        message: string;
    }) => void;
};
export type ViewerOptions = import("./course.js").Options & {
    pauseHidden?: boolean;
    identity?: Pick<Storage, "getItem" | "setItem">;
};
export type ViewerMembers<M> = {
    /**
     * The room.
     */
    id: string;
    /**
     * Which viewer this one is for the owner; the same one after each return. `undefined` before it
     * is in, and where the server does not tell.
     */
    number: number | undefined;
    /**
     * Where it stands: the same object until it changes.
     */
    status: Status;
    /**
     * What holds in the room.
     */
    state: State<M>;
    /**
     * Settled when the whole state is here for the first time, or never will be.
     */
    entered: Promise<void>;
    /**
     *   Calls `func` with the parameters of each message of a key, first with what the key holds; or for an event. The answer ends it.
     */
    on: <N extends (keyof M & string) | keyof ViewerEvents<M>>(name: N, func: N extends keyof ViewerEvents<M> ? ViewerEvents<M>[N] : N extends keyof M ? (...params: Extract<M[N], any[]>) => void : never, options?: ListenOptions) => () => void;
    /**
     * Says something to the owner, at most 4 096 bytes; false if
     * there is no connection, or if it takes nothing; or if the server would refuse it, which `refused` tells too.
     */
    signal: (key: string, params?: any[]) => boolean;
    /**
     * Tries now to come back, whatever was planned. In the room it asks whether the connection stands.
     */
    reconnect: () => void;
    leave: () => void;
    /**
     * What holds, then each message, as
     * `for await` gives them too. Ends with the viewer or its signal, and with the error `busy` when more than 1 024 wait, or
     * 16 Mi characters of them.
     */
    messages: (options?: ListenOptions) => AsyncGenerator<MessageOf<M>, void, void>;
};
export type Viewer<M> = ViewerMembers<M> & {
    [Symbol.asyncIterator]: () => AsyncGenerator<MessageOf<M>, void, void>;
};
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
export declare function join<M extends {
    [K in keyof M]: any[];
} = AnyMessages>(url: string | URL, room: string, options?: ViewerOptions): Promise<Viewer<M>>;
/**
 * Begins to watch a room; nothing is missed by whoever listens at once.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url
 * @param {string} room
 * @param {ViewerOptions} [options]
 * @returns {Viewer<M>}
 */
export declare function watch<M extends {
    [K in keyof M]: any[];
} = AnyMessages>(url: string | URL, room: string, options?: ViewerOptions): Viewer<M>;
