export type Options = {
    /**
     * Ends the wait for the room. Once the end is in, it means nothing.
     */
    signal?: AbortSignal;
    /**
     * Ends it whenever it aborts, as `leave()` does.
     */
    lifetime?: AbortSignal;
    /**
     * What the server asks for. A function is asked before each connection,
     * and when the server says that the token expires.
     */
    token?: string | (() => string | Promise<string>);
    /**
     * False: a lost connection stays lost
     * until `reconnect()` is called. Else the bounds of the delays; 500 and 15 000.
     */
    reconnect?: false | {
        firstMs?: number;
        maxMs?: number;
        random?: () => number;
    };
    /**
     * How long the server may take to answer, and for each message of a state or catch-up that
     * it announced. Default 10 000; `Infinity` for ever. It doubles with each attempt that was not answered in time, up to 16 times.
     */
    answerTimeoutMs?: number;
    /**
     * Tells each status, to the console or to a function; with `frames` the kind and length of each frame too, with `contents` all of it.
     */
    debug?: boolean | "status" | "frames" | "contents" | ((line: string) => void) | {
        level?: "status" | "frames" | "contents";
        log: (line: string) => void;
    };
    /**
     * Instead of the global one.
     */
    WebSocket?: new (url: string, protocol: string) => WebSocket;
};
/**
 * Returns what opens the sockets of one end.
 * @param {string | URL} url
 * @param {Options} options
 * @param {(WebSocket: any, address: string) => Promise<any>} [replace] Returns what connects instead of this class.
 */
export declare function dialer(url: string | URL, { debug, token, reconnect, answerTimeoutMs, WebSocket: Socket }: Options, replace?: (WebSocket: any, address: string) => Promise<any>): {
    /** @type {string | undefined} What the program got wrong. */
    wrong: string | undefined;
    /** Tells a status, where that is wanted. @param {object} status */
    log: (status: object) => any;
    renew: () => Promise<string | undefined>;
    token: () => string | undefined;
    /** Returns a promise of what has to be there before there may be a socket; nothing if all of it is. */
    prepare: () => Promise<void> | undefined;
    /** Throws where the browser allows no such connection. */
    open: () => WebSocket;
    /** Whether the server speaks version 2. @param {any} socket */
    isOurs: (socket: any) => boolean;
};
