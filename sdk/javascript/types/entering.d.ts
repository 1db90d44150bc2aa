/** Returns whether one of the signals has aborted already. @param {{ signal?: AbortSignal, lifetime?: AbortSignal }} options */
export declare const isAborted: ({ signal, lifetime }: {
    signal?: AbortSignal;
    lifetime?: AbortSignal;
}) => boolean | undefined;
/**
 * Returns the public promise `entered`, and `over`, which stops listening to `lifetime`.
 * @param {Promise<void>} entered
 * @param {{ signal?: AbortSignal, lifetime?: AbortSignal }} options `signal` aborts the wait and has no effect after it. `lifetime` leaves
 *   the room whenever it aborts.
 * @param {(code?: string) => void} leave
 */
export declare function entering(entered: Promise<void>, { signal, lifetime }: {
    signal?: AbortSignal;
    lifetime?: AbortSignal;
}, leave: (code?: string) => void): {
    entered: Promise<void>;
    over: () => void | undefined;
};
