/// <reference lib="esnext.disposable" preserve="true" />
export { RtbError } from "./failure.js";
export type Options = import("./dial.js").Options;
export type Stats = import("./status.js").Stats;
export type ListenOptions = import("./ears.js").ListenOptions;
export type ErrorCode = import("./failure.js").ErrorCode;
export type AnyMessages = import("./messages.js").AnyMessages;
export type Status = import("./status.js").Status;
export type Message = import("./store.js").Message;
export type Value<T, N = T> = import("./ears.js").Value<T, N>;
export type State<S> = import("./store.js").State<S>;
export type MessageOf<M = AnyMessages> = import("./messages.js").MessageOf<M>;
export type KeyOptions = ListenOptions & {
    cleared?: () => void;
};
export type ViewerEvents<M = AnyMessages> = {
    /**
     * Each message, first what holds.
     */
    message: (message: MessageOf<M>) => void;
    /**
     * Events may be lost; the state is whole.
     */
    reset: (reset: {
        reason: string;
    }) => void;
    /**
     * The server did not pass a signal on.
     */
    refused: (error: import("./failure.js").RtbError) => void;
};
export type ViewerOptions = Options & {
    pauseHidden?: boolean;
    identity?: Pick<Storage, "getItem" | "setItem">;
    share?: boolean | "tabs";
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
     * Where it stands.
     */
    status: Value<Status>;
    /**
     * How many watch, where the room was created with `audience`.
     */
    audience: Value<{
        viewers: number;
    } | undefined, {
        viewers: number;
    }>;
    /**
     * What holds in the room.
     */
    state: import("./store.js").State<import("./messages.js").StateOf<M>>;
    /**
     * Settled when the whole state is here for the first time, or never will be.
     */
    entered: Promise<void>;
    /**
     * Calls `func` with what a key holds, then for each message of it. The answer ends it.
     */
    on: <K extends import("./messages.js").KeyOf<M>>(key: K, func: (...params: import("./messages.js").ParamsOf<M, K>) => void, options?: KeyOptions) => () => void;
    /**
     * Calls
     * `func` for an event of the room. The answer ends it.
     */
    listen: <N extends keyof ViewerEvents<M>>(name: N, func: ViewerEvents<M>[N], options?: ListenOptions) => () => void;
    /**
     * Says something to the owner, at
     * most 4 096 bytes. Settled when it is sent; nobody tells whether the owner hears it.
     */
    signal: <K extends keyof import("./messages.js").SignalsOf<M> & string>(key: K, ...params: import("./messages.js").SignalsOf<M>[K] extends readonly [] ? [params?: import("./messages.js").SignalsOf<M>[K]] : [params: import("./messages.js").SignalsOf<M>[K]]) => Promise<void>;
    /**
     * How many bytes wait in the socket.
     */
    bufferedAmount: number;
    stats: () => Stats;
    /**
     * Tries now to come back, whatever was planned. In the room it asks whether the connection stands.
     */
    reconnect: () => void;
    leave: () => void;
    /**
     * What holds, then each message, as
     * `for await` gives them too. Ends with the viewer or its signal, and with the error `busy` when more than 1 024 wait, or
     * 16 Mi characters of them. What holds at the beginning does not count.
     */
    messages: (options?: {
        signal?: AbortSignal;
    }) => AsyncGenerator<MessageOf<M>, void, void>;
};
export type Viewer<M = AnyMessages> = ViewerMembers<M> & Disposable & AsyncDisposable & {
    [Symbol.asyncIterator]: () => AsyncGenerator<MessageOf<M>, void, void>;
};
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
export declare function join<M = AnyMessages>(url: string | URL, room: string, options?: ViewerOptions): Promise<Viewer<M>>;
/**
 * Begins to watch a room; nothing is missed by whoever listens at once. Never throws: with a wrong argument the viewer is over.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {string} room
 * @param {ViewerOptions} [options]
 * @returns {Viewer<M>}
 */
export declare function watch<M = AnyMessages>(url: string | URL, room: string, options?: ViewerOptions): Viewer<M>;
