export type Status = import("./status.js").Status;
export type Options = {
    /**
     * Ends it, or the attempts to get in.
     */
    signal?: AbortSignal;
    /**
     * What the server asks for.
     */
    token?: string;
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
     * it announced. Default 10 000. It doubles with each attempt that was not answered in time, up to 16 times.
     */
    answerTimeoutMs?: number;
    /**
     * Says what happens, to the console or to a function.
     */
    debug?: boolean | ((line: string) => void);
    /**
     * Instead of the global one.
     */
    WebSocket?: new (url: string, protocol: string) => WebSocket;
};
export type Part = {
    /**
     * The request that enters the room, on a new connection. Its `id` is ours.
     */
    enter: () => object;
    /**
     * Takes the refusal of a request with an `id` of ours. An
     * answer ends the connection; without one `enter` is asked again.
     */
    refused: (frame: any) => import("./failure.js").End | void;
    /**
     * Takes any other frame. A word ends the connection.
     */
    hear: (frame: any) => string | void;
    /**
     * How much it holds of what the server said.
     */
    size: () => number;
    /**
     * The status while it is in the room; empty while it is not all in.
     */
    position: () => string;
    /**
     * What else is to be told of that status.
     */
    more: () => Partial<Status>;
    /**
     * The connection is gone.
     */
    cut: () => void;
    /**
     * Hears each status.
     */
    tell: (status: Status) => void;
};
/**
 * Begins a way, which goes on until it is stopped.
 * @param {string | URL} url
 * @param {Options} options
 * @param {Part} part
 * @param {boolean} [isHeld] Whether it waits for `reconnect` to begin.
 */
export declare function course(url: string | URL, options: Options, part: Part, isHeld?: boolean): {
    /** Settled when it is in the room for the first time, or never will be. */
    entered: Promise<any>;
    status: () => import("./status.js").Status;
    listen: (target: any, type: string, func: () => void) => any;
    stop: (reason?: string, code?: number) => void;
    update: (isStep?: unknown) => void;
    backlog: () => any;
    send: (text: string) => number;
    /** The server has what was sent up to there. @param {number} upTo */
    proven: (upTo: number) => void;
    doubt: (cause: import("./liveness.js").Cause) => void;
    again: () => void;
    rest: (reason: string, code?: number) => void;
    /** Asks something; the answer is heard, or it is `refused`. @param {object} request */
    ask: (request: object) => number;
};
