import { RtbError } from "./viewer.js";
export type AnyMessages = import("./viewer.js").AnyMessages;
export type HostOptions = import("./owner.js").HostOptions;
export type Status = import("./viewer.js").Status;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
export type Host<M> = import("./owner.js").Host<M>;
export type Viewer<M> = import("./viewer.js").Viewer<M>;
export type Value<T, N = T> = import("./listeners.js").Value<T, N>;
export type ErrorOptions = {
    throwOnError?: boolean | ((error: RtbError) => boolean);
};
export type Used<E> = {
    /**
     * The viewer or owner, from the first effect on; `undefined` on a server.
     */
    room: E | undefined;
    /**
     * The status; `connecting` while there is no room.
     */
    status: Status;
    /**
     * The error with which the room closed, unless the program closed it. The same object until a retry.
     */
    error: RtbError | undefined;
    /**
     * Begins anew if the room is closed; else reconnects now.
     */
    retry: () => void;
};
/**
 * Provides the components below with an address, default options and, if `id` is given, the room that `useRoom()` returns.
 * @param {{ url?: string | URL, id?: string | null, options?: ViewerOptions & ErrorOptions, children?: any }} props `children`: any node of React; its
 *   types need not be installed.
 * @returns {any} A React element.
 */
export declare function RoomProvider({ url, id, options, children }: {
    url?: string | URL;
    id?: string | null;
    options?: ViewerOptions & ErrorOptions;
    children?: any;
}): any;
export declare function useRoom<M = AnyMessages>(): Used<Viewer<M>>;
export declare function useRoom<M = AnyMessages>(id: string | null | undefined): Used<Viewer<M>>;
export declare function useRoom<M = AnyMessages>(id: string | null | undefined, options: ViewerOptions & ErrorOptions): Used<Viewer<M>>;
export declare function useRoom<M = AnyMessages>(url: string | URL | undefined, id: string | null | undefined, options?: ViewerOptions & ErrorOptions): Used<Viewer<M>>;
/**
 * Owns a room while the component is mounted: the existing one that `room` or `storage` name, or a new one; one room also in StrictMode.
 * A component that unmounts leaves the room, which waits for its owner for its grace.
 * @template [M=AnyMessages]
 * @param {string | URL | undefined} url Default the address of the `RoomProvider`.
 * @param {HostOptions & ErrorOptions} [options] Read when the room is begun. Of later changes only another `room` has an effect.
 * @returns {Used<Host<M>>}
 */
export declare function useHost<M = AnyMessages>(url: string | URL | undefined, options?: HostOptions & ErrorOptions): Used<Host<M>>;
/**
 * Returns the value of a key: its parameters, or `undefined` while it has no value. Renders only when this key changes.
 * @template M
 * @template {keyof import("./messages.js").StateOf<M> & string} K
 * @param {Viewer<M> | Host<M> | undefined} room
 * @param {K} key
 * @returns {import("./messages.js").StateOf<M>[K] | undefined}
 */
export declare function useRoomKey<M, K extends keyof import("./messages.js").StateOf<M> & string>(room: Viewer<M> | Host<M> | undefined, key: K): import("./messages.js").StateOf<M>[K] | undefined;
export declare function useRoomEvent<M, K extends import("./messages.js").KeyOf<M>>(room: Viewer<M> | undefined, key: K, func: (...params: import("./messages.js").ParamsOf<M, K>) => void): void;
export declare function useRoomEvent<M, K extends keyof import("./messages.js").SignalsOf<M> & string>(room: Host<M> | undefined, key: K, func: (signal: Extract<import("./messages.js").SignalOf<M>, {
    key: K;
}>) => void): void;
/**
 * Returns the audience, or `undefined` while it is unknown. An owner's has more members than a viewer's.
 * @template A
 * @param {{ audience: Value<A | undefined, any> } | undefined} room
 * @returns {A | undefined}
 */
export declare function useAudience<A>(room: {
    audience: Value<A | undefined, any>;
} | undefined): A | undefined;
/**
 * Returns the status of a room, for components that get the room as a property; `connecting` without a room.
 * @param {{ status: Value<Status> } | undefined} room
 * @returns {Status}
 */
export declare function useStatus(room: {
    status: Value<Status>;
} | undefined): Status;
