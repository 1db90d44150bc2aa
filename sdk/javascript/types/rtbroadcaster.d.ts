export type Options = import("./classic-options.js").Options;
export type StatusEvent = import("./classic-options.js").StatusEvent;
export type Handler = import("./classic-subscriptions.js").Handler;
/** A client of the classic protocol, for one room. */
export declare class RTBroadcaster {
    #private;
    constructor(url: string | URL, options?: Options);
    constructor(url: string | URL, onConnectionCallback?: ((uuid: string) => void) | null, openCallback?: (() => void) | null, closeCallback?: (() => void) | null, errorCallback?: ((message: string, error?: unknown) => void) | null, options?: Options);
    /** Whether this client is in its room now. */
    get connected(): boolean;
    /** Whether this client is the owner of its room, which may publish. */
    get isOwner(): boolean;
    /** The id of the room; empty until the server has sent it. */
    get uuid(): string;
    /** The status: `connecting`, `connected`, `reconnecting` or `closed`. */
    get status(): "closed" | "connected" | "connecting" | "reconnecting";
    /** The number of unsent bytes in the socket. */
    get bufferedAmount(): number;
    /**
     * Calls `func` with the parameters of each message of `key`, instead of the earlier function of `key`. Returns a function that
     * unsubscribes. Throws a `TypeError` if `func` is not a function.
     * @param {string} key
     * @param {Handler} func
     * @returns {() => void}
     */
    subscribe(key: string, func: Handler): () => void;
    /** Unsubscribes from `key`. @param {string} key */
    unsubscribe(key: string): void;
    /** The old library's name of `subscribe`. @param {string} key @param {Handler} func */
    suscribeFunc(key: string, func: Handler): void;
    /** The old library's name of `unsubscribe`. @param {string} key */
    unsuscribeFunc(key: string): void;
    /**
     * Sends a message to all viewers. Throws a `TypeError` if `key` is not a non-empty string, or `params` not an array.
     * @param {string} key
     * @param {any[]} [params] Default `[]`.
     * @param {boolean} [isState] Whether it is the new value of `key`, which late viewers get too. Default false.
     * @returns {boolean} Whether the socket took it. False for viewers, without a connection, and while the socket has 64 MiB of unsent bytes.
     */
    sendAction(key: string, params?: any[], isState?: boolean): boolean;
    /** Leaves the room; an owner ends it. Afterwards only `onStatus` and `closeCallback` are called. */
    close(): void;
}
