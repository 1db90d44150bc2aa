export type Status = import("./course.js").Status;
export type ListenOptions = import("./ears.js").ListenOptions;
export type PublishOptions = import("./outgoing.js").PublishOptions;
export type Cursor = import("./store.js").Cursor;
export type AnyMessages = import("./viewer.js").AnyMessages;
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
export type HostEvents = {
    signal: (signal: Signal) => void;
    audience: (audience: Audience) => void;
    status: (status: Status) => void;
    /**
     * The server lost acknowledged messages; `state` holds what the server has. If
     * nothing listens, as before `host` has resolved after a reload, the first listener gets the newest one at once.
     */
    reset: (reset: OwnerReset) => void;
    /**
     * After each change that is acknowledged.
     */
    state: (state: ReadonlyMap<string, any[]>) => void;
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
export type HostOptions = import("./course.js").Options & Beginning;
export type Host<M> = {
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
    status: Status;
    /**
     * What holds in the room, as far as it is acknowledged.
     */
    state: import("./store.js").State<M>;
    /**
     * Calls `func` for an event, or for the signals of a key. The answer ends it.
     */
    on: <N extends string>(name: N, func: N extends keyof HostEvents ? HostEvents[N] : (signal: Signal) => void, options?: ListenOptions) => () => void;
    /**
     *   Says something, and gives its number when it is safe.
     */
    publish: <K extends keyof M & string>(key: K, params: M[K], options?: PublishOptions) => Promise<number | undefined>;
    /**
     * The key holds nothing any more.
     */
    clear: (key: keyof M & string, options?: PublishOptions) => Promise<number | undefined>;
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
     * Tries now to come back, whatever was planned; takes the room back from another window. In the
     * room it asks whether the connection stands.
     */
    reconnect: () => void;
    /**
     * Goes without ending the room, which waits for its owner for its grace.
     */
    leave: () => void;
};
/**
 * Owns a room, a new one unless `room` or `storage` name one, and comes back to it by itself.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url Where the server is, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {HostOptions} [options]
 * @returns {Promise<Host<M>>} Rejects with a `Failure`, with the signal's reason, or with a `TypeError` if an option is wrong.
 */
export declare function host<M extends {
    [K in keyof M]: any[];
} = AnyMessages>(url: string | URL, options?: HostOptions): Promise<Host<M>>;
/**
 * Begins to own a room: as `host`, but the room is there at once, with a status that tells how it goes. Until it is in, its `id`
 * and `ownerKey` may be empty, events fail with `offline`, and values wait.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url
 * @param {HostOptions} [options]
 * @returns {Host<M>} Throws a `TypeError` if an option is wrong.
 */
export declare function own<M extends {
    [K in keyof M]: any[];
} = AnyMessages>(url: string | URL, options?: HostOptions): Host<M>;
