export type AnyMessages = import("./viewer.js").AnyMessages;
export type Status = import("./viewer.js").Status;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
export type HostOptions = import("./owner.js").HostOptions;
export type Viewer<M> = import("./viewer.js").Viewer<M>;
export type Host<M> = import("./owner.js").Host<M>;
export type Accessor<T> = import("solid-js").Accessor<T>;
export type MaybeAccessor<T> = T | Accessor<T>;
/**
 * Watches a room until Solid's owner is disposed. `room` is set when the component is mounted; without `id` it waits. Another `url` or `id`
 * begins another room.
 * @template [M=AnyMessages]
 * @param {MaybeAccessor<string | URL>} url
 * @param {MaybeAccessor<string | null | undefined>} id
 * @param {MaybeAccessor<ViewerOptions | undefined>} [options] Read when the room is entered; later changes have no effect.
 * @returns {{ room: Accessor<Viewer<M> | undefined>, status: Accessor<Status>, audience: Accessor<{ viewers: number } | undefined> }}
 */
export declare function createRoom<M = AnyMessages>(url: MaybeAccessor<string | URL>, id: MaybeAccessor<string | null | undefined>, options?: MaybeAccessor<ViewerOptions | undefined>): {
    room: Accessor<Viewer<M> | undefined>;
    status: Accessor<Status>;
    audience: Accessor<{
        viewers: number;
    } | undefined>;
};
/**
 * Owns a room until Solid's owner is disposed. `id` is set when the room is created or found.
 * @template [M=AnyMessages]
 * @param {MaybeAccessor<string | URL>} url
 * @param {MaybeAccessor<HostOptions | undefined>} [options] Read when it begins. An accessor may use objects that only a browser has.
 * @returns {{ room: Accessor<Host<M> | undefined>, id: Accessor<string | undefined>, status: Accessor<Status>,
 *   audience: Accessor<import("./owner.js").Audience | undefined> }}
 */
export declare function createHost<M = AnyMessages>(url: MaybeAccessor<string | URL>, options?: MaybeAccessor<HostOptions | undefined>): {
    room: Accessor<Host<M> | undefined>;
    id: Accessor<string | undefined>;
    status: Accessor<Status>;
    audience: Accessor<import("./owner.js").Audience | undefined>;
};
/**
 * Returns the value of a key: its parameters, or `undefined` while it has no value.
 * @template S
 * @template {keyof S & string} K
 * @param {MaybeAccessor<{ state: import("./store.js").State<S> } | undefined>} room A viewer's or an owner's.
 * @param {MaybeAccessor<K>} key
 * @returns {Accessor<S[K] | undefined>}
 */
export declare function createRoomKey<S, K extends keyof S & string>(room: MaybeAccessor<{
    state: import("./store.js").State<S>;
} | undefined>, key: MaybeAccessor<K>): Accessor<S[K] | undefined>;
