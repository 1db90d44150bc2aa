/**
 * Calls `func`, if there is one. What it throws is reported and stops nothing here.
 * @param {Function | null | undefined} func
 * @param {unknown[]} values
 */
export declare function attempt(func: Function | null | undefined, ...values: unknown[]): void;
/**
 * Shows an error as browsers show one that nobody caught, without ending what runs.
 * @param {unknown} error
 */
export declare function uncaught(error: unknown): void;
