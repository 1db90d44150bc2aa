export type PublishOptions = {
    /**
     * Whether it is the newest value of its key, for those who come later too.
     */
    state?: boolean;
    /**
     * Whether only those who are there now get it, without a number or an acknowledgement.
     */
    ephemeral?: boolean;
    /**
     * How long to wait for the acknowledgement, `Infinity` for ever. Default 30 000, and 1 000 more for each
     * 2 048 bytes that are to be sent up to its end.
     */
    timeoutMs?: number;
    /**
     * Takes it back if it was not sent yet, so that what it superseded is said instead, and waits no longer.
     */
    signal?: AbortSignal;
};
export type Entry = {
    id?: string;
    key: string;
    text: string;
    bytes: number;
    at: number;
    sent: number;
    waiters: Set<Waiter>;
    older?: Entry;
};
export type Waiter = (error: any, seq?: number) => void;
/**
 * What is to be said, and by when.
 * @typedef {object} PublishOptions
 * @property {boolean} [state] Whether it is the newest value of its key, for those who come later too.
 * @property {boolean} [ephemeral] Whether only those who are there now get it, without a number or an acknowledgement.
 * @property {number} [timeoutMs] How long to wait for the acknowledgement, `Infinity` for ever. Default 30 000, and 1 000 more for each
 *   2 048 bytes that are to be sent up to its end.
 * @property {AbortSignal} [signal] Takes it back if it was not sent yet, so that what it superseded is said instead, and waits no longer.
 */
/**
 * @typedef {{ id?: string, key: string, text: string, bytes: number, at: number, sent: number, waiters: Set<Waiter>, older?: Entry }} Entry
 *   `older`: what it supersedes, as long as it may be taken back.
 * @typedef {(error: any, seq?: number) => void} Waiter
 */
/**
 * What one owner says.
 * @param {{ send: (text: string) => number, backlog: () => number, stay: () => { proven: (upTo: number) => void, doubt: (cause: "silent") => void } | undefined }} way
 * @param {() => import("./grammar.js").Limits} limits
 * @param {(message: any) => void} acked Hears what is safe, with its number.
 */
export declare function outgoing({ send: pass, backlog, stay }: {
    send: (text: string) => number;
    backlog: () => number;
    stay: () => {
        proven: (upTo: number) => void;
        doubt: (cause: "silent") => void;
    } | undefined;
}, limits: () => import("./grammar.js").Limits, acked: (message: any) => void): {
    flush: () => void;
    timeout: (more?: number) => number;
    waiting: () => number;
    isEmpty: () => boolean;
    /**
     * Says something, and gives its number when it is safe; of a value that was superseded that of the newer one.
     * @param {"publish" | "clear"} type
     * @param {string} key
     * @param {any[] | undefined} params
     * @param {PublishOptions} [options]
     * @returns {Promise<number | undefined>}
     */
    say(type: "publish" | "clear", key: string, params: any[] | undefined, options?: PublishOptions): Promise<number | undefined>;
    /** There is a connection: what may not have come is said again, then what waits; what the server takes no more is refused. */
    resume(): void;
    /** @param {string} id @param {number} seq */
    acked(id: string, seq: number): void;
    /** @param {string} id @param {{ code: string, message: string }} refused */
    refused(id: string, { code, message }: {
        code: string;
        message: string;
    }): void;
    /** The connection is gone: no acknowledgement can come. */
    cut(): void;
    /** Nothing is said any more, unless it is resumed. @param {unknown} error */
    end(error: unknown): void;
};
