export type ListenOptions = {
    /**
     * Ends it.
     */
    signal?: AbortSignal;
    /**
     * Whether it ends with the first call.
     */
    once?: boolean;
};
export type Value<T, N = T> = {
    readonly value: T;
    subscribe: (func: (value: N) => void, options?: ListenOptions) => () => void;
};
/**
 * What may be given when listening begins.
 * @typedef {object} ListenOptions
 * @property {AbortSignal} [signal] Ends it.
 * @property {boolean} [once] Whether it ends with the first call.
 */
/**
 * A value that changes: the same one until it does.
 * @template T
 * @template [N=T] What the newer ones are.
 * @typedef {{ readonly value: T, subscribe: (func: (value: N) => void, options?: ListenOptions) => () => void }} Value `value` is what it
 *   is now. `subscribe` calls `func` with each newer one; the answer ends it.
 */
/** The listeners of one end. What one of them throws is reported once, and is lost on no other. */
export declare function ears(): {
    /**
     * Calls `func` for `name` from now on, and soon, before anything else, for each of `first`. The answer ends it.
     * @param {string} name
     * @param {(...values: any[]) => void} func
     * @param {ListenOptions} [options]
     * @param {any[][]} [first]
     * @returns {() => void}
     */
    on(name: string, func: (...values: any[]) => void, { signal, once }?: ListenOptions, first?: any[][]): () => void;
    /** Calls the listeners of `name`. Returns whether there were any. @param {string} name @param {any[]} values */
    emit(name: string, ...values: any[]): boolean;
    /** Nobody is called any more. */
    clear(): void;
};
/**
 * A value that others read and wait for.
 * @template T
 * @param {() => T} read
 * @param {ReturnType<typeof ears>["on"]} on
 * @param {string} name That of its changes.
 * @returns {Value<T, any>}
 */
export declare const valueOf: <T>(read: () => T, on: ReturnType<typeof ears>["on"], name: string) => Value<T, any>;
