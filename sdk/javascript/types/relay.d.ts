export type Tab = {
    port: import("./tab-port.js").TabPort;
    state: "new" | "asking" | "in" | "out" | "gone";
    hello?: import("./tab-port.js").Hello;
    /**
     * The request that waits for its answer.
     */
    ask?: any;
    /**
     * The timeout of that request.
     */
    timer?: ReturnType<typeof setTimeout>;
    isPaused: boolean;
    /**
     * Whether it paused during a replay of the state, which it gets completely.
     */
    isFilling: boolean;
    /**
     * The cursor at which it paused.
     */
    pausedAt?: import("./store.js").Cursor;
};
/**
 * A tab. Its state is `new` until it asks for the room, `asking` until it is answered, then `in`. It is `out` when its connection was closed,
 * until the relay notifies it that it may reconnect.
 * @typedef {object} Tab
 * @property {import("./tab-port.js").TabPort} port
 * @property {"new" | "asking" | "in" | "out" | "gone"} state
 * @property {import("./tab-port.js").Hello} [hello]
 * @property {any} [ask] The request that waits for its answer.
 * @property {ReturnType<typeof setTimeout>} [timer] The timeout of that request.
 * @property {boolean} isPaused
 * @property {boolean} isFilling Whether it paused during a replay of the state, which it gets completely.
 * @property {import("./store.js").Cursor} [pausedAt] The cursor at which it paused.
 */
/**
 * Returns the relay for the tabs of one room. The tabs agree in everything that the server can distinguish.
 * @param {object} outside
 * @param {(url: string, room: string, options: any) => any} outside.watch
 * @param {any} outside.WebSocket
 * @param {EventTarget & { hidden: boolean }} outside.page The viewer's page: hidden while no tab wants messages.
 * @param {(show: any, func: (status: any) => void) => void} outside.listen Subscribes `func` to the status of a viewer.
 * @param {LockManager} [outside.locks]
 */
export declare function relay({ watch, WebSocket, page, listen, locks }: {
    watch: (url: string, room: string, options: any) => any;
    WebSocket: any;
    page: EventTarget & {
        hidden: boolean;
    };
    listen: (show: any, func: (status: any) => void) => void;
    locks?: LockManager;
}): {
    connect: (port: MessagePort) => void;
};
