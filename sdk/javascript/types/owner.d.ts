/// <reference lib="esnext.disposable" preserve="true" />
export type Status = import("./status.js").Status;
export type ListenOptions = import("./ears.js").ListenOptions;
export type PublishOptions = import("./outgoing.js").PublishOptions;
export type Cursor = import("./store.js").Cursor;
export type AnyMessages = import("./messages.js").AnyMessages;
export type Signal = {
    key: string;
    params?: any[];
    /**
     * The number of the viewer. It stays the same over the viewer's connections, and over reloads where the
     * viewer keeps its `identity`.
     */
    from?: number;
    /**
     * How many were lost before this one.
     */
    dropped?: number;
    /**
     * The most frequent first.
     */
    counts?: [params: any[], count: number][];
    other?: number;
};
export type Audience = {
    viewers: number;
    lagging: number;
    behindP95Ms: number;
};
export type OwnerReset = {
    reason: string;
};
export type Refused = {
    key: string;
    params?: any;
    error: import("./failure.js").RtbError;
};
export type HostEvents<M = AnyMessages> = {
    /**
     * Each signal, of whatever key.
     */
    signal: (signal: import("./messages.js").SignalOf<M>) => void;
    /**
     * The server lost acknowledged messages; `state` holds what the server has. If
     * nothing listens, as before `host` has resolved after a reload, the first listener gets the newest one.
     */
    reset: (reset: OwnerReset) => void;
    /**
     * A message that is not said, whether or not somebody waits for its promise.
     */
    refused: (refused: Refused) => void;
};
export type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem">;
export type Beginning = {
    /**
     * A room that is there, to come back to or to take over, with its `ownerKey`.
     */
    room?: string;
    ownerKey?: string;
    /**
     * The `cursor` that an earlier owner of `room` had, where the program keeps it: the
     * server then tells if it lost a message that was acknowledged up to there. An older one proves less, and nothing false.
     */
    cursor?: Readonly<Cursor>;
    /**
     * Keeps the room, its key and cursor, such as
     * `sessionStorage`, or returns what does, for pages in which a storage may be forbidden: whoever is there again with it is the owner again. Without it they are in memory only.
     */
    storage?: Kept | (() => Kept);
    /**
     * Under which name. Default the server's address behind `rtbroadcaster `.
     */
    storageKey?: string;
    /**
     * Whether to own the kept room although another window of this browser may hold it, which is then
     * `elsewhere`. Without it that window keeps it, and this one is `elsewhere` and gets the room when the other is gone.
     */
    takeOver?: boolean;
    /**
     * How long a new room waits for its owner when it is away, in whole milliseconds, 1 or more. The
     * server lowers it to its maximum and raises it to its least safe grace. Default the server's.
     */
    graceMs?: number;
    /**
     * Whether viewers are told how many they are.
     */
    audience?: boolean;
    /**
     * What is counted.
     */
    signals?: Record<string, {
        count?: boolean;
        everyMs?: number;
        oncePerViewer?: boolean;
    }>;
};
export type HostOptions = import("./dial.js").Options & Beginning;
export type HostMembers<M> = {
    /**
     * The room.
     */
    id: string;
    /**
     * Makes whoever holds it the owner: it belongs in no address and no log.
     */
    ownerKey: string;
    /**
     * Grows with each change of owner, and each time that this one came back.
     */
    term: number;
    /**
     * How long the room waits for its owner when it is away, in milliseconds; `undefined` if
     * the server does not tell it.
     */
    graceMs: number | undefined;
    /**
     * The newest acknowledgement, for a program that keeps the room and its key
     * itself. A copy, which does not change.
     */
    cursor: Readonly<Cursor> | undefined;
    /**
     * Where it stands.
     */
    status: import("./ears.js").Value<Status>;
    /**
     * How many watch.
     */
    audience: import("./ears.js").Value<Audience | undefined, Audience>;
    /**
     * What holds in the room, as far as it is acknowledged.
     */
    state: import("./store.js").State<import("./messages.js").StateOf<M>>;
    /**
     * Calls `func` for
     * the signals of a key. The answer ends it.
     */
    on: <K extends keyof import("./messages.js").SignalsOf<M> & string>(key: K, func: (signal: Extract<import("./messages.js").SignalOf<M>, {
        key: K;
    }>) => void, options?: ListenOptions) => () => void;
    /**
     * Calls `func` for an
     * event of the room. The answer ends it.
     */
    listen: <N extends keyof HostEvents>(name: N, func: HostEvents<M>[N], options?: ListenOptions) => () => void;
    /**
     * Says something, and gives its number when it is safe.
     */
    publish: Publish<M>;
    /**
     *   The key holds nothing any more.
     */
    clear: (key: keyof import("./messages.js").StateOf<M> & string, options?: Pick<PublishOptions, "timeoutMs" | "signal">) => Promise<number | undefined>;
    /**
     * Ends the room for everybody, when everything that
     * was said is safe.
     */
    close: (options?: {
        timeoutMs?: number;
    }) => Promise<void>;
    /**
     * Settled when it owns its room for the first time, or never will.
     */
    entered: Promise<void>;
    /**
     * How many bytes wait, in the socket and before it.
     */
    bufferedAmount: number;
    stats: () => import("./status.js").Stats;
    /**
     * Tries now to come back, whatever was planned; takes the room back from another window. In the
     * room it asks whether the connection stands.
     */
    reconnect: () => void;
    /**
     * Goes without ending the room, which waits for its owner for its grace.
     */
    leave: () => void;
};
export type Publish<M> = (<K extends keyof import("./messages.js").StateOf<M> & string>(key: K, params: import("./messages.js").StateOf<M>[K], options: PublishOptions & {
    state: true;
}) => Promise<number | undefined>) & (<K extends keyof import("./messages.js").EventsOf<M> & string>(key: K, params: import("./messages.js").EventsOf<M>[K], options?: PublishOptions & {
    state?: false;
}) => Promise<number | undefined>) & (<K extends keyof import("./messages.js").StateOf<M> & keyof import("./messages.js").EventsOf<M> & string>(key: K, params: import("./messages.js").ParamsOf<M, K>, options?: PublishOptions) => Promise<number | undefined>);
export type Host<M = AnyMessages> = HostMembers<M> & Disposable & AsyncDisposable;
/**
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./ears.js").ListenOptions} ListenOptions
 * @typedef {import("./outgoing.js").PublishOptions} PublishOptions
 * @typedef {import("./store.js").Cursor} Cursor
 * @typedef {import("./messages.js").AnyMessages} AnyMessages
 */
