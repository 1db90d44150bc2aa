export type ListenOptions = {
    /**
     * Ends it.
     */
    signal?: AbortSignal;
};
/**
 * What may be given when listening begins.
 * @typedef {object} ListenOptions
 * @property {AbortSignal} [signal] Ends it.
 */
/** The listeners of one end. What one of them throws is reported once, and is lost on no other. */
export declare function ears(): {
    /**
     * Calls `func` for `name` from now on, and at once for each of `first`, which is empty then. The answer ends it.
     * @param {string} name
     * @param {(...values: any[]) => void} func
     * @param {ListenOptions} [options]
     * @param {any[][]} [first]
     * @returns {() => void}
     */
    on(name: string, func: (...values: any[]) => void, { signal }?: ListenOptions, first?: any[][]): () => void;
    /** Calls the listeners of `name`. Returns whether there were any. @param {string} name @param {any[]} values */
    emit(name: string, ...values: any[]): boolean;
    /** Nobody is called any more. */
    clear(): void;
};
