export type AnyMessages = import("./viewer.js").AnyMessages;
export type Status = import("./viewer.js").Status;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
export type HostOptions = import("./owner.js").HostOptions;
export type Viewer<M> = import("./viewer.js").Viewer<M>;
export type Host<M> = import("./owner.js").Host<M>;
export type Readable<T> = import("svelte/store").Readable<T>;
/**
 * Watches a room while one of its stores, or a store of `createRoomKey`, has a subscriber. Without an id it waits.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {string | null | undefined | Readable<string | null | undefined>} id The id, or a store of it.
 * @param {ViewerOptions} [options]
 * @returns {{ room: Readable<Viewer<M> | undefined>, status: Readable<Status>, audience: Readable<{ viewers: number } | undefined> }}
 */
export declare function createRoom<M = AnyMessages>(url: string | URL, id: string | null | undefined | Readable<string | null | undefined>, options?: ViewerOptions): {
    room: Readable<Viewer<M> | undefined>;
    status: Readable<Status>;
    audience: Readable<{
        viewers: number;
    } | undefined>;
};
/**
 * Owns a room while one of its stores has a subscriber. `id` is set when the room is created or found.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {HostOptions | (() => HostOptions)} [options] A function may use objects that only a browser has.
 * @returns {{ room: Readable<Host<M> | undefined>, id: Readable<string | undefined>, status: Readable<Status>,
 *   audience: Readable<import("./owner.js").Audience | undefined> }}
 */
export declare function createHost<M = AnyMessages>(url: string | URL, options?: HostOptions | (() => HostOptions)): {
    room: Readable<Host<M> | undefined>;
    id: Readable<string | undefined>;
    status: Readable<Status>;
    audience: Readable<import("./owner.js").Audience | undefined>;
};
/**
 * Returns a store of a key's value: its parameters, or `undefined` while it has no value.
 * @template S
 * @template {keyof S & string} K
 * @param {Readable<{ state: import("./store.js").State<S> } | undefined> | { state: import("./store.js").State<S> } | undefined} room A
 *   viewer's or an owner's.
 * @param {K | Readable<K>} key
 * @returns {Readable<S[K] | undefined>}
 */
export declare function createRoomKey<S, K extends keyof S & string>(room: Readable<{
    state: import("./store.js").State<S>;
} | undefined> | {
    state: import("./store.js").State<S>;
} | undefined, key: K | Readable<K>): Readable<S[K] | undefined>;
