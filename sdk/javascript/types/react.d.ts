export type AnyMessages = import("./viewer.js").AnyMessages;
export type Status = import("./viewer.js").Status;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
/**
 * Watches a room for as long as the component is there. `room` is there from the first effect on; hand it to
 * `useRoomKey`. Without `id` nothing is watched.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url
 * @param {string | null | undefined} id
 * @param {ViewerOptions} [options] Read when the room is entered: other options alone change nothing.
 * @returns {{ room: import("./viewer.js").Viewer<M> | undefined, status: Status }}
 */
export declare function useRoom<M extends {
    [K in keyof M]: any[];
} = AnyMessages>(url: string | URL, id: string | null | undefined, options?: ViewerOptions): {
    room: import("./viewer.js").Viewer<M> | undefined;
    status: Status;
};
/**
 * What a key of a room holds: its parameters, `undefined` while it holds nothing. Renders when this key changes only.
 * @template {{ [K in keyof M]: any[] }} M
 * @template {keyof M & string} K
 * @param {{ state: import("./store.js").State<M> } | undefined} room A viewer's or an owner's.
 * @param {K} key
 * @returns {M[K] | undefined}
 */
export declare function useRoomKey<M extends {
    [K in keyof M]: any[];
}, K extends keyof M & string>(room: {
    state: import("./store.js").State<M>;
} | undefined, key: K): M[K] | undefined;