/**
 * What a viewer says: one signal, or the totals of a key that is counted.
 * @typedef {object} Signal
 * @property {string} key
 * @property {any[]} [params]
 * @property {number} [from] The number of the viewer. It stays the same over the viewer's connections, and over reloads where the
 *   viewer keeps its `identity`.
 * @property {number} [dropped] How many were lost before this one.
 * @property {[params: any[], count: number][]} [counts] The most frequent first.
 * @property {number} [other]
 */
/**
 * How many watch, how many of them are behind, and how far.
 * @typedef {{ viewers: number, lagging: number, behindP95Ms: number }} Audience
 */
/**
 * The server lost acknowledged messages, some or all of them. `reason` is its word for what did not fit the owner's cursor:
 * `epoch`, `future` or `malformed`.
 * @typedef {{ reason: string }} OwnerReset
 */
/**
 * What was published and is refused: by the server, or since too much waits.
 * @typedef {{ key: string, params?: any, error: import("./failure.js").RtbError }} Refused
 */
/**
 * What happens in a room besides the signals of its keys.
 * @template [M=AnyMessages]
 * @typedef {object} HostEvents
 * @property {(signal: import("./messages.js").SignalOf<M>) => void} signal Each signal, of whatever key.
 * @property {(reset: OwnerReset) => void} reset The server lost acknowledged messages; `state` holds what the server has. If
 *   nothing listens, as before `host` has resolved after a reload, the first listener gets the newest one.
 * @property {(refused: Refused) => void} refused A message that is not said, whether or not somebody waits for its promise.
 */
