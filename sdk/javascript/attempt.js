// Calls what the page handed in, so that its mistakes stay its own. Must not know why it is called.

/**
 * Calls `func`, if there is one. What it throws is reported and stops nothing here.
 * @param {Function | null | undefined} func
 * @param {unknown[]} values
 */
export function attempt(func, ...values) {
  try {
    func?.(...values);
  } catch (error) {
    uncaught(error);
  }
}

/**
 * Shows an error as browsers show one that nobody caught, without ending what runs.
 * @param {unknown} error
 */
export function uncaught(error) {
  (globalThis.reportError ?? console.error)(error);
}
