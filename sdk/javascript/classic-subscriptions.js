// The classic client's handlers, one for each key. Must not know where messages come from.

/**
 * The handler of a key, which is called with the message's parameters as one array.
 * @typedef {(params: any[]) => void} Handler
 */

/** The handlers of one client. */
export class Subscriptions {
  /** @type {Map<string, { handler: Handler, hasThrown: boolean }>} A map: `__proto__` is a key like any other. */
  #byKey = new Map();

  /**
   * Sets the handler of `key`. Returns a function that removes it, unless another one has replaced it.
   * @param {string} key
   * @param {Handler} handler
   * @returns {() => void}
   */
  set(key, handler) {
    const subscription = { handler, hasThrown: false };
    this.#byKey.set(key, subscription);
    return () => {
      if (this.#byKey.get(key) === subscription) this.#byKey.delete(key);
    };
  }

  /** @param {string} key */
  delete(key) {
    this.#byKey.delete(key);
  }

  /**
   * Calls the key's handler, if there is one. Only the first error that a handler throws is passed to `report`.
   * @param {string} key
   * @param {any[]} params
   * @param {(error: unknown) => void} report
   * @returns {boolean} Whether there was a handler.
   */
  call(key, params, report) {
    const subscription = this.#byKey.get(key);
    if (!subscription) return false;
    try {
      subscription.handler(params);
    } catch (error) {
      // Once: a handler that fails with each frame would flood the console.
      if (!subscription.hasThrown) report(error);
      subscription.hasThrown = true;
    }
    return true;
  }
}
