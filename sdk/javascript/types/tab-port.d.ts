export type Hello = {
    address: string;
    room: string;
    token?: string;
    /**
     * Whether the tab has a `token` function, which the worker may call.
     */
    hasTokens?: boolean;
    reconnect?: {
        firstMs?: number;
        maxMs?: number;
    };
    answerTimeoutMs?: number;
    /**
     * The name of a lock that the tab holds while it is open.
     */
    lock?: string;
};
export type PortEvents = {
    hello: (hello: Hello) => void;
    frame: (text: string) => void;
    shown: () => void;
    token: (answer: {
        answers: number;
        token?: string;
        error?: string;
    }) => void;
    silent: () => void;
    gone: (isBack: boolean) => void;
};
export type TabPort = ReturnType<typeof tabPort>;
/**
 * The first message of a tab.
 * @typedef {object} Hello
 * @property {string} address
 * @property {string} room
 * @property {string} [token]
 * @property {boolean} [hasTokens] Whether the tab has a `token` function, which the worker may call.
 * @property {{ firstMs?: number, maxMs?: number }} [reconnect]
 * @property {number} [answerTimeoutMs]
 * @property {string} [lock] The name of a lock that the tab holds while it is open.
 */
/**
 * The events of a port. `hello`: the tab sent its first message. `frame`: the tab sends a frame. `shown`: the tab was shown. `token`: the
 * tab answers a request for a token. `silent`: the tab does not answer pings. `gone`: the tab was closed, or disconnected; `isBack`:
 * whether it may reconnect.
 * @typedef {{ hello: (hello: Hello) => void, frame: (text: string) => void, shown: () => void,
 *   token: (answer: { answers: number, token?: string, error?: string }) => void, silent: () => void, gone: (isBack: boolean) => void }} PortEvents
 */
/** @typedef {ReturnType<typeof tabPort>} TabPort */
/**
 * Returns the port to one tab, and listens to it.
 * @param {MessagePort} port
 * @param {PortEvents} events
 * @param {LockManager} [locks]
 */
export declare function tabPort(port: MessagePort, events: PortEvents, locks?: LockManager): {
    /** Sends a message that is not a frame. @param {object} word */
    post: (word: object) => void;
    /**
     * Sends frames. Returns false, and sends none, if the tab has too many unacknowledged characters.
     * @param {string[]} texts @param {boolean} [isAsked] Whether the tab asked for them: then any number is sent.
     */
    send(texts: string[], isAsked?: boolean): boolean;
    /** Ignores the port from now on. */
    end(): void;
};
