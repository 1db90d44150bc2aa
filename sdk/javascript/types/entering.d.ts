/** Whether it is over before it begins. @param {{ signal?: AbortSignal, lifetime?: AbortSignal }} options */
export declare const isAborted: ({ signal, lifetime }: {
    signal?: AbortSignal;
    lifetime?: AbortSignal;
}) => boolean | undefined;
/**
 * Returns the promise of entering, as one program sees it.
 * @param {Promise<void>} entered
 * @param {{ signal?: AbortSignal, lifetime?: AbortSignal }} options `signal` bounds the wait and means nothing behind it; `lifetime`
 *   ends the stay whenever it aborts.
 * @param {(code?: string) => void} leave
 */
export declare function entering(entered: Promise<void>, { signal, lifetime }: {
    signal?: AbortSignal;
    lifetime?: AbortSignal;
}, leave: (code?: string) => void): {
    entered: Promise<void>;
    over: () => void | undefined;
};