/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Kept */
/**
 * How an owner begins.
 * @typedef {object} Beginning
 * @property {string} [room] A room that is there, to come back to or to take over, with its `ownerKey`.
 * @property {string} [ownerKey]
 * @property {Readonly<Cursor>} [cursor] The `cursor` that an earlier owner of `room` had, where the program keeps it: the
 *   server then tells if it lost a message that was acknowledged up to there. An older one proves less, and nothing false.
 * @property {Kept | (() => Kept)} [storage] Keeps the room, its key and cursor, such as
 *   `sessionStorage`, or returns what does, for pages in which a storage may be forbidden: whoever is there again with it is the owner again. Without it they are in memory only.
 * @property {string} [storageKey] Under which name. Default the server's address behind `rtbroadcaster `.
 * @property {boolean} [takeOver] Whether to own the kept room although another window of this browser may hold it, which is then
 *   `elsewhere`. Without it that window keeps it, and this one is `elsewhere` and gets the room when the other is gone.
 * @property {number} [graceMs] How long a new room waits for its owner when it is away, in whole milliseconds, 1 or more. The
 *   server lowers it to its maximum and raises it to its least safe grace. Default the server's.
 * @property {boolean} [audience] Whether viewers are told how many they are.
 * @property {Record<string, { count?: boolean, everyMs?: number, oncePerViewer?: boolean }>} [signals] What is counted.
 */
/** @typedef {import("./dial.js").Options & Beginning} HostOptions */
/**
 * @template M
 * @typedef {object} HostMembers
 * @property {string} id The room.
 * @property {string} ownerKey Makes whoever holds it the owner: it belongs in no address and no log.
 * @property {number} term Grows with each change of owner, and each time that this one came back.
 * @property {number | undefined} graceMs How long the room waits for its owner when it is away, in milliseconds; `undefined` if
 *   the server does not tell it.
 * @property {Readonly<Cursor> | undefined} cursor The newest acknowledgement, for a program that keeps the room and its key
 *   itself. A copy, which does not change.
 * @property {import("./ears.js").Value<Status>} status Where it stands.
 * @property {import("./ears.js").Value<Audience | undefined, Audience>} audience How many watch.
 * @property {import("./store.js").State<import("./messages.js").StateOf<M>>} state What holds in the room, as far as it is acknowledged.
 * @property {<K extends keyof import("./messages.js").SignalsOf<M> & string>(key: K,
 *   func: (signal: Extract<import("./messages.js").SignalOf<M>, { key: K }>) => void, options?: ListenOptions) => () => void} on Calls `func` for
 *   the signals of a key. The answer ends it.
 * @property {<N extends keyof HostEvents>(name: N, func: HostEvents<M>[N], options?: ListenOptions) => () => void} listen Calls `func` for an
 *   event of the room. The answer ends it.
 * @property {Publish<M>} publish Says something, and gives its number when it is safe.
 * @property {(key: keyof import("./messages.js").StateOf<M> & string, options?: Pick<PublishOptions, "timeoutMs" | "signal">) => Promise<number | undefined>} clear
 *   The key holds nothing any more.
 * @property {(options?: { timeoutMs?: number }) => Promise<void>} close Ends the room for everybody, when everything that
 *   was said is safe.
 * @property {Promise<void>} entered Settled when it owns its room for the first time, or never will.
 * @property {number} bufferedAmount How many bytes wait, in the socket and before it.
 * @property {() => import("./status.js").Stats} stats
 * @property {() => void} reconnect Tries now to come back, whatever was planned; takes the room back from another window. In the
 *   room it asks whether the connection stands.
 * @property {() => void} leave Goes without ending the room, which waits for its owner for its grace.
 */
/**
 * @template M
 * @typedef {(<K extends keyof import("./messages.js").StateOf<M> & string>(key: K, params: import("./messages.js").StateOf<M>[K],
 *   options: PublishOptions & { state: true }) => Promise<number | undefined>) &
 *   (<K extends keyof import("./messages.js").EventsOf<M> & string>(key: K, params: import("./messages.js").EventsOf<M>[K],
 *   options?: PublishOptions & { state?: false }) => Promise<number | undefined>) &
 *   (<K extends keyof import("./messages.js").StateOf<M> & keyof import("./messages.js").EventsOf<M> & string>(key: K,
 *   params: import("./messages.js").ParamsOf<M, K>, options?: PublishOptions) => Promise<number | undefined>)} Publish A value of the state, or an event.
 */
/**
 * @template [M=AnyMessages]
 * @typedef {HostMembers<M> & Disposable & AsyncDisposable} Host
 */
export {};
