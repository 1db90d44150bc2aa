export type AnyMessages = import("./viewer.js").AnyMessages;
export type Status = import("./viewer.js").Status;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
export type HostOptions = import("./owner.js").HostOptions;
export type Viewer<M> = import("./viewer.js").Viewer<M>;
export type Host<M> = import("./owner.js").Host<M>;
export type ComputedRef<T> = import("vue").ComputedRef<T>;
export type MaybeRefOrGetter<T> = import("vue").MaybeRefOrGetter<T>;
/**
 * Watches a room for as long as the component is there. `room` is there when the component is mounted; without `id` nothing is
 * watched. Another `url` or `id` is another room.
 * @template [M=AnyMessages]
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<string | null | undefined>} id
 * @param {MaybeRefOrGetter<ViewerOptions | undefined>} [options] Read when the room is entered: other options alone change nothing.
 * @returns {{ room: ComputedRef<Viewer<M> | undefined>, status: ComputedRef<Status>, audience: ComputedRef<{ viewers: number } | undefined> }}
 */
export declare function useRoom<M = AnyMessages>(url: MaybeRefOrGetter<string | URL>, id: MaybeRefOrGetter<string | null | undefined>, options?: MaybeRefOrGetter<ViewerOptions | undefined>): {
    room: ComputedRef<Viewer<M> | undefined>;
    status: ComputedRef<Status>;
    audience: ComputedRef<{
        viewers: number;
    } | undefined>;
};
/**
 * Owns a room for as long as the component is there. Its `id` is there when the room is.
 * @template [M=AnyMessages]
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<HostOptions | undefined>} [options] Read when it begins. A getter may name what only a browser has.
 * @returns {{ room: ComputedRef<Host<M> | undefined>, id: ComputedRef<string | undefined>, status: ComputedRef<Status>,
 *   audience: ComputedRef<import("./owner.js").Audience | undefined> }}
 */
export declare function useHost<M = AnyMessages>(url: MaybeRefOrGetter<string | URL>, options?: MaybeRefOrGetter<HostOptions | undefined>): {
    room: ComputedRef<Host<M> | undefined>;
    id: ComputedRef<string | undefined>;
    status: ComputedRef<Status>;
    audience: ComputedRef<import("./owner.js").Audience | undefined>;
};
/**
 * Returns what a key of a room holds: its parameters, `undefined` while it holds nothing.
 * @template S
 * @template {keyof S & string} K
 * @param {MaybeRefOrGetter<{ state: import("./store.js").State<S> } | undefined>} room A viewer's or an owner's.
 * @param {MaybeRefOrGetter<K>} key
 * @returns {ComputedRef<S[K] | undefined>}
 */
export declare function useRoomKey<S, K extends keyof S & string>(room: MaybeRefOrGetter<{
    state: import("./store.js").State<S>;
} | undefined>, key: MaybeRefOrGetter<K>): ComputedRef<S[K] | undefined>;
