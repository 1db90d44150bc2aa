export type StatusEvent = {
    status: "connecting" | "connected" | "reconnecting" | "refused" | "closed";
    /**
     * Why, in the server's or the SDK's words; empty for `connecting` and `connected`.
     */
    reason: string;
    /**
     * The close code, where a socket ended.
     */
    code?: number;
    /**
     * For `reconnecting`.
     */
    retryInMs?: number;
};
export type Options = {
    /**
     * The room to join; empty opens a room. Without it `?uuid=` of the page's address decides.
     */
    uuid?: string;
    /**
     * Whether a viewer comes
     * back after a lost connection, and with which delays. Default true.
     */
    reconnect?: boolean | {
        firstMs?: number;
        maxMs?: number;
        random?: () => number;
    };
    /**
     * How long one attempt may take until the room has answered. Default 10 000.
     */
    connectTimeoutMs?: number;
    /**
     * Says what happens, to the console or to a function. Default false.
     */
    debug?: boolean | ((line: string) => void);
    /**
     * Instead of the global one.
     */
    WebSocket?: new (url: string) => WebSocket;
    onStatus?: (event: StatusEvent) => void;
    /**
     * As the constructor's `errorCallback`.
     */
    onError?: (message: string, error?: unknown) => void;
};
/**
 * A change of the connection, which begins as `connecting`. `reconnecting` waits for the next attempt; it is `connecting`
 * again when that begins; `closed` is final and told once. `refused` is no change: the server did not take a message, the connection stands.
 * @typedef {object} StatusEvent
 * @property {"connecting" | "connected" | "reconnecting" | "refused" | "closed"} status
 * @property {string} reason Why, in the server's or the SDK's words; empty for `connecting` and `connected`.
 * @property {number} [code] The close code, where a socket ended.
 * @property {number} [retryInMs] For `reconnecting`.
 */
/**
 * @typedef {object} Options
 * @property {string} [uuid] The room to join; empty opens a room. Without it `?uuid=` of the page's address decides.
 * @property {boolean | { firstMs?: number, maxMs?: number, random?: () => number }} [reconnect] Whether a viewer comes
 *   back after a lost connection, and with which delays. Default true.
 * @property {number} [connectTimeoutMs] How long one attempt may take until the room has answered. Default 10 000.
 * @property {boolean | ((line: string) => void)} [debug] Says what happens, to the console or to a function. Default false.
 * @property {new (url: string) => WebSocket} [WebSocket] Instead of the global one.
 * @property {(event: StatusEvent) => void} [onStatus]
 * @property {(message: string, error?: unknown) => void} [onError] As the constructor's `errorCallback`.
 */
/** How long one attempt may take, in milliseconds. */
export declare const CONNECT_TIMEOUT_MS = 10000;
/**
 * Separates the seed's callbacks from the options, which may take the place of any of them.
 * @param {unknown[]} rest What follows the address.
 * @returns {{ callbacks: (Function | undefined)[], options: Options }}
 */
export declare function separate(rest: unknown[]): {
    callbacks: (Function | undefined)[];
    options: Options;
};
