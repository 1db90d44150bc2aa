export type Options = {
    /**
     * Aborts the wait for the room. It has no effect after the client has entered the room.
     */
    signal?: AbortSignal;
    /**
     * Leaves the room whenever it aborts, like `leave()`.
     */
    lifetime?: AbortSignal;
    /**
     * The token, for servers that require one. A function is called before each
     * connection, and when the server announces that the token expires.
     */
    token?: string | (() => string | Promise<string>);
    /**
     * The bounds of the delays between attempts, in
     * milliseconds. Default 500 and 15 000. `false`: do not reconnect before `reconnect()` is called.
     */
    reconnect?: false | {
        firstMs?: number;
        maxMs?: number;
        random?: () => number;
    };
    /**
     * The timeout for the server's answer, and for each message of a state or replay that it announced,
     * in milliseconds. Default 10 000; `Infinity`: no timeout. It doubles with each attempt that times out, up to 16 times.
     */
    answerTimeoutMs?: number;
    /**
     * Logs each status, to the console or to a function. `frames` also logs the type and length of each frame, `contents` all of it.
     */
    debug?: boolean | "status" | "frames" | "contents" | ((line: string) => void) | {
        level?: "status" | "frames" | "contents";
        log: (line: string) => void;
    };
    /**
     * The class to connect with. Default the global `WebSocket`.
     */
    WebSocket?: new (url: string, protocol: string) => WebSocket;
};
/**
 * Returns the dialer of one client, which opens its sockets.
 * @param {string | URL} url
 * @param {Options} options
 * @param {(WebSocket: any, address: string) => Promise<any>} [replace] Returns the class to connect with instead of this one.
 */
export declare function dialer(url: string | URL, { debug, token, reconnect, answerTimeoutMs, WebSocket: Socket }: Options, replace?: (WebSocket: any, address: string) => Promise<any>): {
    /** @type {string | undefined} The program's mistake, as a sentence. */
    mistake: string | undefined;
    /** Logs a status, if `debug` is set. @param {object} status */
    log: (status: object) => any;
    renew: () => Promise<string | undefined>;
    token: () => string | undefined;
    /** Returns a promise that resolves when a socket may be opened; `undefined` if one may be opened now. */
    prepare: () => Promise<void> | undefined;
    /** Opens a socket. Throws if the browser does not allow the connection. */
    open: () => WebSocket;
    /** Returns whether the server chose version 2. @param {any} socket */
    isOurs: (socket: any) => boolean;
};
