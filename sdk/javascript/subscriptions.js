// Who is called for which key. Must not know where messages come from.

/**
 * What is called for a key, with the message's parameters as one array.
 * @typedef {(params: any[]) => void} Handler
 */

export class Subscriptions {
  /** @type {Map<string, { handler: Handler, hasThrown: boolean }>} A map: `__proto__` is a key like any other. */
  #byKey = new Map();

  /**
   * Calls `handler` for `key` from now on, instead of the one before. The answer ends exactly this subscription.
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
   * Calls the key's handler, if there is one. What it throws goes to `report`, the first time only.
   * @param {string} key
   * @param {any[]} params
   * @param {(error: unknown) => void} report
   * @returns {boolean} Whether there was one.
   */
  call(key, params, report) {
    const subscription = this.#byKey.get(key);
    if (!subscription) return false;
    try {
      subscription.handler(params);
    } catch (error) {
      // A handler that fails once a frame would bury everything else.
      if (!subscription.hasThrown) report(error);
      subscription.hasThrown = true;
    }
    return true;
  }
}
