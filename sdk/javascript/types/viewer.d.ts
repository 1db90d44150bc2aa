/// <reference lib="esnext.disposable" preserve="true" />
export { RtbError } from "./failure.js";
export type Options = import("./dial.js").Options;
export type Stats = import("./status.js").Stats;
export type ListenOptions = import("./listeners.js").ListenOptions;
export type ErrorCode = import("./failure.js").ErrorCode;
export type AnyMessages = import("./messages.js").AnyMessages;
export type Status = import("./status.js").Status;
export type Message = import("./store.js").Message;
export type Value<T, N = T> = import("./listeners.js").Value<T, N>;
export type State<S> = import("./store.js").State<S>;
export type MessageOf<M = AnyMessages> = import("./messages.js").MessageOf<M>;
export type KeyOptions = ListenOptions & {
    cleared?: () => void;
};
export type ViewerEvents<M = AnyMessages> = {
    /**
     * A message of any key; first the state, as messages.
     */
    message: (message: MessageOf<M>) => void;
    /**
     * Events may be lost; the state is complete.
     */
    reset: (reset: {
        reason: string;
    }) => void;
    /**
     * The server refused a signal, and did not pass it on.
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
     * The id of the room.
     */
    id: string;
    /**
     * The number of this viewer for the owner, which stays the same over reconnects. `undefined` before the
     * viewer is in the room, and if the server does not send it.
     */
    number: number | undefined;
    /**
     * The status of the viewer.
     */
    status: Value<Status>;
    /**
     * The number of viewers, if the room was created with
     * `audience`; else `undefined`.
     */
    audience: Value<{
        viewers: number;
    } | undefined, {
        viewers: number;
    }>;
    /**
     * The state of the room.
     */
    state: import("./store.js").State<import("./messages.js").StateOf<M>>;
    /**
     * Resolves when the viewer has all of the state for the first time; rejects with an `RtbError` if it never
     * will.
     */
    entered: Promise<void>;
    /**
     * Calls `func` with the present value of a key, then for each message of it. Returns a function that
     * unsubscribes.
     */
    on: <K extends import("./messages.js").KeyOf<M>>(key: K, func: (...params: import("./messages.js").ParamsOf<M, K>) => void, options?: KeyOptions) => () => void;
    /**
     * Calls
     * `func` for an event of the room. Returns a function that unsubscribes.
     */
    listen: <N extends keyof ViewerEvents<M>>(name: N, func: ViewerEvents<M>[N], options?: ListenOptions) => () => void;
    /**
     * Sends a signal to the owner, by
     * default at most 4 096 bytes. Resolves when it is sent, which does not prove that the owner receives it. Rejects with an `RtbError`:
     * `bad_message`, `too_big`, `rate`, `offline`, `busy`, `lost` or `left`.
     */
    signal: <K extends keyof import("./messages.js").SignalsOf<M> & string>(key: K, ...params: import("./messages.js").SignalsOf<M>[K] extends readonly [] ? [params?: import("./messages.js").SignalsOf<M>[K]] : [params: import("./messages.js").SignalsOf<M>[K]]) => Promise<void>;
    /**
     * The number of unsent bytes in the socket.
     */
    bufferedAmount: number;
    /**
     * Returns the statistics of the connection.
     */
    stats: () => Stats;
    /**
     * Reconnects now instead of at the scheduled time. In the room it checks the connection.
     */
    reconnect: () => void;
    /**
     * Leaves the room.
     */
    leave: () => void;
    /**
     * Returns the state, then each message,
     * as `for await` does too. Ends with the viewer or when `signal` aborts; fails with `busy` when more than 1 024 messages are queued, or
     * 16 Mi characters of them, not counting the state at the beginning.
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
export declare function join<M = AnyMessages>(url: string | URL, room: string, options?: ViewerOptions): Promise<Viewer<M>>;
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
export declare function watch<M = AnyMessages>(url: string | URL, room: string, options?: ViewerOptions): Viewer<M>;
