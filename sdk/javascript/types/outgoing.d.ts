export type PublishOptions = {
    /**
     * Whether it is the new value of its key, which late viewers get too. Default false.
     */
    state?: boolean;
    /**
     * Whether to send it only to the present viewers, without a number or an acknowledgement. Default false.
     */
    ephemeral?: boolean;
    /**
     * The timeout of the acknowledgement, in milliseconds; `Infinity`: no timeout. Default 30 000, and 1 000 more
     * for each 2 048 bytes that are unacknowledged, this message included.
     */
    timeoutMs?: number;
    /**
     * Rejects the promise, and drops the message if it was not sent yet: then the value that it superseded is
     * sent instead.
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
 * The options of `publish`.
 * @typedef {object} PublishOptions
 * @property {boolean} [state] Whether it is the new value of its key, which late viewers get too. Default false.
 * @property {boolean} [ephemeral] Whether to send it only to the present viewers, without a number or an acknowledgement. Default false.
 * @property {number} [timeoutMs] The timeout of the acknowledgement, in milliseconds; `Infinity`: no timeout. Default 30 000, and 1 000 more
 *   for each 2 048 bytes that are unacknowledged, this message included.
 * @property {AbortSignal} [signal] Rejects the promise, and drops the message if it was not sent yet: then the value that it superseded is
 *   sent instead.
 */
/**
 * A message of the owner. `older`: the value that it superseded, while that may still be sent.
 * @typedef {{ id?: string, key: string, text: string, bytes: number, at: number, sent: number, waiters: Set<Waiter>, older?: Entry }} Entry
 * @typedef {(error: any, seq?: number) => void} Waiter
 */
/**
 * Returns the queue of one owner.
 * @param {{ send: (text: string) => number, backlog: () => number, monitor: () => { proven: (upTo: number) => void, doubt: (cause: "silent") => void } | undefined }} link
 * @param {() => import("./validation.js").Limits} limits
 * @param {(message: any) => void} acked Takes each acknowledged message, with its number.
 */
export declare function outgoing({ send: pass, backlog, monitor }: {
    send: (text: string) => number;
    backlog: () => number;
    monitor: () => {
        proven: (upTo: number) => void;
        doubt: (cause: "silent") => void;
    } | undefined;
}, limits: () => import("./validation.js").Limits, acked: (message: any) => void): {
    flush: () => void;
    timeout: (more?: number) => number;
    waiting: () => number;
    isEmpty: () => boolean;
    /**
     * Queues or sends a message. Resolves to its number when it is acknowledged; for a superseded value to the number of the newer one.
     * @param {"publish" | "clear"} type
     * @param {string} key
     * @param {any[] | undefined} params
     * @param {PublishOptions} [options]
     * @returns {Promise<number | undefined>}
     */
    submit(type: "publish" | "clear", key: string, params: any[] | undefined, options?: PublishOptions): Promise<number | undefined>;
    /** Sends unacknowledged messages again on a new connection, then the queue. Rejects messages that the server's new limits exclude. */
    resume(): void;
    /** Takes an acknowledgement. @param {string} id @param {number} seq */
    acked(id: string, seq: number): void;
    /** Takes a refusal. @param {string} id @param {{ code: string, message: string }} refused */
    refused(id: string, { code, message }: {
        code: string;
        message: string;
    }): void;
    /** Stops the check for late acknowledgements. */
    cut(): void;
    /** Rejects all messages, and later ones until `resume` is called. @param {unknown} error */
    end(error: unknown): void;
};
