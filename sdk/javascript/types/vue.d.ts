export type AnyMessages = import("./viewer.js").AnyMessages;
export type Status = import("./viewer.js").Status;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
export type HostOptions = import("./owner.js").HostOptions;
export type Viewer<M> = import("./viewer.js").Viewer<M>;
export type Host<M> = import("./owner.js").Host<M>;
export type ComputedRef<T> = import("vue").ComputedRef<T>;
export type MaybeRefOrGetter<T> = import("vue").MaybeRefOrGetter<T>;
/**
 * Watches a room while the component is mounted. `room` is set when the component is mounted; without `id` it waits. Another `url` or `id`
 * begins another room.
 * @template [M=AnyMessages]
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<string | null | undefined>} id
 * @param {MaybeRefOrGetter<ViewerOptions | undefined>} [options] Read when the room is entered; later changes have no effect.
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
 * Owns a room while the component is mounted. `id` is set when the room is created or found.
 * @template [M=AnyMessages]
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<HostOptions | undefined>} [options] Read when it begins. A getter may use objects that only a browser has.
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
 * Returns a ref of a key's value: its parameters, or `undefined` while it has no value.
 * @template S
 * @template {keyof S & string} K
 * @param {MaybeRefOrGetter<{ state: import("./store.js").State<S> } | undefined>} room A viewer's or an owner's.
 * @param {MaybeRefOrGetter<K>} key
 * @returns {ComputedRef<S[K] | undefined>}
 */
export declare function useRoomKey<S, K extends keyof S & string>(room: MaybeRefOrGetter<{
    state: import("./store.js").State<S>;
} | undefined>, key: MaybeRefOrGetter<K>): ComputedRef<S[K] | undefined>;
