export type Handler = (params: any[]) => void;
/**
 * The handler of a key, which is called with the message's parameters as one array.
 * @typedef {(params: any[]) => void} Handler
 */
/** The handlers of one client. */
export declare class Subscriptions {
    #private;
    /**
     * Sets the handler of `key`. Returns a function that removes it, unless another one has replaced it.
     * @param {string} key
     * @param {Handler} handler
     * @returns {() => void}
     */
    set(key: string, handler: Handler): () => void;
    /** @param {string} key */
    delete(key: string): void;
    /**
     * Calls the key's handler, if there is one. Only the first error that a handler throws is passed to `report`.
     * @param {string} key
     * @param {any[]} params
     * @param {(error: unknown) => void} report
     * @returns {boolean} Whether there was a handler.
     */
    call(key: string, params: any[], report: (error: unknown) => void): boolean;
}
