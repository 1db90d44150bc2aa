export type Options = import("./options.js").Options;
export type StatusEvent = import("./options.js").StatusEvent;
export type Handler = import("./subscriptions.js").Handler;
export declare class RTBroadcaster {
    #private;
    constructor(url: string | URL, options?: Options);
    constructor(url: string | URL, onConnectionCallback?: ((uuid: string) => void) | null, openCallback?: (() => void) | null, closeCallback?: (() => void) | null, errorCallback?: ((message: string, error?: unknown) => void) | null, options?: Options);
    /** Whether this client is in its room at the moment. */
    get connected(): boolean;
    /** Whether this client opened its room and may speak in it. */
    get isOwner(): boolean;
    /** The room, or an empty string until the server has named it. */
    get uuid(): string;
    /** Where the connection stands: `connecting`, `connected`, `reconnecting` or `closed`. */
    get status(): "closed" | "connected" | "connecting" | "reconnecting";
    /** Bytes that were said and have not left yet. */
    get bufferedAmount(): number;
    /**
     * Calls `func` with the parameters of every message of `key`, instead of the function before. The answer ends this.
     * @param {string} key
     * @param {Handler} func
     * @returns {() => void}
     */
    subscribe(key: string, func: Handler): () => void;
    /** Calls nothing for `key` any more. @param {string} key */
    unsubscribe(key: string): void;
    /** `subscribe` as the seed spells it. @param {string} key @param {Handler} func */
    suscribeFunc(key: string, func: Handler): void;
    /** `unsubscribe` as the seed spells it. @param {string} key */
    unsuscribeFunc(key: string): void;
    /**
     * Says something to all viewers.
     * @param {string} key
     * @param {any[]} [params]
     * @param {boolean} [isState] Whether viewers that come later get it too, as the newest value of `key`.
     * @returns {boolean} Whether it was handed to the socket; false for viewers, while there is no connection, and while 64 MiB
     *   wait in it.
     */
    sendAction(key: string, params?: any[], isState?: boolean): boolean;
    /** Leaves; an owner ends the room for everybody. Nothing is called afterwards but what tells the end. */
    close(): void;
}
