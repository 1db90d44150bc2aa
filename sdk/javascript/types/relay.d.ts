export type Tab = {
    line: import("./line.js").Line;
    state: "new" | "asking" | "in" | "out" | "gone";
    hello?: import("./line.js").Hello;
    /**
     * The request that waits for its answer.
     */
    ask?: any;
    /**
     * The end of that wait.
     */
    timer?: ReturnType<typeof setTimeout>;
    isPaused: boolean;
    /**
     * Whether it paused while a state was on its way to it, which it gets to its end.
     */
    isFilling: boolean;
    /**
     * Where it paused.
     */
    place?: import("./store.js").Cursor;
};
/**
 * A tab. It is `new` until it asks for the room; `asking` until it is answered; then `in`; and `out` when its connection was ended and
 * it is to be told when another one makes sense.
 * @typedef {object} Tab
 * @property {import("./line.js").Line} line
 * @property {"new" | "asking" | "in" | "out" | "gone"} state
 * @property {import("./line.js").Hello} [hello]
 * @property {any} [ask] The request that waits for its answer.
 * @property {ReturnType<typeof setTimeout>} [timer] The end of that wait.
 * @property {boolean} isPaused
 * @property {boolean} isFilling Whether it paused while a state was on its way to it, which it gets to its end.
 * @property {import("./store.js").Cursor} [place] Where it paused.
 */
/**
 * Returns what serves the tabs of one room. They agree in everything that the server can tell apart.
 * @param {object} outside
 * @param {(url: string, room: string, options: any) => any} outside.watch
 * @param {any} outside.WebSocket
 * @param {EventTarget & { hidden: boolean }} outside.page What the viewer takes for its page: hidden while no tab wants messages.
 * @param {(show: any, tell: (status: any) => void) => void} outside.listen Has each status of a viewer told.
 * @param {LockManager} [outside.locks]
 */
export declare function relay({ watch, WebSocket, page, listen, locks }: {
    watch: (url: string, room: string, options: any) => any;
    WebSocket: any;
    page: EventTarget & {
        hidden: boolean;
    };
    listen: (show: any, tell: (status: any) => void) => void;
    locks?: LockManager;
}): {
    connect: (port: MessagePort) => void;
};
