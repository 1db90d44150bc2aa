/**
 * Calls `func`, if there is one. Reports an error that it throws, and never throws itself.
 * @param {Function | null | undefined} func
 * @param {unknown[]} values
 */
export declare function callSafely(func: Function | null | undefined, ...values: unknown[]): void;
/**
 * Reports an error as an uncaught one (`reportError`, or else `console.error`), without interrupting the caller.
 * @param {unknown} error
 */
export declare function uncaught(error: unknown): void;
