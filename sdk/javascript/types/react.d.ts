import { RtbError } from "./viewer.js";
export type AnyMessages = import("./viewer.js").AnyMessages;
export type HostOptions = import("./owner.js").HostOptions;
export type Status = import("./viewer.js").Status;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
export type Host<M> = import("./owner.js").Host<M>;
export type Viewer<M> = import("./viewer.js").Viewer<M>;
export type Value<T, N = T> = import("./ears.js").Value<T, N>;
export type ErrorOptions = {
    throwOnError?: boolean | ((error: RtbError) => boolean);
};
export type Used<E> = {
    /**
     * There from the first effect on; `undefined` on a server.
     */
    room: E | undefined;
    /**
     * Where it stands; `connecting` while there is no room.
     */
    status: Status;
    /**
     * Why it is over, unless the program ended it; the same object until it begins anew.
     */
    error: RtbError | undefined;
    /**
     * Begins anew if it is over; else it tries now to come back.
     */
    retry: () => void;
};
/**
 * Gives the components below an address and options, which theirs come before, and the room `id`, if there is one, as `useRoom()`.
 * @param {{ url?: string | URL, id?: string | null, options?: ViewerOptions & ErrorOptions, children?: any }} props `children`: any node of React; its
 *   types need not be installed.
 * @returns {any} An element.
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
 * Owns a room for as long as the component is there, one room also in StrictMode: a new one unless `room` or `storage` name one.
 * A component that goes leaves the room, which waits for its owner for its grace.
 * @template [M=AnyMessages]
 * @param {string | URL | undefined} url That of the `RoomProvider` if it is `undefined`.
 * @param {HostOptions & ErrorOptions} [options] Read when the room is begun: of other options only another `room` changes something.
 * @returns {Used<Host<M>>}
 */
export declare function useHost<M = AnyMessages>(url: string | URL | undefined, options?: HostOptions & ErrorOptions): Used<Host<M>>;
/**
 * What a key of a room holds: its parameters, `undefined` while it holds nothing. Renders when this key changes only.
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
 * How many watch, `undefined` while it is not known. An owner is told more than a viewer.
 * @template A
 * @param {{ audience: Value<A | undefined, any> } | undefined} room
 * @returns {A | undefined}
 */
export declare function useAudience<A>(room: {
    audience: Value<A | undefined, any>;
} | undefined): A | undefined;
/**
 * Where a room stands, as `useRoom` tells it, for components that get the room as a property.
 * @param {{ status: Value<Status> } | undefined} room
 * @returns {Status}
 */
export declare function useStatus(room: {
    status: Value<Status>;
} | undefined): Status;
