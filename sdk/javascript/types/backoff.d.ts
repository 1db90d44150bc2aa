/** The upper bound of the first delays, in milliseconds. */
export declare const DELAY_MS_FIRST = 500;
/** The upper bound of every delay, in milliseconds. */
export declare const DELAY_MS_MAX = 15000;
/**
 * Returns the delays of one client. The first one is drawn from zero to `firstMs`, so that many clients never return at once. The
 * next six are 0.7 to 1 times the bound, so the seventh attempt is never before 2.1 s. Behind them the bound grows eightfold with each delay.
 * @param {{ firstMs?: number, maxMs?: number, random?: () => number }} [options] `random` gives 0 to 1.
 */
export declare function backoff({ firstMs, maxMs, random }?: {
    firstMs?: number;
    maxMs?: number;
    random?: () => number;
}): {
    /** The client is in its room, and has everything. @param {number} now */
    connected(now: number): void;
    /** Returns the delay before the next attempt, in milliseconds. @param {number} now @param {boolean} [isTold] */
    next(now: number, isTold?: boolean): number;
};
