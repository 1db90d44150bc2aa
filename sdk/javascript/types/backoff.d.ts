/** The upper bound of the first delays, in milliseconds. */
export declare const DELAY_MS_FIRST = 500;
/** The upper bound of every delay, in milliseconds. */
export declare const DELAY_MS_MAX = 15000;
/**
 * Returns the delays of one client. The first one is random between zero and `firstMs`, so that many clients never reconnect at once.
 * The next six are 0.7 to 1 times the bound, so the seventh attempt is never before 2.1 s. After them each delay has eight times the
 * bound of the one before, up to `maxMs`.
 * @param {{ firstMs?: number, maxMs?: number, random?: () => number }} [options] `random` returns a number from 0 to 1.
 */
export declare function backoff({ firstMs, maxMs, random }?: {
    firstMs?: number;
    maxMs?: number;
    random?: () => number;
}): {
    /** Records that the client is in its room and has all of the state. @param {number} now */
    connected(now: number): void;
    /**
     * Returns the delay before the next attempt, in milliseconds.
     * @param {number} now @param {boolean} [isTold] Whether the server set a delay, which the caller adds.
     */
    next(now: number, isTold?: boolean): number;
};
