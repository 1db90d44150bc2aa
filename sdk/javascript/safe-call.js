// Calls the page's callbacks and contains their errors. Must not know what the callbacks are for.

/**
 * Calls `func`, if there is one. Reports an error that it throws, and never throws itself.
 * @param {Function | null | undefined} func
 * @param {unknown[]} values
 */
export function callSafely(func, ...values) {
  try {
    func?.(...values);
  } catch (error) {
    uncaught(error);
  }
}

/**
 * Reports an error as an uncaught one (`reportError`, or else `console.error`), without interrupting the caller.
 * @param {unknown} error
 */
export function uncaught(error) {
  (globalThis.reportError ?? console.error)(error);
}
