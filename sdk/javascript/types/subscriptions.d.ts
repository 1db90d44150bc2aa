export type Handler = (params: any[]) => void;
/**
 * What is called for a key, with the message's parameters as one array.
 * @typedef {(params: any[]) => void} Handler
 */
export declare class Subscriptions {
    #private;
    /**
     * Calls `handler` for `key` from now on, instead of the one before. The answer ends exactly this subscription.
     * @param {string} key
     * @param {Handler} handler
     * @returns {() => void}
     */
    set(key: string, handler: Handler): () => void;
    /** @param {string} key */
    delete(key: string): void;
    /**
     * Calls the key's handler, if there is one. What it throws goes to `report`, the first time only.
     * @param {string} key
     * @param {any[]} params
     * @param {(error: unknown) => void} report
     * @returns {boolean} Whether there was one.
     */
    call(key: string, params: any[], report: (error: unknown) => void): boolean;
}
