// Who listens to what. Must not know where it comes from.

import { uncaught } from "./attempt.js";

/**
 * What may be given when listening begins.
 * @typedef {object} ListenOptions
 * @property {AbortSignal} [signal] Ends it.
 */

/** The listeners of one end. What one of them throws is reported once, and is lost on no other. */
export function ears() {
  /** @type {Map<string, Set<(...values: any[]) => void>>} A map: `__proto__` is a name like any other. */
  const byName = new Map();

  return {
    /**
     * Calls `func` for `name` from now on, and at once for each of `first`, which is empty then. The answer ends it.
     * @param {string} name
     * @param {(...values: any[]) => void} func
     * @param {ListenOptions} [options]
     * @param {any[][]} [first]
     * @returns {() => void}
     */
    on(name, func, { signal } = {}, first = []) {
      if (typeof func !== "function") throw new TypeError("a listener is a function");
      const known = byName.get(name) ?? new Set();
      let hasThrown = false;
      /** @param {any[]} values */
      const ear = (...values) => {
        try {
          if (known.has(ear)) func(...values);
        } catch (error) {
          // A listener that fails with each frame would bury everything else.
          if (!hasThrown) uncaught(error);
          hasThrown = true;
        }
      };
      const off = () => void known.delete(ear);
      byName.set(name, known.add(ear));
      if (signal?.aborted) off();
      signal?.addEventListener("abort", off);
      for (const values of first.splice(0)) ear(...values);
      return off;
    },

    /** Calls the listeners of `name`. Returns whether there were any. @param {string} name @param {any[]} values */
    emit(name, ...values) {
      // A copy: who begins to listen meanwhile got what holds now already.
      const all = [...(byName.get(name) ?? [])];
      for (const ear of all) ear(...values);
      return all.length > 0;
    },

    /** Nobody is called any more. */
    clear() {
      for (const known of byName.values()) known.clear();
    },
  };
}
