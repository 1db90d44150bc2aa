export type ListenOptions = {
    /**
     * Unsubscribes when it aborts.
     */
    signal?: AbortSignal;
    /**
     * Whether to call `func` for the first event only. Default false.
     */
    once?: boolean;
};
export type Value<T, N = T> = {
    readonly value: T;
    subscribe: (func: (value: N) => void, options?: ListenOptions) => () => void;
};
/**
 * The options of a subscription.
 * @typedef {object} ListenOptions
 * @property {AbortSignal} [signal] Unsubscribes when it aborts.
 * @property {boolean} [once] Whether to call `func` for the first event only. Default false.
 */
/**
 * A value that changes. It is the same object until it changes.
 * @template T
 * @template [N=T] The type of later values.
 * @typedef {{ readonly value: T, subscribe: (func: (value: N) => void, options?: ListenOptions) => () => void }} Value `value`: the
 *   present value. `subscribe`: calls `func` with each later value, and returns a function that unsubscribes.
 */
/** Returns the listeners of one client. The first error that a listener throws is reported; the other listeners are called all the same. */
export declare function listeners(): {
    /**
     * Subscribes `func` to `name`, and calls it with each of `first` in a microtask, before any later event. Returns a function that
     * unsubscribes.
     * @param {string} name
     * @param {(...values: any[]) => void} func
     * @param {ListenOptions} [options]
     * @param {any[][]} [first]
     * @returns {() => void}
     */
    on(name: string, func: (...values: any[]) => void, { signal, once }?: ListenOptions, first?: any[][]): () => void;
    /** Calls the listeners of `name`. Returns whether there were any. @param {string} name @param {any[]} values */
    emit(name: string, ...values: any[]): boolean;
    /** Removes all listeners. */
    clear(): void;
};
/**
 * Returns a value for programs, which they can read and subscribe to.
 * @template T
 * @param {() => T} read
 * @param {ReturnType<typeof listeners>["on"]} on
 * @param {string} name The name of the event that reports its changes.
 * @returns {Value<T, any>}
 */
export declare const valueOf: <T>(read: () => T, on: ReturnType<typeof listeners>["on"], name: string) => Value<T, any>;
